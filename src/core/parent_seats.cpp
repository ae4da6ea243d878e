// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/parent_seats.hpp"

#include <optional>

#include "multilink/core/config_values.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

/// Of those that somebody has left, only where there is no other.
std::optional<unsigned> lowest_free(const std::set<unsigned>& taken, const std::set<unsigned>& left) {
  std::optional<unsigned> out;
  for (unsigned seat = kMostParents; seat >= 1; --seat) {
    if (taken.contains(seat) || (out && left.contains(seat) && !left.contains(*out))) continue;
    out = seat;
  }
  return out;
}

}  // namespace

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
  std::set<unsigned> left;  // by uplinks that are gone: their parents may still run, with downloads under way
  for (const auto& [name, seat] : before) {
    if (!taken.contains(seat)) left.insert(seat);
  }
  for (const auto& uplink : config.uplinks) {
    if (out.contains(uplink.name)) continue;
    const auto seat = lowest_free(taken, left);
    if (!seat) break;
    taken.insert(*seat);
    out[uplink.name] = *seat;
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
