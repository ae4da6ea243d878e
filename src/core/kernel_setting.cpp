// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/kernel_setting.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

struct Known {
  KernelSetting setting;
  std::string_view token;
  std::string_view path;  ///< below /proc/sys; of a device, what comes before and after its name
  std::string_view rest;
  int largest;
};

constexpr std::array kKnown{
    Known{KernelSetting::rp_filter, "rp_filter", "net/ipv4/conf/", "/rp_filter", 2},
    Known{KernelSetting::accept_ra, "accept_ra", "net/ipv6/conf/", "/accept_ra", 2},
    Known{KernelSetting::ipv4_hash_policy, "ipv4_hash_policy", "net/ipv4/fib_multipath_hash_policy", "", 3},
    Known{KernelSetting::ipv6_hash_policy, "ipv6_hash_policy", "net/ipv6/fib_multipath_hash_policy", "", 3},
    Known{KernelSetting::ipv6_hash_fields, "ipv6_hash_fields", "net/ipv6/fib_multipath_hash_fields", "",
          0xfff},
};

const Known& known(KernelSetting setting) {
  const auto found =
      std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& each) { return each.setting == setting; });
  assert(found != kKnown.end());
  return *found;
}

bool is_device_name(std::string_view device) {
  return !device.empty() && device != "." && device != ".." && device.find('/') == std::string_view::npos;
}

std::string device_path(std::string_view family, std::string_view device, std::string_view name) {
  assert(is_device_name(device));
  return cat("net/", family, "/conf/", device, '/', name);
}

std::optional<ChangedSetting> parse_line(std::string_view line) {
  const auto words = split(line, ' ');
  if (words.size() != 4) return std::nullopt;
  const auto index = parse_number<unsigned>(words[0]);
  const auto setting =
      std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& each) { return each.token == words[1]; });
  const auto original = parse_number<int>(words[2]);
  const auto ours = parse_number<int>(words[3]);
  if (!index || setting == kKnown.end() || !original || !ours) return std::nullopt;
  if (is_of_device(setting->setting) != (*index != 0)) return std::nullopt;
  if (std::min(*original, *ours) < 0 || std::max(*original, *ours) > setting->largest) return std::nullopt;
  return ChangedSetting{*index, setting->setting, *original, *ours};
}

}  // namespace

std::string_view to_string(KernelSetting setting) {
  return known(setting).token;
}

bool is_of_device(KernelSetting setting) {
  return !known(setting).rest.empty();
}

std::string ipv4_path(std::string_view device, std::string_view name) {
  return device_path("ipv4", device, name);
}

std::string ipv6_path(std::string_view device, std::string_view name) {
  return device_path("ipv6", device, name);
}

std::string path_of(KernelSetting setting, std::string_view device) {
  const Known& each = known(setting);
  assert(is_of_device(setting) ? is_device_name(device) : device.empty());
  return cat(each.path, device, each.rest);
}

std::string sysctl_name(std::string_view path) {
  std::string out(path);
  if (path.find('.') == std::string_view::npos) std::replace(out.begin(), out.end(), '/', '.');
  return out;
}

std::string encode_changed_settings(const std::vector<ChangedSetting>& changed) {
  std::string out;
  for (const auto& each : changed) {
    out += cat(each.link_index, ' ', to_string(each.setting), ' ', each.original, ' ', each.ours, '\n');
  }
  return out;
}

Result<std::vector<ChangedSetting>> parse_changed_settings(std::string_view text) {
  std::vector<ChangedSetting> out;
  unsigned number = 0;
  for (const auto line : split(text, '\n')) {
    ++number;
    if (line.empty()) continue;
    const auto changed = parse_line(line);
    if (!changed) {
      return fail(
          cat("line ", number, ": ", quoted(line),
              " is not the index of a device (0: the host), a setting, and two values that it may have"));
    }
    out.push_back(*changed);
  }
  return out;
}

}  // namespace multilink
