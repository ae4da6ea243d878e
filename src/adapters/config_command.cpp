// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/config_command.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/status_source.hpp"
#include "multilink/core/config_diff.hpp"
#include "multilink/core/config_report.hpp"
#include "multilink/core/config_text.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

using Json = nlohmann::ordered_json;

auto refuse(int status, std::string line) {
  return tl::unexpected(CommandFailure{status, {std::move(line)}});
}

const std::string& file_of(const ConfigRequest& request) {
  return request.file.empty() ? request.config : request.file;
}

std::string dump(const Json& json) {
  return cat(json.dump(2, ' ', false, Json::error_handler_t::replace), '\n');
}

Json problems_json(const std::vector<ConfigProblem>& problems) {
  Json out = Json::array();
  for (const auto& problem : problems)
    out.push_back({{"file", problem.file}, {"line", problem.line}, {"message", problem.message}});
  return out;
}

tl::expected<Config, CommandFailure> load(const std::string& path) {
  auto parsed = load_config_file(path);
  if (parsed.config) return *std::move(parsed.config);
  CommandFailure failure{kExitConfig, {}};
  for (const auto& error : parsed.errors) failure.lines.push_back(error.to_string());
  return tl::unexpected(failure);
}

/// What some daemons go by, or another file says.
struct InForce {
  std::vector<std::string> who;
  Config config;
  std::string notify_hash;  ///< empty: [notify] is in the configuration
};

std::vector<ConfigChange> compare(InForce in_force, const Config& file) {
  const bool is_hidden = !in_force.notify_hash.empty();
  if (is_hidden) in_force.config.notify = file.notify;
  auto out = diff_configs(in_force.config, file);
  if (is_hidden && in_force.notify_hash != notify_digest(file)) {
    out.push_back({"notify", "", "", "has changed (what is in force is not published)",
                   std::string(effect_of("notify", "on")), false});
  }
  return out;
}

std::string render_text(const std::string& file, const std::vector<InForce>& all, const Config& config) {
  std::string out;
  for (const auto& each : all) {
    const auto changes = compare(each, config);
    const auto who = join(each.who, ", ");
    if (changes.empty()) {
      out += cat("No difference between ", file, " and ", who, ".\n");
      continue;
    }
    out += cat("From ", who, " to ", file, ":\n");
    for (const auto& change : changes) out += cat("  ", render_change(change));
    if (std::ranges::any_of(changes, &ConfigChange::needs_restart))
      out += "  A reload is refused: redis and site take effect at a restart of the daemons only.\n";
  }
  return out;
}

std::string render_json(const std::string& file, const std::vector<InForce>& all, const Config& config) {
  Json out{{"version", 1}, {"file", file}, {"comparisons", Json::array()}};
  for (const auto& each : all) {
    Json changes = Json::array();
    for (const auto& change : compare(each, config)) {
      changes.push_back({{"place", change.place},
                         {"key", change.key.empty() ? Json() : Json(change.key)},
                         {"before", change.before.empty() ? Json() : Json(change.before)},
                         {"after", change.after},
                         {"effect", change.effect},
                         {"needs_restart", change.needs_restart}});
    }
    out["comparisons"].push_back({{"with", each.who}, {"changes", std::move(changes)}});
  }
  return dump(out);
}

/// Daemons with the same configuration stand together.
void add(const std::string& daemon, const Fields& fields, std::vector<InForce>& all) {
  const auto text = fields.find("config");
  const auto hash = fields.find("notify_hash");
  if (text == fields.end() || hash == fields.end() || !fields.contains("stores")) return;
  auto parsed = parse_config(text->second, daemon);
  if (!parsed.config) return;
  for (auto& each : all) {
    if (each.config == *parsed.config && each.notify_hash == hash->second) {
      each.who.push_back(daemon);
      return;
    }
  }
  all.push_back({{daemon}, *std::move(parsed.config), hash->second});
}

constexpr std::string_view kCompareFiles =
    "to compare two files: multilinkctl config diff FILE --against OTHER";

tl::expected<std::vector<InForce>, CommandFailure> read_in_force(const ConfigRequest& request,
                                                                 Duration deadline) {
  const auto source = find_status_source(request.config, request.redis);
  if (!source) return tl::unexpected(CommandFailure{kExitConfig, source.error()});
  const std::vector<std::string> daemons{"pingd", "healthd", "routed", "notifyd"};
  const RedisKeys keys(source->site);
  std::vector<Store::Command> commands;
  for (const auto& daemon : daemons) commands.push_back({"HGETALL", keys.daemon(daemon)});
  const auto replies = run_on_redis(*source, commands, deadline);
  if (!replies) {
    return refuse(kExitFailure, cat("config diff: what is in force is not known: ", source->redis.to_string(),
                                    ": ", replies.error().message, "; ", kCompareFiles));
  }
  std::vector<InForce> out;
  for (std::size_t i = 0; i < daemons.size(); ++i) {
    if (const auto fields = as_fields((*replies)[i])) add(daemons[i], *fields, out);
  }
  if (!out.empty()) return out;
  return refuse(kExitFailure,
                cat("config diff: no daemon says in ", source->redis.to_string(),
                    " what it goes by: none runs, Redis is full, or they are older than this program; ",
                    kCompareFiles));
}

}  // namespace

tl::expected<ConfigResult, CommandFailure> check_config(const ConfigRequest& request) {
  const auto parsed = load_config_file(file_of(request));
  const int status = parsed.config ? kExitOk : kExitConfig;
  if (request.json) {
    return ConfigResult{dump({{"version", 1},
                              {"valid", parsed.config.has_value()},
                              {"errors", problems_json(parsed.errors)},
                              {"warnings", problems_json(parsed.warnings)}}),
                        status};
  }
  auto text = describe_check(parsed, existing_devices());
  if (parsed.config) return ConfigResult{std::move(text), status};
  CommandFailure failure{status, {}};
  for (const auto line : split(trim(text), '\n')) {
    if (!trim(line).empty()) failure.lines.emplace_back(trim(line));
  }
  return tl::unexpected(failure);
}

tl::expected<ConfigResult, CommandFailure> diff_config(const ConfigRequest& request, Duration deadline) {
  const auto& file = file_of(request);
  const auto config = load(file);
  if (!config) return tl::unexpected(config.error());
  std::vector<InForce> all;
  if (request.against.empty()) {
    auto read = read_in_force(request, deadline);
    if (!read) return tl::unexpected(read.error());
    all = *std::move(read);
  } else {
    auto other = load(request.against);
    if (!other) return tl::unexpected(other.error());
    all.push_back({{request.against}, *std::move(other), {}});
  }
  const bool differs =
      std::ranges::any_of(all, [&](const InForce& each) { return !compare(each, *config).empty(); });
  return ConfigResult{request.json ? render_json(file, all, *config) : render_text(file, all, *config),
                      differs ? kExitDiffersFromFile : kExitOk};
}

}  // namespace multilink
