// SPDX-License-Identifier: GPL-2.0-or-later
#include "contract/kernel_worlds.hpp"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "contract/network_namespace.hpp"
#include "fakes/fake_log.hpp"
#include "fakes/fake_scheduler.hpp"
#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/netlink_kernel.hpp"
#include "multilink/adapters/netlink_message.hpp"
#include "multilink/adapters/netlink_socket.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

using fakes::AddMode;

class FakeKernelWorld final : public KernelWorld {
 public:
  Kernel& kernel() override { return kernel_; }
  bool run_until(const std::function<bool()>& reached) override {
    scheduler_.settle();
    return reached();
  }
  void add_link(std::string_view name) override { kernel_.add_link(name); }
  void add_point_to_point(std::string_view name) override { kernel_.add_link(name, true); }
  void remove_link(std::string_view name) override { kernel_.remove_link(name); }
  void set_admin_up(std::string_view name, bool up) override { kernel_.set_admin_up(name, up); }
  void set_carrier(std::string_view name, bool on) override { kernel_.set_carrier(name, on); }
  void add_address(std::string_view name, std::string_view prefix,
                   std::optional<std::string_view> peer) override {
    kernel_.add_address(name, prefix, peer);
  }
  void remove_address(std::string_view name, std::string_view prefix) override {
    kernel_.remove_address(name, prefix);
  }
  void deprecate_address(std::string_view name, std::string_view prefix) override {
    kernel_.deprecate_address(name, prefix);
  }
  void advertise_router(std::string_view name, unsigned lifetime, std::uint8_t hop_limit) override {
    struct {
      nlattr header{sizeof(nlattr) + sizeof(std::uint32_t), RTAX_HOPLIMIT};
      std::uint32_t value;
    } attribute;
    attribute.value = hop_limit;
    std::string attributes;
    if (hop_limit != 0) attributes.assign(reinterpret_cast<const char*>(&attribute), sizeof attribute);
    kernel_.advertise_router(name, "fe80::1", lifetime, attributes);
  }
  Result<void> add_foreign(const Route& route, AddMode mode) override {
    return kernel_.add_route(route, mode);
  }
  Result<void> remove_foreign(const Route& route) override { return kernel_.delete_route(route); }
  Result<void> add_foreign(const Rule& rule) override { return kernel_.add_rule(rule); }
  void add_foreign_before_all(const Rule& rule) override { (void)kernel_.add_rule_before_all(rule); }
  void lose_notifications() override { kernel_.lose_notifications(); }
  Result<std::string> carrier_of(const fakes::Flow& flow) override {
    const auto hop = kernel_.lookup(flow);
    if (!hop) return tl::unexpected<Error>(hop.error());
    return kernel_.carrier_of(flow);
  }

 private:
  fakes::FakeScheduler scheduler_;
  fakes::FakeKernel kernel_{scheduler_};
};

int flags_of(AddMode mode) {
  switch (mode) {
    case AddMode::add:
      return NLM_F_CREATE | NLM_F_EXCL;
    case AddMode::append:
      return NLM_F_CREATE | NLM_F_APPEND;
    case AddMode::prepend:
      return NLM_F_CREATE;
    case AddMode::replace:
      break;
  }
  return NLM_F_CREATE | NLM_F_REPLACE;
}

class RealKernelWorld final : public KernelWorld {
 public:
  RealKernelWorld() {
    ip({"link", "set", "lo", "up"});
    std::ofstream("/proc/sys/net/ipv4/ip_forward") << 1;  // of this thread's namespace
  }

  Kernel& kernel() override { return kernel_; }

  bool run_until(const std::function<bool()>& reached) override {
    const MonoTime deadline = loop_.now().mono + std::chrono::seconds(10);
    while (!reached() && loop_.now().mono < deadline) {
      const auto turn = loop_.after(std::chrono::milliseconds(1), [this] { loop_.stop(); });
      loop_.run();
    }
    return reached();
  }

  void add_link(std::string_view name) override {
    const std::string far = far_end(name);
    ip({"link", "add", name, "type", "veth", "peer", "name", far});
    // No link-local addresses that come when they like.
    ip({"link", "set", name, "addrgenmode", "none", "up"});
    ip({"link", "set", far, "addrgenmode", "none", "up"});
  }
  void add_point_to_point(std::string_view name) override {
    ip({"tuntap", "add", "dev", name, "mode", "tun"});
    ip({"link", "set", name, "addrgenmode", "none", "up"});
  }
  void remove_link(std::string_view name) override { ip({"link", "delete", name}); }
  void set_admin_up(std::string_view name, bool up) override {
    ip({"link", "set", name, up ? "up" : "down"});
  }
  void set_carrier(std::string_view name, bool on) override { set_admin_up(far_end(name), on); }
  void add_address(std::string_view name, std::string_view prefix,
                   std::optional<std::string_view> peer) override {
    if (peer) {
      ip({"address", "add", prefix, "peer", *peer, "dev", name, "nodad"});
    } else if (prefix.find(':') == std::string_view::npos) {
      ip({"address", "add", prefix, "dev", name});
    } else {
      ip({"address", "add", prefix, "dev", name, "nodad"});
    }
  }
  void remove_address(std::string_view name, std::string_view prefix) override {
    ip({"address", "delete", prefix, "dev", name});
  }
  void deprecate_address(std::string_view name, std::string_view prefix) override {
    ip({"address", "change", prefix, "dev", name, "preferred_lft", "0", "valid_lft", "1000"});
  }
  void advertise_router(std::string_view name, unsigned lifetime, std::uint8_t hop_limit) override;
  Result<void> add_foreign(const Route& route, AddMode mode) override {
    return socket_.change(*route_request(RTM_NEWROUTE, flags_of(mode), route));
  }
  Result<void> remove_foreign(const Route& route) override {
    return socket_.change(*route_request(RTM_DELROUTE, 0, route));
  }
  Result<void> add_foreign(const Rule& rule) override {
    return socket_.change(*rule_request(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule));
  }

  void add_foreign_before_all(const Rule& rule) override {
    std::vector<std::string> words{rule.family == Family::v4 ? "-4" : "-6", "rule", "add"};
    if (rule.inverted) words.emplace_back("not");
    if (rule.mark) words.insert(words.end(), {"fwmark", cat(rule.mark->value, '/', rule.mark->mask)});
    words.insert(words.end(), {"table", cat(rule.table), "protocol", cat(unsigned{rule.protocol})});
    ip({words.begin(), words.end()});
  }

  void lose_notifications() override {
    Rule rule;
    rule.protocol = RTPROT_STATIC;
    rule.table = kMainTable;
    for (rule.priority = 20000; rule.priority < 20010; ++rule.priority) {
      for (int i = 0; i < 2000; ++i) {
        for (const int type : {RTM_NEWRULE, RTM_DELRULE}) {
          if (auto done = socket_.change(*rule_request(type, NLM_F_CREATE, rule)); !done) {
            throw std::runtime_error(done.error().message);
          }
        }
      }
    }
  }

  Result<std::string> carrier_of(const fakes::Flow& flow) override;

 private:
  static std::string far_end(std::string_view name) { return cat(name, "-far"); }

  NetworkNamespace namespace_;
  EventLoop loop_;
  fakes::FakeLog log_;
  NetlinkSocket socket_;  ///< of the others
  NetlinkKernel kernel_{loop_, log_, RoutingNumbers{}};
};

void RealKernelWorld::advertise_router(std::string_view name, unsigned lifetime, std::uint8_t hop_limit) {
  const std::string far = far_end(name);
  ip({"address", "replace", "fe80::1/64", "dev", far, "nodad"});
  const int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
  const int farthest = 255;  // else the kernel would not believe that it comes from the link
  setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &farthest, sizeof farthest);
  nd_router_advert message{};
  message.nd_ra_type = ND_ROUTER_ADVERT;
  message.nd_ra_curhoplimit = hop_limit;
  message.nd_ra_router_lifetime = htons(static_cast<std::uint16_t>(lifetime));
  sockaddr_in6 all_nodes{};
  all_nodes.sin6_family = AF_INET6;
  all_nodes.sin6_scope_id = if_nametoindex(far.c_str());
  inet_pton(AF_INET6, "ff02::1", &all_nodes.sin6_addr);
  const auto sent = sendto(fd, &message, sizeof message, 0, reinterpret_cast<const sockaddr*>(&all_nodes),
                           sizeof all_nodes);
  const int code = errno;
  close(fd);
  if (sent < 0) throw std::system_error(code, std::generic_category(), "sending a router advertisement");
}

/// `ip route get`, whose exit and words tell the errno.
Result<std::string> RealKernelWorld::carrier_of(const fakes::Flow& flow) {
  const std::string destination = flow.destination.to_string();
  const std::string from = flow.from ? flow.from->to_string() : std::string();
  const std::string mark = cat(flow.mark);
  const std::string uid = cat(flow.uid);
  std::vector<std::string_view> words{"-o", "route", "get", destination, "mark", mark, "uid", uid};
  if (flow.from) words.insert(words.end(), {"from", from});
  if (!flow.oif.empty()) words.insert(words.end(), {"oif", flow.oif});
  if (!flow.iif.empty()) words.insert(words.end(), {"iif", flow.iif});
  const std::string protocol = cat(unsigned{flow.ip_protocol.value_or(0)});
  const std::string sport = cat(flow.source_port);
  const std::string dport = cat(flow.destination_port);
  if (flow.ip_protocol) words.insert(words.end(), {"ipproto", protocol});
  if (flow.source_port != 0) words.insert(words.end(), {"sport", sport});
  if (flow.destination_port != 0) words.insert(words.end(), {"dport", dport});
  std::string output;
  try {
    output = ip(words);
  } catch (const std::runtime_error& error) {
    const std::string_view said = error.what();
    for (const int code : {ENETUNREACH, EHOSTUNREACH, EINVAL, EACCES}) {
      if (said.find(std::strerror(code)) != std::string_view::npos) return fail(std::string(said), code);
    }
    throw;
  }
  const auto found = split(output, ' ');
  for (std::size_t i = 0; i + 1 < found.size(); ++i) {
    if (found[i] == "dev") return std::string(found[i + 1]);
  }
  throw std::runtime_error(cat("no device in: ", output));
}

}  // namespace

std::unique_ptr<KernelWorld> make_fake_kernel_world() {
  return std::make_unique<FakeKernelWorld>();
}

std::unique_ptr<KernelWorld> make_real_kernel_world() {
  return std::make_unique<RealKernelWorld>();
}

}  // namespace multilink
