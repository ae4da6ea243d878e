// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>
#include <vector>

#include "multilink/core/kernel_setting.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// The kernel's settings, by their path below /proc/sys. Synchronous and cheap. Errors have the errno in `code`.
class Sysctls {
 public:
  virtual ~Sysctls() = default;

  /// ENOENT: there is no such setting (the device has gone, the family is off); EINVAL: it is no whole number.
  virtual Result<int> read(std::string_view path) = 0;
  virtual Result<void> write(std::string_view path, int value) = 0;
};

/// What was changed and the values before, where it outlives a crash of the process, but not the kernel: after that the
/// settings are new, too.
class ChangedSettings {
 public:
  virtual ~ChangedSettings() = default;

  /// Empty where nothing was changed.
  virtual Result<std::vector<ChangedSetting>> load() = 0;
  /// All or nothing: after an Error, what was there is still there.
  virtual Result<void> save(const std::vector<ChangedSetting>& changed) = 0;
};

}  // namespace multilink
