// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/quantity.hpp"

#include <array>
#include <cstdint>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

struct Unit {
  std::string_view name;
  Duration length;
};

constexpr std::array<Unit, 5> kUnits{{{"d", std::chrono::hours(24)},
                                      {"h", std::chrono::hours(1)},
                                      {"min", std::chrono::minutes(1)},
                                      {"s", std::chrono::seconds(1)},
                                      {"ms", std::chrono::milliseconds(1)}}};

constexpr std::string_view kDigits = "0123456789";

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  const auto number_size = text.find_first_not_of(kDigits);
  if (number_size == std::string_view::npos) return std::nullopt;
  const auto number = parse_number<std::int64_t>(text.substr(0, number_size));
  const auto name = trim(text.substr(number_size));
  for (const auto& unit : kUnits) {
    if (unit.name != name) continue;
    if (!number || *number > Duration::max() / unit.length) return std::nullopt;
    return *number * unit.length;
  }
  return std::nullopt;
}

std::string format_duration(Duration duration) {
  if (duration == Duration::zero()) return "0s";
  for (const auto& unit : kUnits) {
    if (duration % unit.length == Duration::zero()) return cat(duration / unit.length, unit.name);
  }
  return cat(format_decimal(std::chrono::duration<double, std::milli>(duration).count(), 6), "ms");
}

std::optional<double> parse_percent(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  const auto number = parse_decimal(trim(text.substr(0, text.size() - 1)));
  if (!number || *number < 0 || *number > 100) return std::nullopt;
  return *number / 100;
}

std::string format_percent(double ratio) {
  return cat(format_decimal(ratio * 100, 4), '%');
}

}  // namespace multilink
