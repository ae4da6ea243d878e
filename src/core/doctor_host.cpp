// SPDX-License-Identifier: GPL-2.0-or-later
// What the doctor says of the kernel's features, Redis, the daemons and the rest of the host.
#include <algorithm>
#include <chrono>

#include "multilink/core/doctor.hpp"
#include "multilink/core/ini.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {
namespace {

using namespace std::chrono;

/// The value of a line "Key=Value".
std::string_view value_of(std::string_view key, std::string_view shown) {
  for (const auto line : split(shown, '\n')) {
    if (line.starts_with(key) && line.substr(key.size()).starts_with('='))
      return trim(line.substr(key.size() + 1));
  }
  return {};
}

bool has_word(std::string_view text, std::string_view word) {
  const auto words = split(text, ' ');
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// The last value of the key in [Network]: later files go over earlier ones.
std::string last_value(const std::vector<std::string>& files, std::string_view key) {
  std::string out;
  for (const auto& text : files) {
    for (const auto& section : parse_ini(text).sections) {
      for (const auto& entry : section.entries) {
        if (section.name == "Network" && entry.key == key) out = entry.value;
      }
    }
  }
  return out;
}

bool is_no(std::string_view value) {
  return value == "no" || value == "false" || value == "off" || value == "0" || value == "n" || value == "f";
}

}  // namespace

Checks check_features(const Result<std::vector<FeatureTrial>>& trials) {
  const std::string name = "kernel features";
  if (!trials) return {{name, Verdict::note, cat("not tried: ", trials.error().message), "be root"}};
  Checks out;
  for (const auto& trial : *trials) {
    const bool works = trial.problem.empty();
    out.push_back({cat("kernel: ", trial.feature), works ? Verdict::ok : Verdict::problem,
                   works ? "works (tried in a network namespace of its own)" : trial.problem,
                   works ? std::string() : trial.remedy});
  }
  return out;
}

Checks check_logins(const std::vector<LoginTrial>& trials) {
  Checks out;
  for (const auto& trial : trials) {
    const bool works = trial.problem.empty();
    out.push_back({cat("Redis user ", trial.user), works ? Verdict::ok : Verdict::problem,
                   works ? "logs in, and may do its work" : trial.problem,
                   works ? "" : "systemctl restart multilink-redis-users multilink-redis"});
  }
  return out;
}

Checks check_daemons(const std::vector<std::pair<std::string, Result<DaemonRecord>>>& records,
                     std::string_view hash) {
  Checks out;
  for (const auto& [daemon, record] : records) {
    const auto name = cat("daemon ", daemon);
    if (!record) {
      out.push_back({name, Verdict::problem, cat("does not report: ", record.error().message),
                     cat("systemctl start ", daemon, ", and see journalctl -u ", daemon)});
    } else if (!record->stores) {
      out.push_back(
          {name, Verdict::problem, cat("runs, but ", DaemonRecord::kStoresNothing),
           "raise maxmemory in /etc/multilink/redis.conf and systemctl restart multilink-redis, or lower "
           "history in the configuration; then systemctl reload pingd"});
    } else if (!hash.empty() && record->config_hash != hash) {
      out.push_back({name, Verdict::note, "runs, by another configuration than the file has now",
                     cat("see 'multilinkctl config diff', then systemctl reload ", daemon)});
    } else {
      out.push_back({name, Verdict::ok, cat("runs, version ", record->version)});
    }
  }
  return out;
}

Checks check_unit(std::string_view unit, std::string_view shown, const std::vector<std::string>& needs) {
  const auto name = cat("unit ", unit);
  if (value_of("LoadState", shown) != "loaded") {
    const auto state = value_of("LoadState", shown);
    return {{name, Verdict::note,
             cat("systemd cannot start it: ", state.empty() ? "it says nothing of it" : printable(state)),
             "install the package, or see 'systemctl status'"}};
  }
  for (const auto& need : needs) {
    for (const std::string key : {"AmbientCapabilities", "CapabilityBoundingSet"}) {
      if (has_word(value_of(key, shown), need)) continue;
      return {{name, Verdict::problem,
               cat("runs without ", need, ", which it cannot do without: ", key, '=',
                   printable(value_of(key, shown))),
               cat("take the drop-in away that says so: systemctl cat ", unit)}};
    }
  }
  if (value_of("ActiveState", shown) == "failed") {
    return {{name, Verdict::problem, cat("has failed: ", printable(value_of("Result", shown))),
             cat("see journalctl -u ", unit)}};
  }
  return {{name, Verdict::ok, cat("is ", printable(value_of("ActiveState", shown)))}};
}

Checks check_target(std::string_view shown) {
  const std::string name = "unit multilink.target";
  const auto state = value_of("UnitFileState", shown);
  if (state == "enabled") return {{name, Verdict::ok, "is started at boot"}};
  return {{name, Verdict::note, "is not started at boot", "systemctl enable multilink.target"}};
}

Checks check_clock(WallTime now, std::optional<bool> synchronised) {
  constexpr auto kFirst = sys_days(year(2025) / 1 / 1);
  if (now < WallTime(kFirst)) {
    return {{"clock", Verdict::problem, cat("says ", format_utc(now), ", which is long past"),
             "set it, and let it be kept: history, leases and alerts go by it"}};
  }
  if (synchronised == false) {
    return {{"clock", Verdict::note, "is not synchronised",
             "run an NTP client: history, reports and alerts bear its times"}};
  }
  return {{"clock", Verdict::ok, synchronised ? "is synchronised" : "is plausible"}};
}

Checks check_networkd(bool runs, const std::vector<std::string>& files) {
  const std::string name = "systemd-networkd";
  if (!runs) return {{name, Verdict::ok, "does not run"}};
  std::vector<std::string> missing;
  for (const std::string key : {"ManageForeignRoutes", "ManageForeignRoutingPolicyRules"}) {
    if (!is_no(last_value(files, key))) missing.push_back(cat(key, "=no"));
  }
  if (missing.empty()) return {{name, Verdict::ok, "leaves routes and rules of others alone"}};
  return {{name, Verdict::problem,
           cat("runs without ", join(missing, " and "),
               ": it deletes multilink's routes and rules when it starts or sets a device up, and packets "
               "take another way until they are back"),
           "install -D /usr/share/doc/multilink/examples/networkd.conf "
           "/etc/systemd/networkd.conf.d/multilink.conf && systemctl restart systemd-networkd"}};
}

}  // namespace multilink
