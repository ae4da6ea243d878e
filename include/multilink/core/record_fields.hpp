// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "multilink/core/records.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

/// The pieces that records are made of on the wire, and their bounds.

inline constexpr std::size_t kMaxFields = 64;          ///< of one hash, unknown ones included
inline constexpr std::size_t kMaxFieldName = 64;       ///< bytes
inline constexpr std::size_t kMaxFieldValue = 131072;  ///< bytes
inline constexpr std::size_t kMaxText = 512;           ///< bytes of a text for people
inline constexpr std::size_t kMaxName = 64;            ///< bytes of an uplink's or daemon's name
inline constexpr std::size_t kMaxAddresses = 64;       ///< of one uplink and family
inline constexpr std::size_t kMaxActive = 1024;        ///< uplinks that share the default
inline constexpr std::size_t kMaxPolicies = 1024;
inline constexpr std::size_t kMaxWarnings = 64;                  ///< of a routing record
inline constexpr std::int64_t kMaxWallMs = 253'402'300'799'999;  ///< the last millisecond of the year 9999
inline constexpr Duration kMaxDuration = std::chrono::hours(24);

bool is_boot_id(std::string_view text);   ///< 8 lower-case hex digits
bool is_event_id(std::string_view text);  ///< "<boot>-<1 to 16 lower-case hex digits>"
bool is_name(std::string_view text);      ///< 1..kMaxName printable ASCII characters, no blank, no '/'
/// Well-formed UTF-8 without control characters: safe in a terminal and in JSON (not in HTML).
bool is_plain_text(std::string_view text);
/// `text` made plain and at most kMaxText bytes long, so that no message of a kernel or a library can make a
/// record that its readers refuse.
std::string to_plain_text(std::string_view text);

std::string encode_wall(WallTime time);                                  ///< ms since the epoch
std::string encode_microseconds(Duration length);                        ///< whole microseconds, cut
std::string encode_microseconds(const std::optional<Duration>& length);  ///< none: ""
std::string encode_mono(const std::optional<MonoTime>& time);            ///< ns; none: ""

/// Reads a record's fields with their types and bounds, and keeps the first fault: a decoder reads all its
/// fields in a row and asks once, at the end. A faulty field reads as a default value.
class FieldReader {
 public:
  /// Refuses hashes whose number of fields or whose sizes are out of bounds. Both must outlive the reader.
  FieldReader(std::string_view record, const Fields& fields);

  /// The field as `parse` (text -> optional) understands it; `rule` completes "… is not".
  template <class Parse>
  auto parsed(std::string_view field, std::string_view rule, Parse parse) {
    using Value = typename decltype(parse(std::string_view{}))::value_type;
    const std::string* text = find(field);
    if (text == nullptr) return Value{};
    auto value = parse(std::string_view(*text));
    if (!value) refuse(field, rule);
    return value ? *std::move(value) : Value{};
  }

  template <std::integral T>
  T number(std::string_view field, T least, T most) {
    return parsed(field, cat("a whole number from ", least, " to ", most), [&](std::string_view text) {
      const auto value = parse_number<T>(text);
      return value && *value >= least && *value <= most ? value : std::nullopt;
    });
  }

  /// Text that `accepts`.
  template <class Accepts>
  std::string text_if(std::string_view field, std::string_view rule, Accepts accepts) {
    return parsed(field, rule, [&](std::string_view text) {
      return accepts(text) ? std::optional<std::string>(text) : std::nullopt;
    });
  }

  std::string text(std::string_view field);            ///< for people, may be empty
  std::string name(std::string_view field);            ///< is_name
  std::string boot(std::string_view field);            ///< is_boot_id
  std::string event_or_empty(std::string_view field);  ///< is_event_id, or ""
  bool flag(std::string_view field);                   ///< "0" or "1"
  double ratio(std::string_view field);                ///< [0,1]
  WallTime wall(std::string_view field);               ///< up to the year 9999
  std::optional<WallTime> wall_or_none(std::string_view field);
  Duration microseconds(std::string_view field);  ///< 0..kMaxDuration
  std::optional<Duration> microseconds_or_none(std::string_view field);
  /// In ns; at most `before_boot` before the machine started (which is when it is 0).
  MonoTime mono(std::string_view field, Duration before_boot = {});
  std::optional<MonoTime> mono_or_none(std::string_view field, Duration before_boot = {});
  std::vector<Family> families();  ///< the field `families`: "4 6", "4", "6" or ""

  /// Notes that the field breaks `rule`, unless a fault is noted already.
  void refuse(std::string_view field, std::string_view rule);

  template <class Record>
  Result<Record> finish(Record record) const {
    if (error_) return tl::unexpected<Error>(*error_);
    return record;
  }

 private:
  const std::string* find(std::string_view field);  ///< null, and a fault noted, when missing

  std::string_view record_;
  const Fields& fields_;
  std::optional<Error> error_;
};

/// The name of a field that exists once a family: "4.state".
std::string family_field(Family family, std::string_view field);

/// The value of the field `families` for a record's map.
template <class PerFamily>
std::string encode_families(const std::map<Family, PerFamily>& families) {
  std::vector<std::string> tokens;
  tokens.reserve(families.size());
  for (const auto& [family, unused] : families) tokens.emplace_back(to_string(family));
  return join(tokens, " ");
}

}  // namespace multilink
