// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/redis_address.hpp"

#include <algorithm>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::string_view kUnixScheme = "unix:";
constexpr std::string_view kTcpScheme = "redis://";
constexpr std::string_view kExamples = "write unix:/run/multilink/redis.sock or redis://host:6379/0";
constexpr unsigned kMostDatabase = 65535;

tl::unexpected<Error> refuse(std::string_view url, std::string_view rule,
                             std::string_view remedy = kExamples) {
  // Before an '@', and behind a blank or '?', there may well be a password.
  const auto at = url.rfind('@');
  if (at != std::string_view::npos) url.remove_prefix(at);
  return fail(cat(quoted(url.substr(0, url.find_first_of(" \t?"))), ' ', rule, "; ", remedy));
}

bool is_host_name(std::string_view text) {
  constexpr std::size_t kLongest = 253;
  constexpr std::string_view kCharacters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
  return !text.empty() && text.size() <= kLongest &&
         text.find_first_not_of(kCharacters) == std::string_view::npos;
}

Result<RedisAddress> parse_unix(std::string_view url) {
  constexpr std::size_t kLongestPath = 107;  // sun_path of unix(7) without its NUL
  const auto path = url.substr(kUnixScheme.size());
  if (!path.starts_with('/')) return refuse(url, "names no absolute path");
  if (path.size() > kLongestPath) {
    return refuse(
        url, cat("has a path of ", path.size(), " bytes, more than the ", kLongestPath, " of a unix socket"));
  }
  const bool clean = std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!clean) return refuse(url, "has a blank or a control character in its path");
  RedisAddress address;
  address.unix_path = path;
  return address;
}

/// Takes the host off `rest` ("host:port", "[v6]:port"), which then holds ":port" or nothing.
bool take_host(std::string_view& rest, std::string& host) {
  if (rest.starts_with('[')) {
    const auto close = rest.find(']');
    if (close == std::string_view::npos) return false;
    const auto address = IpAddress::parse(rest.substr(1, close - 1));
    if (!address || address->family() != Family::v6) return false;
    host = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    return rest.empty() || rest.front() == ':';
  }
  const auto end = std::min(rest.find(':'), rest.size());
  if (rest.find(':', end + 1) != std::string_view::npos) return false;  // IPv6 without brackets
  host = rest.substr(0, end);
  rest.remove_prefix(end);
  return is_host_name(host);
}

Result<RedisAddress> parse_tcp(std::string_view url) {
  const auto body = url.substr(kTcpScheme.size());
  const auto slash = body.find('/');
  auto authority = body.substr(0, slash);
  RedisAddress address;
  if (!take_host(authority, address.host)) {
    return refuse(url, "has no host name, IPv4 address or [IPv6 address] behind redis://");
  }
  if (!authority.empty()) {
    const auto port = parse_number<std::uint16_t>(authority.substr(1));
    if (!port || *port == 0) return refuse(url, "has a port that is not a number from 1 to 65535");
    address.port = *port;
  }
  const auto database = slash == std::string_view::npos ? "" : body.substr(slash + 1);
  if (!database.empty()) {
    const auto number = parse_number<unsigned>(database);
    if (!number || *number > kMostDatabase) {
      return refuse(url, cat("has a database that is not a number from 0 to ", kMostDatabase));
    }
    address.database = *number;
  }
  return address;
}

}  // namespace

Result<RedisAddress> RedisAddress::parse(std::string_view url) {
  if (url.starts_with(kUnixScheme)) return parse_unix(url);
  if (url.find('@') != std::string_view::npos) {
    return refuse(url, "holds a user or a password",
                  "leave them out here and put them into the credential file \"redis\" of each daemon's "
                  "unit, as two words: user password");
  }
  if (url.starts_with(kTcpScheme)) return parse_tcp(url);
  if (url.starts_with("rediss://")) {
    return refuse(url, "asks for TLS, which is not spoken here",
                  "write redis:// to the local end of a TLS tunnel, or unix:PATH");
  }
  return refuse(url, "is no address of a Redis");
}

std::string RedisAddress::to_string() const {
  if (!unix_path.empty()) return cat(kUnixScheme, unix_path);
  const bool bracket = host.find(':') != std::string::npos;
  return cat(kTcpScheme, bracket ? "[" : "", host, bracket ? "]" : "", ':', port, '/', database);
}

}  // namespace multilink
