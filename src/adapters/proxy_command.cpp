// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/proxy_command.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/netlink_kernel.hpp"
#include "multilink/adapters/quiet_log.hpp"
#include "multilink/adapters/squid_folder.hpp"
#include "multilink/adapters/squid_units.hpp"
#include "multilink/adapters/squid_warm_up.hpp"
#include "multilink/adapters/status_source.hpp"
#include "multilink/adapters/system_accounts.hpp"
#include "multilink/core/parent_ties.hpp"
#include "multilink/core/proxy_report.hpp"
#include "multilink/core/redis_keys.hpp"
#include "multilink/core/squid_files.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/uplink_facts.hpp"

namespace multilink {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kChild = "child";
constexpr std::string_view kParent = "parent-";
constexpr Duration kPatience = std::chrono::seconds(10);  ///< with routed
constexpr Duration kPause = std::chrono::milliseconds(50);

tl::unexpected<CommandFailure> failed(std::string line) {
  return tl::unexpected(CommandFailure{kExitFailure, {std::move(line)}});
}

tl::expected<Config, CommandFailure> read_config(const std::string& path) {
  const auto parsed = load_config_file(path);
  if (parsed.config) return *parsed.config;
  CommandFailure failure{kExitConfig, {}};
  for (const auto& problem : parsed.errors) failure.lines.push_back(problem.to_string());
  return tl::unexpected(std::move(failure));
}

std::vector<IpAddress> nameservers_in(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return parse_nameservers(std::string(std::istreambuf_iterator<char>(file), {}));
}

/// A server on this host would ask by any uplink, and one in the LAN no parent gets to: the others are asked instead, or those
/// behind the one on this host.
std::vector<IpAddress> nameservers_of_parents(const Config& config, const KernelState& state,
                                              std::vector<std::string>& lines) {
  auto servers = nameservers_in("/etc/resolv.conf");
  const auto is_out_of_reach = [&](const IpAddress& server) { return is_inside(server, config, state); };
  if (std::none_of(servers.begin(), servers.end(), is_out_of_reach)) return {};
  std::erase_if(servers, is_out_of_reach);
  if (servers.empty()) servers = nameservers_in("/run/systemd/resolve/resolv.conf");
  std::erase_if(servers, is_out_of_reach);
  if (servers.empty()) {
    lines.emplace_back(
        "warning: /etc/resolv.conf names servers on this host or in its LAN only: one on this host does not "
        "ask "
        "by the uplink of the parent that asks it, and to one in the LAN no parent gets; name one in the "
        "Internet there as well");
  }
  return servers;
}

/// One run of `proxy apply`.
class Apply {
 public:
  Apply(Config config, const ProxyRequest& request)
      : config_(std::move(config)),
        folder_(state_directory() + "/squid"),
        seats_path_(state_directory() + std::string(kSeatsFile)),
        with_units_(!request.no_start && SquidUnits::has_systemd()),
        kernel_(loop_, log_, numbers_) {}

  Result<void> run() {
    if (!config_.squid.enabled) return remove_all();
    auto done = allot();
    if (done && with_units_) done = await_ties();
    if (done) done = write();
    if (done && with_units_) done = start();
    return done;
  }

  std::string text() const {
    std::string out;
    for (const auto& line : lines_) out += cat(line, '\n');
    return out;
  }

 private:
  Result<void> remove_all() {
    const auto parents = present_parents();
    if (with_units_ && (!parents.empty() || !folder_.names().empty())) {
      auto done = units_.stop(SquidUnits::kChild);
      for (const auto& uplink : parents) {
        if (done) done = stop_parent(uplink);
      }
      if (!done) return done;
    }
    folder_.clear();
    std::error_code error;
    fs::remove(seats_path_, error);
    lines_.emplace_back("the proxy is not enabled");
    return {};
  }

  /// The uplinks whose parents there are: by their files and, where an earlier run did not get to its end, by their units.
  std::set<std::string> present_parents() const {
    auto out = with_units_ ? units_.known() : std::set<std::string>();
    for (const auto& name : folder_.names()) {
      if (name.starts_with(kParent)) out.insert(name.substr(kParent.size()));
    }
    return out;
  }

  Result<void> stop_parent(const std::string& uplink) {
    auto done = units_.stop(SquidUnits::unit_of(uplink));
    units_.forget_user(uplink);
    return done;
  }

  Result<void> allot() {
    const auto before = read_seats(seats_path_);
    if (!before) return tl::unexpected(before.error());
    auto users = SystemAccounts(seats_path_).look_up(config_);
    if (!users) return tl::unexpected(users.error());
    users_ = *std::move(users);
    seats_ = allot_seats(config_, *before);
    if (seats_ == *before) return {};
    std::error_code error;
    fs::create_directories(state_directory(), error);
    return write_whole(seats_path_, write_seats(seats_));
  }

  /// Else a parent would go by whatever uplink the default leads over.
  Result<void> await_ties() {
    std::string missing = "?";
    const auto deadline = loop_.now().mono + kPatience;
    std::unique_ptr<Timer> timer;
    std::function<void()> look = [&] {
      missing = untied();
      if (missing.empty() || loop_.now().mono >= deadline) return loop_.stop();
      timer = loop_.after(kPause, look);
    };
    loop_.post(look);
    loop_.run();
    if (missing.empty()) return {};
    return fail(cat("routed has not tied the parent of ", missing,
                    " to its uplink: nothing is started; see 'systemctl status routed', and reload it with "
                    "the same file"));
  }

  /// The first uplink whose parent is not tied to it; empty: all are.
  std::string untied() {
    const auto state = kernel_.read();
    for (const auto& [uplink, user] : users_.by_uplink) {
      if (!state || !is_tied(user, device_of(uplink, *state), *state, numbers_)) return uplink;
    }
    return {};
  }

  /// As the kernel names it now; empty where it has none.
  std::string device_of(const std::string& uplink, const KernelState& state) const {
    const auto* configured = config_.uplink_named(uplink);
    const Link* link = configured == nullptr ? nullptr : find_uplink_link(*configured, state);
    return link == nullptr ? std::string() : link->name;
  }

  Result<void> write() {
    SquidHost host;
    const auto state = kernel_.read();
    if (!state) return tl::unexpected(state.error());
    for (const auto& address : state->addresses) host.addresses.push_back(address.prefix.address);
    std::sort(host.addresses.begin(), host.addresses.end());
    host.addresses.erase(std::unique(host.addresses.begin(), host.addresses.end()), host.addresses.end());
    host.nameservers = nameservers_of_parents(config_, *state, lines_);
    std::error_code error;
    host.helper = fs::read_symlink("/proc/self/exe", error).parent_path() / "multilink-squid-helper";
    const auto files = render_squid_files(config_, seats_, host);
    std::map<std::string, std::string> texts{{std::string(kChild), files.child}};
    for (const auto& parent : files.parents) texts[cat(kParent, parent.uplink)] = parent.configuration;
    before_ = present_parents();
    auto changes = folder_.replace(texts);
    if (!changes) return tl::unexpected(changes.error());
    changed_ = std::move(changes->changed);
    warn_of_neighbours(*state);
    warn_of_listening(*state);
    const auto say = [&](const std::string& name) {
      if (changed_.contains(name)) return "written";
      return changes->noted.contains(name) ? "unchanged but for what counts without the helper" : "unchanged";
    };
    for (const auto& parent : files.parents) {
      const auto name = cat(kParent, parent.uplink);
      lines_.push_back(cat("parent of ", parent.uplink, ": ", folder_.path_of(name), ", ", say(name),
                           ", user ", user_of_seat(parent.seat), ", port ", port_of_seat(parent.seat)));
    }
    lines_.push_back(cat("child: ", folder_.path_of(std::string(kChild)), ", ", say(std::string(kChild))));
    return {};
  }

  void warn_of_listening(const KernelState& state) {
    constexpr std::uint16_t kUnprivileged = 1024;
    for (const auto& place : config_.squid.listen) {
      if (place.port < kUnprivileged) {
        lines_.push_back(cat("warning: listen: ", place.port,
                             " is a port that the child may take only where a drop-in gives ",
                             SquidUnits::kChild, " CAP_NET_BIND_SERVICE; one from 1024 on needs none"));
      }
      if (!place.address) continue;
      const bool is_here = std::any_of(state.addresses.begin(), state.addresses.end(),
                                       [&](const auto& own) { return own.prefix.address == *place.address; });
      if (!is_here && !place.address->is_loopback()) {
        lines_.push_back(cat("warning: listen: this host has no address ", place.address->to_string(),
                             " now: nobody is served there until it has, and ", SquidUnits::kChild,
                             " is reloaded"));
      }
    }
  }

  void warn_of_neighbours(const KernelState& state) {
    for (const auto& uplink : config_.uplinks) {
      const Link* link = state.link_named(uplink.device);
      for (const auto& address : state.addresses) {
        if (link == nullptr || address.link_index != link->index) continue;
        for (const auto& network : config_.squid.allow) {
          if (!network.contains(address.prefix.address)) continue;
          lines_.push_back(cat("warning: ", uplink.name, " has the address ",
                               address.prefix.address.to_string(),
                               ", which allow serves: so do its neighbours there; name your LAN in allow"));
        }
      }
    }
  }

  std::string unread_path() const { return state_directory() + "/squid/unread"; }

  /// The files that were written by runs that ended before who reads them was told.
  std::set<std::string> read_unread() const {
    std::ifstream file(unread_path());
    std::set<std::string> out;
    for (std::string name; std::getline(file, name);) out.insert(name);
    return out;
  }

  Result<void> remember_unread(const std::set<std::string>& names) const {
    if (!names.empty())
      return write_whole(unread_path(),
                         cat(join(std::vector<std::string>(names.begin(), names.end()), "\n"), '\n'));
    std::error_code error;
    fs::remove(unread_path(), error);
    return {};
  }

  /// New parents before the child that sends them requests, gone ones after it has let go of them.
  Result<void> start() {
    const auto unread = read_unread();
    changed_.insert(unread.begin(), unread.end());
    if (auto done = remember_unread(changed_); !done) return done;
    std::set<std::string> of_new_user;
    for (const auto& [uplink, seat] : seats_) {
      const auto set = units_.set_user(uplink, user_of_seat(seat));
      if (!set) return tl::unexpected(set.error());
      if (*set) of_new_user.insert(uplink);
    }
    Result<void> done;
    if (!of_new_user.empty()) done = units_.load();
    for (const auto& [uplink, seat] : seats_) {
      if (!done) break;
      const auto unit = SquidUnits::unit_of(uplink);
      done = of_new_user.contains(uplink) ? units_.restart(unit)
                                          : units_.run(unit, changed_.contains(cat(kParent, uplink)));
    }
    if (done) done = units_.run(SquidUnits::kChild, changed_.contains(std::string(kChild)));
    for (const auto& uplink : before_) {
      if (seats_.contains(uplink)) continue;
      if (done) done = stop_parent(uplink);
      lines_.push_back(cat("parent of ", uplink, ": stopped"));
    }
    if (!done) return done;
    wake_up();
    return remember_unread({});
  }

  /// The child starts its helper for the first request only: users should not have to wait for it.
  void wake_up() {
    std::optional<SquidWarmUp> request;
    loop_.post([&] {
      request.emplace(loop_, kChildPort, std::vector{std::string(kWakeUpUrl)}, [this] { loop_.stop(); });
    });
    loop_.run();
  }

  Config config_;
  SquidFolder folder_;
  std::string seats_path_;
  bool with_units_;
  RoutingNumbers numbers_;
  EventLoop loop_;
  QuietLog log_;
  NetlinkKernel kernel_;
  SquidUnits units_;
  ParentUsers users_;
  ParentSeats seats_;
  std::set<std::string> before_;   ///< the uplinks whose parents were there
  std::set<std::string> changed_;  ///< files that are new or other than who runs has read
  std::vector<std::string> lines_;
};

}  // namespace

tl::expected<std::string, CommandFailure> apply_proxy(const ProxyRequest& request) {
  const auto config = read_config(request.config);
  if (!config) return tl::unexpected(config.error());
  Apply apply(*config, request);
  const auto done = apply.run();
  if (!done) return failed(cat("proxy apply: ", done.error().message));
  return apply.text();
}

tl::expected<std::string, CommandFailure> show_proxy(const ProxyRequest& request, Duration deadline) {
  const auto config = read_config(request.config);
  if (!config) return tl::unexpected(config.error());
  if (!config->squid.enabled) return failed("proxy: it is not enabled; say enabled = yes in [squid]");
  const auto source = find_status_source(request.config, request.redis);
  if (!source) return tl::unexpected(CommandFailure{kExitConfig, source.error()});
  const RedisKeys keys(source->site);
  std::vector<Store::Command> commands;
  for (const auto& uplink : config->uplinks) commands.push_back({"HGETALL", keys.proxy(uplink.name)});
  const auto replies = run_on_redis(*source, commands, deadline);
  if (!replies) return failed(cat(source->redis.to_string(), ": ", replies.error().message));
  std::vector<ProxyLine> lines;
  for (std::size_t i = 0; i < config->uplinks.size() && i < replies->size(); ++i) {
    const auto fields = as_fields((*replies)[i]);
    auto record = fields ? ProxyRecord::decode(*fields) : tl::unexpected<Error>(fields.error());
    if (fields && fields->empty()) record = fail("the helper does not report: does Squid run?");
    lines.push_back({config->uplinks[i].name, std::move(record)});
  }
  return request.json ? render_proxy_json(lines) : render_proxy_text(lines);
}

}  // namespace multilink
