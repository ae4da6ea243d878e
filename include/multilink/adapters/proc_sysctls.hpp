// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "multilink/ports/sysctls.hpp"

namespace multilink {

/// /proc/sys of the network namespace that the calling thread is in. Writing asks for CAP_NET_ADMIN, and for a /proc/sys
/// that is not mounted read-only.
class ProcSysctls final : public Sysctls {
 public:
  Result<int> read(std::string_view path) override;
  Result<void> write(std::string_view path, int value) override;
};

}  // namespace multilink
