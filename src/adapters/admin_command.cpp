// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/admin_command.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>
#include <vector>

#include "multilink/adapters/admin_session.hpp"
#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/daemon.hpp"
#include "multilink/core/admin_order.hpp"
#include "multilink/core/admin_replies.hpp"
#include "multilink/core/quantity.hpp"
#include "multilink/core/record_fields.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {
namespace {

constexpr Duration kDeadline = std::chrono::seconds(3);
constexpr Duration kPoll = std::chrono::milliseconds(50);

auto refuse(int status, std::string line) {
  return tl::unexpected(CommandFailure{status, {std::move(line)}});
}

std::string_view command_of(AdminMode mode) {
  return mode == AdminMode::disabled ? "disable" : mode == AdminMode::drained ? "drain" : "enable";
}

/// One order under way.
class Ordering {
 public:
  Ordering(AdminMode mode, const AdminRequest& request, StatusSource source, std::string boot)
      : mode_(mode),
        request_(request),
        keys_(source.site),
        boot_(std::move(boot)),
        session_(std::move(source)) {}

  tl::expected<std::string, CommandFailure> run(std::optional<Duration> length) {
    const auto health = session_.read_health(keys_, kDeadline);
    if (!health) return refuse(kExitFailure, health.error().message);
    if (const auto known = check_name(request_.uplink, *health); !known)
      return refuse(kExitUsage, cat(command_of(mode_), ": ", known.error().message));
    if (mode_ == AdminMode::disabled && !request_.force && !has_another_usable(request_.uplink, *health)) {
      return refuse(kExitRefused, cat(request_.uplink,
                                      ": no other uplink is usable, and without it nothing carries the "
                                      "traffic; --force disables it all the same"));
    }
    const auto asked = AdminRecord::make(mode_, length, boot_, calling_user(), session_.now());
    std::vector<Store::Command> commands;
    if (mode_ == AdminMode::none) {
      commands.push_back({"DEL", keys_.admin(request_.uplink)});
    } else {
      append_hash_replace(commands, keys_.admin(request_.uplink), asked.encode());
    }
    commands.push_back({"PUBLISH", keys_.admin_channel(), request_.uplink});
    const std::size_t needed = commands.size();
    commands.push_back({"BGSAVE", "SCHEDULE"});  // a Redis of others may refuse it
    const auto replies = session_.run(commands, kDeadline);
    if (!replies) return refuse(kExitFailure, replies.error().message);
    for (std::size_t i = 0; i < needed; ++i) {
      if (const auto* refusal = refusal_in((*replies)[i]))
        return refuse(kExitFailure, refused_by_redis(*refusal));
    }
    auto said = await(asked);
    if (refusal_in((*replies)[needed]) != nullptr) save();
    return said;
  }

 private:
  /// Redis refuses a snapshot while it writes another one, which may have begun before the order.
  void save() {
    const MonoTime last = session_.now().mono + kDeadline;
    while (session_.now().mono < last && !session_.is_interrupted()) {
      const auto replies = session_.run({{"BGSAVE", "SCHEDULE"}}, kDeadline);
      const auto* refusal = replies ? refusal_in(replies->front()) : nullptr;
      if (refusal == nullptr || refusal->find("in progress") == std::string::npos) return;
      session_.pause(kPoll);
    }
  }

  /// Until healthd's record says so.
  tl::expected<std::string, CommandFailure> await(const AdminRecord& asked) {
    const MonoTime last = session_.now().mono + kDeadline;
    while (session_.now().mono < last && !session_.is_interrupted()) {
      const auto health = session_.read_health(keys_, kDeadline);
      const auto record = health ? health->find(request_.uplink) : decltype(health->end()){};
      if (health && record != health->end() && record->second.admin == mode_ &&
          (mode_ == AdminMode::none || record->second.admin_until == asked.until)) {
        return words_of(record->second, asked);
      }
      session_.pause(kPoll);
    }
    return refuse(kExitFailure, cat("the order is written, but healthd has not taken it up within ",
                                    format_milliseconds(kDeadline, 0),
                                    ": it will when it runs ('multilinkctl status' shows whether it does)"));
  }

  std::string words_of(const HealthRecord& record, const AdminRecord& asked) const {
    const auto until = asked.until ? cat(" until ", format_utc(*asked.until))
                                   : cat(" until 'multilinkctl enable ", request_.uplink, "'");
    if (mode_ == AdminMode::none) {
      return record.enabled ? cat(request_.uplink, ": in use, neither disabled nor drained\n")
                            : cat(request_.uplink, ": stays disabled: enabled = no in the configuration\n");
    }
    return cat(request_.uplink, ": ", to_string(mode_), until, '\n');
  }

  AdminMode mode_;
  const AdminRequest& request_;
  RedisKeys keys_;
  std::string boot_;
  AdminSession session_;
};

}  // namespace

std::string calling_user() {
  const char* behind_sudo = std::getenv("SUDO_USER");
  if (behind_sudo != nullptr && is_name(behind_sudo)) return behind_sudo;
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16384);
  if (getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    return to_plain_text(found->pw_name);
  return cat("user ", getuid());
}

tl::expected<std::string, CommandFailure> run_admin(AdminMode mode, const AdminRequest& request) {
  std::optional<Duration> length;
  if (!request.length.empty()) {
    length = parse_duration(request.length);
    if (mode == AdminMode::none)
      return refuse(kExitUsage, "--for: enable has no end; it belongs to disable, drain and drill");
    if (!length || *length < std::chrono::seconds(1) || *length > AdminRecord::kLongest) {
      return refuse(kExitUsage, cat("--for: ", quoted(request.length),
                                    " is not a time from 1s to 366d; write for example --for 10min"));
    }
  }
  auto source = find_status_source(request.config, request.redis, kAdminLoginPath);
  if (!source) return tl::unexpected(CommandFailure{kExitConfig, source.error()});
  auto boot = read_boot_id();
  if (!boot) return refuse(kExitFailure, boot.error().message);
  return Ordering(mode, request, *std::move(source), *std::move(boot)).run(length);
}

}  // namespace multilink
