// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_diff.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "multilink/core/config_keys.hpp"
#include "multilink/core/notify_keys.hpp"
#include "multilink/core/policy_keys.hpp"
#include "multilink/core/squid_keys.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::string_view kAtRestart =
    "at a restart only: a reload of this file is refused whole, restart the daemons";
constexpr std::string_view kNextProbe = "from the next probe on";
constexpr std::string_view kNextLook = "from the next probe on; a state is not changed by itself";
constexpr std::string_view kNextTime = "the next time";
constexpr std::string_view kAtApply = "at systemctl reload multilink-proxy";

/// By section and key. Of a key that may stand in several the uplink's counts.
const std::map<std::pair<std::string_view, std::string_view>, std::string_view>& effects() {
  static const std::map<std::pair<std::string_view, std::string_view>, std::string_view> all{
      {{"multilink", "redis"}, kAtRestart},
      {{"multilink", "site"}, kAtRestart},
      {{"multilink", "history"}, "older single probes are forgotten, or kept from now on"},
      {{"multilink", "hash"}, "new flows are spread anew; those that run stay where they are"},
      {{"multilink", "mark_mask"},
       "the marks of running flows mean nothing any more: they are pinned anew, and may move"},
      {{"uplink", "targets"}, "who is asked, from the next probe on; what is in the window stays"},
      {{"uplink", "probe_interval"}, kNextProbe},
      {{"uplink", "loss_window"}, kNextLook},
      {{"uplink", "loss_down"}, kNextLook},
      {{"uplink", "loss_up"}, kNextLook},
      {{"uplink", "up_after"}, kNextTime},
      {{"uplink", "evict_after"}, kNextTime},
      {{"uplink", "suspect_moves"}, kNextTime},
      {{"uplink", "latency_down"}, kNextLook},
      {{"uplink", "jitter_down"}, kNextLook},
      {{"uplink", "failback"}, "at the next return"},
      {{"uplink", "failback_udp_after"}, "at the next return"},
      {{"uplink", "metered"}, "at the next return of a better uplink"},
      {{"uplink", "enabled"}, "with no it carries nothing new at once; with yes it may carry again"},
      {{"uplink", "name"}, "its records, history and events begin anew under the new name"},
      {{"uplink", "mac"}, "the device is looked for anew"},
      {{"uplink", "gateway"}, "its routes lead there at once"},
      {{"uplink", "weight"}, "new flows are shared anew; those that run stay where they are"},
      {{"uplink", "precedence"},
       "new flows go by the best usable uplink; those that run return as failback says"},
      {{"uplink", "masquerade"}, "sources of new flows"},
      {{"uplink", "translate_prefix"}, "sources of new flows"},
      {{"policy", "from"}, "new flows that it selects"},
      {{"policy", "to"}, "new flows that it selects"},
      {{"policy", "iif"}, "new flows that it selects"},
      {{"policy", "proto"}, "new flows that it selects"},
      {{"policy", "port"}, "new flows that it selects"},
      {{"policy", "mark"}, "new flows that it selects"},
      {{"policy", "use"}, "its new flows go by the best usable one of these, or are refused"},
      {{"squid", "enabled"}, kAtApply},
      {{"squid", "listen"}, kAtApply},
      {{"squid", "allow"}, kAtApply},
      {{"squid", "cache_memory"}, kAtApply},
      {{"notify", "command"}, "alerts from now on"},
      {{"notify", "webhook"}, "alerts from now on"},
      {{"notify", "mail"}, "alerts from now on"},
      {{"notify", "on"}, "alerts from now on"}};
  return all;
}

class Diff {
 public:
  Diff(const Config& before, const Config& after) : before_(before), after_(after) {}

  std::vector<ConfigChange> run() {
    compare_suite();
    compare_uplinks();
    compare_policies();
    compare_own("squid", "squid", squid_keys(), before_.squid, after_.squid);
    compare_notify();
    return std::move(out_);
  }

 private:
  void note(std::string place, std::string_view section, std::string_view key, std::string before,
            std::string after) {
    if (before == after) return;
    const auto effect = effect_of(section, key);
    const auto shown = [](std::string value) {
      return value.empty() ? std::string("none") : std::move(value);
    };
    out_.push_back({std::move(place), std::string(key), shown(std::move(before)), shown(std::move(after)),
                    std::string(effect), effect == kAtRestart});
  }
  void note_whole(std::string place, std::string_view what, std::string_view effect) {
    out_.push_back({std::move(place), "", "", std::string(what), std::string(effect), false});
  }

  void compare_suite() {
    Settings before, after;
    static_cast<SuiteConfig&>(before) = before_.suite;
    static_cast<SuiteConfig&>(after) = after_.suite;
    for (const auto& key : config_keys()) {
      if (key.place == KeyPlace::suite)
        note("multilink", "multilink", key.name, key.value.write(before), key.value.write(after));
    }
  }

  static const UplinkConfig* with_device(const Config& config, const std::string& device) {
    const auto found = std::find_if(config.uplinks.begin(), config.uplinks.end(),
                                    [&](const UplinkConfig& uplink) { return uplink.device == device; });
    return found == config.uplinks.end() ? nullptr : &*found;
  }

  void compare_uplinks() {
    for (const auto& uplink : before_.uplinks) {
      if (with_device(after_, uplink.device) == nullptr) {
        note_whole(cat("uplink ", uplink.name), cat("[", uplink.device, "] is no more"),
                   "it is not probed, and its routes, rules and pins go; flows on it go by another uplink");
      }
    }
    for (const auto& uplink : after_.uplinks) {
      const auto* former = with_device(before_, uplink.device);
      if (former == nullptr) {
        note_whole(cat("uplink ", uplink.name), cat("[", uplink.device, "] is new"),
                   "it is probed, and may carry as soon as it is up");
        continue;
      }
      Settings before, after;
      static_cast<UplinkConfig&>(before) = *former;
      static_cast<UplinkConfig&>(after) = uplink;
      for (const auto& key : config_keys()) {
        if (key.place == KeyPlace::suite) continue;
        note(cat("uplink ", former->name), "uplink", key.name, key.value.write(before),
             key.value.write(after));
      }
    }
  }

  template <class Section, class Keys>
  void compare_own(std::string_view section, const std::string& place, const Keys& keys,
                   const Section& before, const Section& after) {
    for (const auto& key : keys) note(place, section, key.name, key.write(before), key.write(after));
  }

  static const PolicyConfig* named(const Config& config, const std::string& name) {
    const auto found = std::find_if(config.policies.begin(), config.policies.end(),
                                    [&](const PolicyConfig& policy) { return policy.name == name; });
    return found == config.policies.end() ? nullptr : &*found;
  }
  /// The names of those that are in both, in the order of the first.
  static std::string order_of(const Config& config, const Config& other) {
    std::vector<std::string> names;
    for (const auto& policy : config.policies) {
      if (named(other, policy.name) != nullptr) names.push_back(policy.name);
    }
    return join(names, ", ");
  }

  void compare_policies() {
    for (const auto& policy : before_.policies) {
      if (named(after_, policy.name) == nullptr) {
        note_whole(cat("policy ", policy.name), "is no more",
                   "new flows that it selected go by the next that fits, or by the default");
      }
    }
    for (const auto& policy : after_.policies) {
      const auto* former = named(before_, policy.name);
      if (former == nullptr) {
        note_whole(cat("policy ", policy.name), "is new", "new flows that it selects go by its uplinks");
      } else {
        compare_own("policy", cat("policy ", policy.name), policy_keys(), *former, policy);
      }
    }
    const auto before = order_of(before_, after_);
    const auto after = order_of(after_, before_);
    if (before != after)
      out_.push_back({"policies", "order", before, after, "the first that fits decides", false});
  }

  /// A web address may hold a secret.
  void compare_notify() {
    for (const auto& key : notify_keys()) {
      const auto before = key.write(before_.notify);
      const auto after = key.write(after_.notify);
      if (before == after) continue;
      if (key.name == "webhook") {
        note_whole("notify", "webhook is another one", effect_of("notify", key.name));
      } else {
        note("notify", "notify", key.name, before, after);
      }
    }
  }

  const Config& before_;
  const Config& after_;
  std::vector<ConfigChange> out_;
};

}  // namespace

std::vector<ConfigChange> diff_configs(const Config& before, const Config& after) {
  return Diff(before, after).run();
}

std::string_view effect_of(std::string_view section, std::string_view key) {
  const auto found = effects().find({section, key});
  return found == effects().end() ? std::string_view() : found->second;
}

std::string render_change(const ConfigChange& change) {
  const auto what =
      change.key.empty() ? change.after : cat(change.key, ' ', change.before, " -> ", change.after);
  return cat(printable(change.place), ": ", printable(what, 400), " (", change.effect, ")\n");
}

}  // namespace multilink
