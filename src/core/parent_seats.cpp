// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/parent_seats.hpp"

#include "multilink/core/config_values.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

std::string user_of_seat(unsigned seat) {
  return cat("multilink-squid-", seat);
}

std::uint16_t port_of_seat(unsigned seat) {
  return static_cast<std::uint16_t>(kParentPortBase + seat);
}

ParentSeats allot_seats(const Config& config, const ParentSeats& before) {
  ParentSeats out;
  if (!config.squid.enabled) return out;
  std::set<unsigned> taken;
  for (const auto& uplink : config.uplinks) {
    const auto had = before.find(uplink.name);
    if (had != before.end() && taken.insert(had->second).second) out.insert(*had);
  }
  unsigned lowest = 1;
  for (const auto& uplink : config.uplinks) {
    if (out.contains(uplink.name)) continue;
    while (!taken.insert(lowest).second) ++lowest;
    if (lowest <= kMostParents) out[uplink.name] = lowest;
  }
  return out;
}

std::string write_seats(const ParentSeats& seats) {
  std::string out;
  for (const auto& [name, seat] : seats) out += cat(seat, ' ', name, '\n');
  return out;
}

Result<ParentSeats> parse_seats(std::string_view text) {
  ParentSeats out;
  std::set<unsigned> taken;
  for (const auto line : split(text, '\n')) {
    if (line.empty()) continue;
    const auto blank = line.find(' ');
    const auto seat = parse_number<unsigned>(line.substr(0, blank));
    const std::string name(blank == std::string_view::npos ? std::string_view() : line.substr(blank + 1));
    const bool good = seat && *seat >= 1 && *seat <= kMostParents && is_token(name);
    if (!good || !taken.insert(*seat).second || !out.emplace(name, *seat).second) {
      return fail(cat(quoted(line), " is not a seat from 1 to ", kMostParents,
                      " and an uplink's name, each for the first time"));
    }
  }
  return out;
}

std::vector<UidRange> ranges_of(const std::set<std::uint32_t>& ids) {
  std::vector<UidRange> out;
  for (const auto id : ids) {
    if (!out.empty() && out.back().last + 1 == id) {
      out.back().last = id;
    } else {
      out.push_back({id, id});
    }
  }
  return out;
}

}  // namespace multilink
