// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "multilink/core/result.hpp"

namespace multilink {

inline constexpr const char* kSquidPath = "/usr/sbin/squid";

/// Puts `text` into the file in one step: who reads it sees the old or the new. The Error names the file.
Result<void> write_whole(const std::string& path, const std::string& text);

/// What has been written; the names of files.
struct SquidFileChanges {
  std::set<std::string> changed;  ///< who runs must read it anew
  std::set<std::string> noted;    ///< for the next start: without_fallback() is the same
};

/// The configuration files of the Squids.
class SquidFolder {
 public:
  explicit SquidFolder(std::string path) : path_(std::move(path)) {}

  std::string path_of(const std::string& name) const { return path_ + "/" + name + ".conf"; }
  /// The names of the files that are there.
  std::set<std::string> names() const;

  /// Makes the folder hold exactly these files (name, text), if Squid accepts every one that has changed: else nothing is changed,
  /// and the Error says what Squid says. Gives those that have.
  Result<SquidFileChanges> replace(const std::map<std::string, std::string>& files);
  void clear();  ///< removes the files and the folder

 private:
  std::string path_;
};

}  // namespace multilink
