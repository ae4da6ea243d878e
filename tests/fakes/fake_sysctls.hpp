// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/text.hpp"
#include "multilink/ports/sysctls.hpp"

namespace multilink::fakes {

/// Settings in memory. One that was never given a value is not there.
class FakeSysctls final : public Sysctls {
 public:
  Result<int> read(std::string_view path) override {
    const auto found = values.find(path);
    return found == values.end() ? Result<int>(failure(path, ENOENT)) : found->second;
  }
  Result<void> write(std::string_view path, int value) override {
    if (write_error != 0) return failure(path, write_error);
    const auto found = values.find(path);
    if (found == values.end()) return failure(path, ENOENT);
    found->second = value;
    written.push_back(cat(sysctl_name(path), '=', value));
    return {};
  }

  std::map<std::string, int, std::less<>> values;
  std::vector<std::string> written;
  int write_error = 0;

 private:
  static tl::unexpected<Error> failure(std::string_view path, int code) {
    return fail(cat(sysctl_name(path), ": ", std::strerror(code)), code);
  }
};

/// What a file would hold; it outlives the service that writes it.
class FakeChangedSettings final : public ChangedSettings {
 public:
  Result<std::vector<ChangedSetting>> load() override {
    ++loads;
    if (load_error != 0) return fail("the memory cannot be read", load_error);
    return changed;
  }
  Result<void> save(const std::vector<ChangedSetting>& fresh) override {
    if (save_error != 0) return fail("the memory cannot be written", save_error);
    changed = fresh;
    ++saves;
    return {};
  }

  std::vector<ChangedSetting> changed;
  unsigned loads = 0, saves = 0;
  int load_error = 0;
  int save_error = 0;
};

}  // namespace multilink::fakes
