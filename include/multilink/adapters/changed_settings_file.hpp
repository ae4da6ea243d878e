// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "multilink/ports/sysctls.hpp"

namespace multilink {

/// A file in a directory of /run, one for each network namespace (two may each have a routed). It is replaced by renaming
/// a new one over it; /run is empty after a restart of the machine, as settings are.
class ChangedSettingsFile final : public ChangedSettings {
 public:
  static constexpr std::string_view kDirectory = "/run/multilink/routed";

  /// The file of the network namespace that the calling thread is in.
  explicit ChangedSettingsFile(std::string_view directory = kDirectory);

  Result<std::vector<ChangedSetting>> load() override;
  /// Makes the directory, and the one above it, where they are missing.
  Result<void> save(const std::vector<ChangedSetting>& changed) override;
  const std::string& path() const { return path_; }

 private:
  std::string directory_;
  std::string path_;
};

}  // namespace multilink
