// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/proxy_record.hpp"

#include <limits>

#include "multilink/core/record_fields.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::uint64_t kMostCount = std::numeric_limits<std::int64_t>::max();

/// The number behind the first `label` that begins a line (blanks before it do not count).
std::optional<std::uint64_t> number_behind(std::string_view page, std::string_view label) {
  constexpr std::string_view kDigits = "0123456789";
  for (const auto line : split(page, '\n')) {
    auto rest = trim(line);
    if (!rest.starts_with(label)) continue;
    rest = trim(rest.substr(label.size()));
    return parse_number<std::uint64_t>(rest.substr(0, rest.find_first_not_of(kDigits)));
  }
  return std::nullopt;
}

}  // namespace

Fields ProxyRecord::encode() const {
  constexpr int kDigits = 6;
  const auto figure = [&](std::uint64_t ParentFigures::*field) {
    return parent ? cat((*parent).*field) : std::string();
  };
  return {{"usable", usable ? "1" : "0"},
          {"share", format_decimal(share, kDigits)},
          {"weight", cat(weight)},
          {"rtt_us", encode_microseconds(rtt)},
          {"since", encode_wall(since)},
          {"choices", cat(choices)},
          {"alternatives", cat(alternatives)},
          {"parent.requests", figure(&ParentFigures::requests)},
          {"parent.errors", figure(&ParentFigures::errors)},
          {"parent.memory_kib", figure(&ParentFigures::memory_kib)}};
}

Result<ProxyRecord> ProxyRecord::decode(const Fields& fields) {
  constexpr unsigned kMaxWeight = 256;
  FieldReader reader("proxy", fields);
  ProxyRecord out;
  out.usable = reader.flag("usable");
  out.share = reader.ratio("share");
  out.weight = reader.number<unsigned>("weight", 1, kMaxWeight);
  out.rtt = reader.microseconds("rtt_us");
  out.since = reader.wall("since");
  out.choices = reader.number<std::uint64_t>("choices", 0, kMostCount);
  out.alternatives = reader.number<std::uint64_t>("alternatives", 0, kMostCount);
  const auto figure = [&](std::string_view field) {
    return reader.parsed(field, "a whole number, or empty", [](std::string_view text) {
      using Figure = std::optional<std::uint64_t>;
      if (text.empty()) return std::optional<Figure>(Figure());
      const auto number = parse_number<std::uint64_t>(text);
      return number && *number <= kMostCount ? std::optional<Figure>(number) : std::nullopt;
    });
  };
  const auto requests = figure("parent.requests");
  const auto errors = figure("parent.errors");
  const auto memory = figure("parent.memory_kib");
  if (requests && errors && memory) out.parent = ParentFigures{*requests, *errors, *memory};
  return reader.finish(out);
}

std::optional<ParentFigures> parse_parent_pages(std::string_view counters, std::string_view info) {
  const auto requests = number_behind(counters, "client_http.requests =");
  const auto errors = number_behind(counters, "client_http.errors =");
  auto memory = number_behind(info, "Total space in arena:");
  if (!memory)
    memory = number_behind(info, "Maximum Resident Size:");  // Debian 12's Squid does not tell the other
  if (!requests || !errors || !memory) return std::nullopt;
  return ParentFigures{*requests, *errors, *memory};
}

}  // namespace multilink
