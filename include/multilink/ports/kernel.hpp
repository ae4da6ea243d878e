// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>

#include "multilink/core/kernel_state.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/route_operation.hpp"

namespace multilink {

/// What changed in the kernel; `overrun` says that notifications were lost and everything may have.
struct KernelChange {
  bool links = false;
  bool addresses = false;
  bool routes = false;
  bool rules = false;
  bool overrun = false;
};

/// The reading half of the kernel's networking: no capability is needed for it. Calls are synchronous
/// (netlink to the local kernel) and happen on the service's thread.
class KernelReader {
 public:
  virtual ~KernelReader() = default;

  /// A fresh dump of links, addresses, routes and rules of both families.
  virtual Result<KernelState> read() = 0;
  /// Calls `on_change` from the loop after changes, several notifications folded into one call. Call once,
  /// before the first read, so that nothing falls between the two.
  virtual void watch(std::function<void(const KernelChange&)> on_change) = 0;
};

class Kernel : public KernelReader {
 public:
  /// Carries out one operation. Adding what is there, and deleting what is not, succeed. The Error has the
  /// raw errno in `code`.
  virtual Result<void> apply(const RouteOperation& operation) = 0;
};

}  // namespace multilink
