// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "multilink/adapters/replay_command.hpp"
#include "multilink/core/redis_address.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// What `multilinkctl explain` was asked, as it was written; what is not given is empty.
struct ExplainRequest {
  std::string config;                 ///< path of the configuration file
  std::optional<RedisAddress> redis;  ///< instead of the file's
  std::string destination;
  std::string from;
  std::string iif;
  std::string oif;
  std::string proto;
  std::string port;
  std::string mark;
  bool json = false;
};

/// The exit statuses of an explanation, for scripts; beside those of all commands.
inline constexpr int kExitCarried =
    0;  ///< something carries the packet, and the kernel agrees (or cannot be asked)
inline constexpr int kExitNowhere = 2;  ///< nothing does
inline constexpr int kExitDiffers = 3;  ///< the kernel says otherwise

struct ExplainResult {
  std::string text;
  int status = kExitCarried;
};

/// Where such a packet goes and why, checked against the kernel's own answer. Without Redis all but the health of the
/// uplinks is said.
tl::expected<ExplainResult, CommandFailure> run_explain(const ExplainRequest& request, Duration deadline);

}  // namespace multilink
