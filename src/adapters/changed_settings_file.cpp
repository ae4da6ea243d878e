// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/changed_settings_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::size_t kMostBytes = 65536;
constexpr mode_t kDirectoryMode = 0755;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

/// The number that tells this network namespace from all others there are.
ino_t network_namespace() {
  struct stat found {};
  return stat("/proc/thread-self/ns/net", &found) == 0 ? found.st_ino : 0;
}

/// The directory and its parent.
bool make_directory(const std::string& directory) {
  const auto is_there = [](const std::string& path) {
    return mkdir(path.c_str(), kDirectoryMode) == 0 || errno == EEXIST;
  };
  return is_there(directory.substr(0, directory.rfind('/'))) && is_there(directory);
}

bool write_whole(const std::string& path, const std::string& text) {
  File file(std::fopen(path.c_str(), "we"));
  if (!file || std::fwrite(text.data(), 1, text.size(), file.get()) != text.size()) return false;
  return std::fclose(file.release()) == 0;
}

}  // namespace

ChangedSettingsFile::ChangedSettingsFile(std::string_view directory)
    : directory_(directory), path_(cat(directory, "/settings.", network_namespace())) {}

Result<std::vector<ChangedSetting>> ChangedSettingsFile::load() {
  const File file(std::fopen(path_.c_str(), "re"));
  if (!file && errno == ENOENT) return std::vector<ChangedSetting>{};
  const auto refuse = [&](std::string_view why, int code) {
    return fail(cat(path_, ": ", why,
                    "; it holds the values that settings of the kernel had before: set them by hand where "
                    "it matters, and delete the file"),
                code);
  };
  if (!file) return refuse(std::strerror(errno), errno);
  std::string text(kMostBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return refuse(std::strerror(errno), errno);
  if (text.size() > kMostBytes) return refuse(cat("more than ", kMostBytes, " bytes"), EFBIG);
  auto changed = parse_changed_settings(text);
  if (!changed) return refuse(changed.error().message, EINVAL);
  return changed;
}

Result<void> ChangedSettingsFile::save(const std::vector<ChangedSetting>& changed) {
  const std::string fresh = path_ + ".new";
  if (!make_directory(directory_) || !write_whole(fresh, encode_changed_settings(changed)) ||
      std::rename(fresh.c_str(), path_.c_str()) != 0) {
    const int code = errno;
    (void)unlink(fresh.c_str());
    return fail(cat(path_, ": cannot be written: ", std::strerror(code)), code);
  }
  return {};
}

}  // namespace multilink
