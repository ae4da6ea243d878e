// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/config_file.hpp"

#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

std::string_view remedy_for(int code) {
  switch (code) {
    case ENOENT:
      return "write one, or name it with --config FILE";
    case EACCES:
      return "let this user read it, or name another one with --config FILE";
    default:
      return "name a readable text file with --config FILE";
  }
}

Result<std::string> read_file(const std::string& path, std::size_t most) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  // In steps: a buffer for the largest file costs more to clear than all else that the status page does to begin.
  constexpr std::size_t kStep = 16384;
  std::string text;
  while (file && text.size() <= most) {
    const std::size_t before = text.size();
    text.resize(before + std::min(kStep, most + 1 - before));
    file.read(text.data() + before, static_cast<std::streamsize>(text.size() - before));
    text.resize(before + static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad()) {
    const int code = errno != 0 ? errno : EIO;
    return fail(cat("cannot be read: ", std::strerror(code), "; ", remedy_for(code)), code);
  }
  if (text.size() > most) {
    return fail(cat("is larger than ", most, " bytes; name the right file with --config FILE"), EFBIG);
  }
  return text;
}

}  // namespace

Result<std::string> read_text_file(const std::string& path) {
  constexpr std::size_t kLargest = 1 << 20;
  return read_file(path, kLargest);
}

ParsedConfig load_config_file(const std::string& path) {
  const auto text = read_text_file(path);
  if (text) return parse_config(*text, path);
  ParsedConfig refused;
  refused.errors.push_back({path, 0, cat("the configuration ", text.error().message)});
  return refused;
}

std::vector<std::string> existing_devices() {
  std::vector<std::string> names;
  const std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> all(if_nameindex(),
                                                                              &if_freenameindex);
  if (!all) return names;
  for (const auto* entry = all.get(); entry->if_index != 0; ++entry) names.emplace_back(entry->if_name);
  return names;
}

Result<std::string> read_boot_id() {
  constexpr std::size_t kDigits = 8;
  const auto text = read_file("/proc/sys/kernel/random/boot_id", 64);
  if (!text) return fail(cat("/proc/sys/kernel/random/boot_id ", text.error().message), text.error().code);
  if (text->size() < kDigits) return fail("/proc/sys/kernel/random/boot_id is too short");
  return text->substr(0, kDigits);
}

}  // namespace multilink
