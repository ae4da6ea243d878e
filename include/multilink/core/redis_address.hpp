// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "multilink/core/result.hpp"

namespace multilink {

/// Where Redis is. No secret in it: each process logs in as its own user from its credential.
struct RedisAddress {
  std::string unix_path;  ///< set for unix:PATH
  std::string host;       ///< set for redis://host:port/db; an IPv6 address without its brackets
  std::uint16_t port = 6379;
  unsigned database = 0;

  /// unix:PATH, or redis://host[:port][/db] with an IPv6 address in brackets. The Error's message begins with
  /// the refused value, without what may be a password in it.
  static Result<RedisAddress> parse(std::string_view url);
  std::string to_string() const;  ///< what parse() reads back as the same address

  bool operator==(const RedisAddress&) const = default;
};

}  // namespace multilink
