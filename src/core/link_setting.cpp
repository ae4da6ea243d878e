// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/link_setting.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::array kSettings{LinkSetting::rp_filter, LinkSetting::accept_ra};
constexpr int kLargestValue = 2;  // of both

std::string device_path(std::string_view family, std::string_view device, std::string_view name) {
  assert(!device.empty() && device != "." && device != ".." && device.find('/') == std::string_view::npos);
  return cat("net/", family, "/conf/", device, '/', name);
}

std::optional<ChangedSetting> parse_line(std::string_view line) {
  const auto words = split(line, ' ');
  if (words.size() != 4) return std::nullopt;
  const auto index = parse_number<unsigned>(words[0]);
  const auto setting = std::find_if(kSettings.begin(), kSettings.end(),
                                    [&](LinkSetting each) { return to_string(each) == words[1]; });
  const auto original = parse_number<int>(words[2]);
  const auto ours = parse_number<int>(words[3]);
  if (!index || *index == 0 || setting == kSettings.end() || !original || !ours) return std::nullopt;
  if (std::min(*original, *ours) < 0 || std::max(*original, *ours) > kLargestValue) return std::nullopt;
  return ChangedSetting{*index, *setting, *original, *ours};
}

}  // namespace

std::string_view to_string(LinkSetting setting) {
  return setting == LinkSetting::rp_filter ? "rp_filter" : "accept_ra";
}

std::string ipv4_path(std::string_view device, std::string_view name) {
  return device_path("ipv4", device, name);
}

std::string ipv6_path(std::string_view device, std::string_view name) {
  return device_path("ipv6", device, name);
}

std::string path_of(LinkSetting setting, std::string_view device) {
  return setting == LinkSetting::rp_filter ? ipv4_path(device, to_string(setting))
                                           : ipv6_path(device, to_string(setting));
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
      return fail(cat("line ", number, ": ", quoted(line),
                      " is not INDEX, rp_filter or accept_ra, and two values from 0 to ", kLargestValue));
    }
    out.push_back(*changed);
  }
  return out;
}

}  // namespace multilink
