// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "multilink/core/result.hpp"

namespace multilink {

/// Held by the one daemon of its name and site in this network namespace, for as long as the object lives: two of
/// them would answer each other's probes or fight for the same routes. It is an abstract Unix socket, so that it
/// goes with the process, however that ends, and leaves nothing to clean up. Any user of the host could take the
/// name first, and the daemon would then not start: so the Error names the process that has it.
class InstanceLock {
 public:
  /// The Error says who holds the lock, and what to do. `site` is as in the configuration.
  static Result<InstanceLock> take(std::string_view daemon, std::string_view site);

  InstanceLock(InstanceLock&& other) noexcept;
  InstanceLock& operator=(InstanceLock&&) = delete;
  ~InstanceLock();

 private:
  explicit InstanceLock(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace multilink
