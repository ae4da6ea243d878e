// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/system_accounts.hpp"

#include <pwd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::streamsize kLargest = 65536;
constexpr std::string_view kRemedy =
    "remove it, and run 'systemctl reload routed' and 'systemctl reload multilink-proxy'";

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
  std::string text(kLargest, '\0');  // read() throws nothing, also where the path is a folder
  file.read(text.data(), kLargest);
  if (!file.is_open() || file.bad()) {
    return fail(cat(path, ": cannot be read: ", std::strerror(errno), "; ", kRemedy), errno);
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto seats = parse_seats(text);
  if (seats) return seats;
  return fail(cat(path, ": ", seats.error().message, "; ", kRemedy));
}

SystemAccounts::SystemAccounts(std::string seats_path) : seats_path_(std::move(seats_path)) {}

Result<ParentUsers> SystemAccounts::look_up(const Config& config) {
  ParentUsers out;
  if (!config.squid.enabled) return out;
  const auto before = read_seats(seats_path_);
  if (!before) return tl::unexpected(before.error());
  for (const auto& [uplink, seat] : allot_seats(config, *before)) {
    const auto id = id_of_user(user_of_seat(seat));
    if (!id) {
      return fail(cat("there is no user ", user_of_seat(seat), ", as which the parent of ", uplink,
                      " runs; make the suite's users with 'systemd-sysusers'"));
    }
    if (*id == 0) return fail(cat("the user ", user_of_seat(seat), " is root; give it an id of its own"));
    out.by_uplink[uplink] = *id;
  }
  out.all = everybody();
  return out;
}

std::vector<UidRange> SystemAccounts::everybody() {
  std::set<std::uint32_t> all;
  for (unsigned seat = 1; seat <= kMostParents; ++seat) {
    const auto id = id_of_user(user_of_seat(seat));
    if (id && *id != 0) all.insert(*id);
  }
  return ranges_of(all);
}

}  // namespace multilink
