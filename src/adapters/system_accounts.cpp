// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/system_accounts.hpp"

#include <pwd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

std::optional<std::uint32_t> id_of_user(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16384);
  if (getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  return found->pw_uid;
}

}  // namespace

std::string state_directory() {
  const char* given = std::getenv("STATE_DIRECTORY");
  return given != nullptr && *given == '/' ? given : "/var/lib/multilink";
}

Result<ParentSeats> read_seats(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open() && errno == ENOENT) return ParentSeats{};
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad())
    return fail(cat(path, ": cannot be read: ", std::strerror(errno)), errno);
  auto seats = parse_seats(text);
  if (seats) return seats;
  return fail(cat(path, ": ", seats.error().message, "; remove the file and run 'multilinkctl proxy apply'"));
}

SystemAccounts::SystemAccounts(std::string seats_path) : seats_path_(std::move(seats_path)) {}

Result<ParentUsers> SystemAccounts::look_up(const Config& config) {
  ParentUsers out;
  if (!config.squid.enabled) return out;
  const auto before = read_seats(seats_path_);
  if (!before) return tl::unexpected(before.error());
  std::set<std::uint32_t> all;
  for (unsigned seat = 1; seat <= kMostParents; ++seat) {
    if (const auto id = id_of_user(user_of_seat(seat))) all.insert(*id);
  }
  for (const auto& [uplink, seat] : allot_seats(config, *before)) {
    const auto id = id_of_user(user_of_seat(seat));
    if (!id) {
      return fail(cat("there is no user ", user_of_seat(seat), ", as which the parent of ", uplink,
                      " runs; make the suite's users with 'systemd-sysusers'"));
    }
    if (*id == 0) return fail(cat("the user ", user_of_seat(seat), " is root; give it an id of its own"));
    out.by_uplink[uplink] = *id;
  }
  out.all = ranges_of(all);
  return out;
}

}  // namespace multilink
