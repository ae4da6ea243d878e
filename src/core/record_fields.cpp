// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/record_fields.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace multilink {
namespace {

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// How many bytes the plain character at the front takes; 0 when there is none (RFC 3629, table 3-7 of
/// Unicode: no overlong forms, no surrogates; no C0 or C1 control characters).
std::size_t plain_prefix(std::string_view text) {
  const auto byte = [&](std::size_t at) -> unsigned {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  const auto follows = [&](std::size_t at) { return (byte(at) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) && !(first == 0xc2 && byte(1) < 0xa0) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = first == 0xed && byte(1) > 0x9f;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && byte(1) < 0x90;
    const bool too_large = first == 0xf4 && byte(1) > 0x8f;
    return follows(1) && follows(2) && follows(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool is_boot_id(std::string_view text) {
  return text.size() == 8 && is_hex(text);
}

bool is_event_id(std::string_view text) {
  return text.size() >= 10 && text.size() <= 25 && is_boot_id(text.substr(0, 8)) && text[8] == '-' &&
         is_hex(text.substr(9));
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '/'; });
}

bool is_plain_text(std::string_view text) {
  while (!text.empty()) {
    const auto size = plain_prefix(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string to_plain_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto size = plain_prefix(text);
    const auto piece = size == 0 ? std::string_view("?") : text.substr(0, size);
    if (out.size() + piece.size() > kMaxText) break;
    out += piece;
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

std::string encode_wall(WallTime time) {
  return cat(time.time_since_epoch().count());
}

std::string encode_microseconds(Duration length) {
  return cat(std::chrono::duration_cast<std::chrono::microseconds>(length).count());
}

std::string encode_microseconds(const std::optional<Duration>& length) {
  return length ? encode_microseconds(*length) : std::string();
}

std::string encode_mono(const std::optional<MonoTime>& time) {
  return time ? cat(time->time_since_epoch().count()) : std::string();
}

FieldReader::FieldReader(std::string_view record, const Fields& fields) : record_(record), fields_(fields) {
  if (fields.size() > kMaxFields) {
    error_ = Error{cat(record, ": ", fields.size(), " fields; at most ", kMaxFields, " are read")};
    return;
  }
  for (const auto& [field, value] : fields) {
    if (field.size() > kMaxFieldName || value.size() > kMaxFieldValue) {
      refuse(field, cat("of at most ", kMaxFieldName, " bytes of name and ", kMaxFieldValue, " of value"));
    }
  }
}

const std::string* FieldReader::find(std::string_view field) {
  const auto found = fields_.find(std::string(field));
  if (found != fields_.end()) return &found->second;
  if (!error_) error_ = Error{cat(record_, ": field '", field, "' is missing")};
  return nullptr;
}

void FieldReader::refuse(std::string_view field, std::string_view rule) {
  if (error_) return;
  const auto found = fields_.find(std::string(field));
  const auto value = found == fields_.end() ? std::string_view() : std::string_view(found->second);
  error_ = Error{cat(record_, ": field '", printable(field), "': '", printable(value), "' is not ", rule)};
}

std::string FieldReader::text(std::string_view field) {
  return text_if(field, cat("plain UTF-8 text of at most ", kMaxText, " bytes"),
                 [](std::string_view text) { return text.size() <= kMaxText && is_plain_text(text); });
}

std::string FieldReader::name(std::string_view field) {
  return text_if(field, "a name", is_name);
}

std::string FieldReader::boot(std::string_view field) {
  return text_if(field, "a boot id of 8 hex digits", is_boot_id);
}

std::string FieldReader::event_or_empty(std::string_view field) {
  return text_if(field, "an event id",
                 [](std::string_view text) { return text.empty() || is_event_id(text); });
}

bool FieldReader::flag(std::string_view field) {
  return parsed(field, "0 or 1", [](std::string_view text) {
    return text == "1" || text == "0" ? std::optional<bool>(text == "1") : std::nullopt;
  });
}

double FieldReader::ratio(std::string_view field) {
  return parsed(field, "a ratio from 0 to 1", [](std::string_view text) {
    const auto value = parse_decimal(text);
    return value && *value >= 0 && *value <= 1 ? value : std::nullopt;
  });
}

WallTime FieldReader::wall(std::string_view field) {
  return WallTime(std::chrono::milliseconds(number<std::int64_t>(field, 0, kMaxWallMs)));
}

Duration FieldReader::microseconds(std::string_view field) {
  constexpr auto kMost = std::chrono::duration_cast<std::chrono::microseconds>(kMaxDuration);
  return std::chrono::microseconds(number<std::int64_t>(field, 0, kMost.count()));
}

std::optional<Duration> FieldReader::microseconds_or_none(std::string_view field) {
  const auto found = fields_.find(std::string(field));
  if (found != fields_.end() && found->second.empty()) return std::nullopt;
  return microseconds(field);
}

MonoTime FieldReader::mono(std::string_view field, Duration before_boot) {
  return MonoTime(Duration(number<std::int64_t>(field, -before_boot.count(), INT64_MAX)));
}

std::optional<WallTime> FieldReader::wall_or_none(std::string_view field) {
  const auto found = fields_.find(std::string(field));
  if (found != fields_.end() && found->second.empty()) return std::nullopt;
  return wall(field);
}

std::optional<MonoTime> FieldReader::mono_or_none(std::string_view field, Duration before_boot) {
  const auto found = fields_.find(std::string(field));
  if (found != fields_.end() && found->second.empty()) return std::nullopt;
  return mono(field, before_boot);
}

std::vector<Family> FieldReader::families() {
  return parsed("families", "'4 6', '4', '6' or empty",
                [](std::string_view text) -> std::optional<std::vector<Family>> {
                  if (text.empty()) return std::vector<Family>{};
                  if (text == "4 6") return std::vector<Family>{Family::v4, Family::v6};
                  const auto family = parse_family(text);
                  if (!family) return std::nullopt;
                  return std::vector<Family>{*family};
                });
}

std::string family_field(Family family, std::string_view field) {
  return cat(to_string(family), '.', field);
}

}  // namespace multilink
