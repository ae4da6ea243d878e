// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/doctor_command.hpp"

#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <map>
#include <utility>

#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/kernel_trial.hpp"
#include "multilink/adapters/lease_files.hpp"
#include "multilink/adapters/netlink_query.hpp"
#include "multilink/adapters/proc_sysctls.hpp"
#include "multilink/adapters/program.hpp"
#include "multilink/adapters/quiet_log.hpp"
#include "multilink/adapters/redis_login.hpp"
#include "multilink/adapters/status_source.hpp"
#include "multilink/core/config_hash.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/swallowing_rules.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

namespace fs = std::filesystem;

void append(Checks& to, Checks from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

Checks look_at_network(const Config& config) {
  QuietLog log;
  const RoutingNumbers numbers;
  const auto state = NetlinkQuery(log, numbers).state();
  if (!state) return {{"network", Verdict::note, state.error().message}};
  EventLoop loop;
  const auto leases = in_force(LeaseFiles(loop, log).read(), loop.now().wall);
  auto out = check_uplinks(config, *state, leases, numbers);
  ProcSysctls sysctls;
  HostSettings settings;
  for (const auto& path : settings_to_read(config, *state)) {
    if (const auto value = sysctls.read(path)) settings.emplace(path, *value);
  }
  auto findings = check_host(config, *state, settings, numbers);
  // Said by check_foreign_rules(), as problems.
  std::erase_if(findings.warnings, [](const std::string& text) { return text.starts_with(kOfARule); });
  append(out, check_settings(findings));
  append(out, check_foreign_rules(config, *state, numbers));
  return out;
}

Checks look_at_marks(const Config& config) {
  const std::string name = "marks of others";
  const auto listed = run_program({"nft", "list", "ruleset"});
  if (!listed) {
    return {{name, Verdict::note, cat("not looked at: ", listed.error().message),
             "install nftables, to have them looked at"}};
  }
  if (listed->status != 0)
    return {{name, Verdict::note, "not looked at: nft may not list the rules", "be root"}};
  return check_foreign_marks(listed->output, config.suite.mark_mask);
}

/// A command that changes nothing, and that this user must be allowed.
Store::Command harmless_command(const std::string& user, const RedisKeys& keys) {
  constexpr auto kNobody = "-";  // no uplink can be called so
  if (user == "pingd") return {"DEL", keys.link(kNobody)};
  if (user == "notifyd") return {"XREVRANGE", keys.events(), "+", "-", "COUNT", "1"};
  if (user == "reader") return {"HGETALL", keys.routing()};
  return {"HGETALL", user == "healthd" ? keys.link(kNobody) : keys.health(kNobody)};
}

LoginTrial try_login(const fs::path& file, const RedisAddress& redis, const std::string& site,
                     Duration deadline) {
  const auto user = file.filename().string();
  auto login = read_redis_login(file.string());
  if (!login || !*login) return {user, login ? cat(file.string(), ": is empty") : login.error().message};
  const auto replies =
      try_on_redis({redis, site, *login}, {harmless_command(user, RedisKeys(site))}, deadline);
  if (!replies) return {user, replies.error().message};
  const auto* refused = std::get_if<Reply::Failure>(&replies->front().value);
  return {user, refused != nullptr ? refused->message : ""};
}

Checks look_at_redis(const DoctorRequest& request, const ParsedConfig& parsed, Duration deadline) {
  const std::string name = "Redis";
  const auto source = find_status_source(request.config, request.redis);
  if (!source) return {{name, Verdict::problem, join(source.error(), "; ")}};
  std::vector<std::string> daemons{"pingd", "healthd", "routed"};
  if (parsed.config && parsed.config->notify.has_receiver()) daemons.emplace_back("notifyd");
  const RedisKeys keys(source->site);
  std::vector<Store::Command> commands;
  for (const auto& daemon : daemons) commands.push_back({"HGETALL", keys.daemon(daemon)});
  const auto replies = try_on_redis(*source, commands, deadline);
  if (!replies) {
    return {{name, Verdict::problem, cat(source->redis.to_string(), ": ", replies.error().message),
             "systemctl start multilink-redis, and see journalctl -u multilink-redis; the kernel keeps the "
             "routes in force meanwhile"}};
  }
  Checks out{{name, Verdict::ok, cat(source->redis.to_string(), " answers")}};
  std::vector<std::pair<std::string, Result<DaemonRecord>>> records;
  for (std::size_t i = 0; i < daemons.size(); ++i) {
    const auto fields = as_fields((*replies)[i]);
    auto record = fields ? DaemonRecord::decode(*fields) : tl::unexpected<Error>(fields.error());
    if (fields && fields->empty()) record = fail(kNoDaemon);
    records.emplace_back(daemons[i], std::move(record));
  }
  append(out, check_daemons(records, parsed.config ? config_hash(*parsed.config) : ""));
  if (!request.redis) append(out, try_logins(kLoginsPath, source->redis, source->site, deadline));
  return out;
}

/// What `systemctl show` says of the unit; none where systemd does not run here.
std::optional<std::string> show_unit(const std::string& unit) {
  if (access("/run/systemd/system", F_OK) != 0) return std::nullopt;
  const auto shown = run_program({"systemctl", "show", unit,
                                  "--property=LoadState,ActiveState,Result,UnitFileState,AmbientCapabilities,"
                                  "CapabilityBoundingSet"});
  if (!shown || shown->status != 0) return std::nullopt;
  return shown->output;
}

Checks look_at_units() {
  const auto target = show_unit("multilink.target");
  if (!target) return {{"units", Verdict::note, "not looked at: systemd does not run here"}};
  static const std::map<std::string, std::vector<std::string>> kNeeds{
      {"pingd", {"cap_net_raw"}},
      {"healthd", {}},
      {"routed", {"cap_net_admin", "cap_net_raw"}},
      {"notifyd", {}},
      {"multilink-redis", {}}};
  Checks out;
  for (const auto& [unit, needs] : kNeeds) {
    append(out, check_unit(unit, show_unit(cat(unit, ".service")).value_or(""), needs));
  }
  append(out, check_target(*target));
  return out;
}

/// The configuration of systemd-networkd in the order in which it is read (networkd.conf(5)): the drop-ins by their names, one in
/// /etc instead of one of the same name elsewhere.
std::vector<std::string> networkd_files() {
  std::map<std::string, std::string> drop_ins;
  for (const std::string root : {"/usr/lib", "/usr/local/lib", "/run", "/etc"}) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root + "/systemd/networkd.conf.d", error)) {
      if (entry.path().extension() == ".conf") drop_ins[entry.path().filename()] = entry.path();
    }
  }
  std::vector<std::string> out;
  if (const auto text = read_text_file("/etc/systemd/networkd.conf")) out.push_back(*text);
  for (const auto& [name, path] : drop_ins) {
    if (const auto text = read_text_file(path)) out.push_back(*text);
  }
  return out;
}

Checks look_at_networkd() {
  const auto shown = show_unit("systemd-networkd.service");
  const bool runs = shown && shown->find("ActiveState=active") != std::string::npos;
  return check_networkd(runs, networkd_files());
}

Checks look_at_clock() {
  timex state{};
  const int said = adjtimex(&state);
  return check_clock(EventLoop().now().wall,
                     said < 0 ? std::nullopt : std::optional((state.status & STA_UNSYNC) == 0));
}

}  // namespace

Checks try_logins(const std::string& folder, const RedisAddress& redis, const std::string& site,
                  Duration deadline) {
  const std::string name = "Redis users";
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto file = entry.path().filename().string();
    if (!file.starts_with('.') && file != "redis.acl" && file.find('.') == std::string::npos)
      files.push_back(entry.path());
  }
  if (error.value() == ENOENT || (!error && files.empty())) {
    return {{name, Verdict::note, cat("there are no logins in ", folder),
             "systemctl start multilink-redis-users makes them, unless your Redis asks for none"}};
  }
  if (error) return {{name, Verdict::note, cat(folder, ": not looked at: ", error.message()), "be root"}};
  std::sort(files.begin(), files.end());
  std::vector<LoginTrial> trials;
  for (const auto& file : files) {
    if (access(file.c_str(), R_OK) == 0) trials.push_back(try_login(file, redis, site, deadline));
  }
  auto out = check_logins(trials);
  if (trials.size() < files.size()) {
    out.push_back(
        {name, Verdict::note, cat(files.size() - trials.size(), " of them not looked at"), "be root"});
  }
  return out;
}

DoctorResult run_doctor(const DoctorRequest& request, Duration deadline) {
  const auto parsed = load_config_file(request.config);
  Checks checks = check_configuration(parsed, request.config, existing_devices());
  append(checks, check_features(try_kernel()));
  if (parsed.config) {
    append(checks, look_at_network(*parsed.config));
    append(checks, look_at_marks(*parsed.config));
  }
  append(checks, look_at_redis(request, parsed, deadline));
  append(checks, look_at_units());
  append(checks, look_at_networkd());
  append(checks, look_at_clock());
  return {request.json ? render_checks_json(checks) : render_checks_text(checks),
          count_of(checks, Verdict::problem) == 0 ? 0 : kExitProblems};
}

}  // namespace multilink
