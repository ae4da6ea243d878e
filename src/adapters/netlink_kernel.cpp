// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_kernel.hpp"

#include <net/if.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <exception>
#include <string>
#include <utility>

#include "multilink/adapters/netlink_editor.hpp"
#include "multilink/adapters/netlink_events.hpp"
#include "multilink/adapters/netlink_reader.hpp"
#include "multilink/adapters/netlink_socket.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

/// The names of the devices an operation speaks of, for its words in an error.
KernelState devices_of(const RouteOperation& operation) {
  KernelState state;
  std::visit(
      [&](const auto& each) {
        if constexpr (requires { each.route; }) {
          for (const auto& hop : each.route.next_hops) {
            std::array<char, IF_NAMESIZE> name{};
            Link link;
            link.index = hop.link_index;
            if (if_indextoname(hop.link_index, name.data()) == nullptr) continue;
            link.name = name.data();
            state.links.push_back(std::move(link));
          }
        }
      },
      operation);
  return state;
}

}  // namespace

struct NetlinkKernel::Impl {
  Impl(EventLoop& event_loop, Log& log, RoutingNumbers numbers)
      : loop(event_loop), reader(socket, log, numbers), editor(socket, reader) {}

  Result<void> carry_out(const RouteOperation& operation) {
    if (const auto* prepend = std::get_if<PrependRoute>(&operation)) return editor.prepend(prepend->route);
    if (const auto* replace = std::get_if<ReplaceRoute>(&operation)) return editor.replace(replace->route);
    if (const auto* removal = std::get_if<DeleteRoute>(&operation)) return editor.remove(removal->route);
    if (const auto* rule = std::get_if<AddRule>(&operation)) return editor.add(rule->rule);
    if (const auto* rule = std::get_if<AppendRule>(&operation)) return editor.append(rule->rule);
    return editor.remove(std::get<DeleteRule>(operation).rule);
  }

  EventLoop& loop;
  NetlinkSocket socket;
  NetlinkReader reader;
  NetlinkEditor editor;
  std::unique_ptr<NetlinkEvents> events;
};

NetlinkKernel::NetlinkKernel(EventLoop& loop, Log& log, RoutingNumbers numbers)
    : impl_(std::make_unique<Impl>(loop, log, numbers)) {}

NetlinkKernel::~NetlinkKernel() = default;

Result<KernelState> NetlinkKernel::read() {
  return impl_->reader.everything();
}

void NetlinkKernel::watch(std::function<void(const KernelChange&)> on_change) {
  assert(!impl_->events);
  impl_->events = std::make_unique<NetlinkEvents>(
      impl_->loop,
      [this](const nlmsghdr& message, KernelState& state) { return impl_->reader.parse(message, state); },
      std::move(on_change));
}

Result<void> NetlinkKernel::apply(const RouteOperation& operation) {
  auto done = impl_->carry_out(operation);
  if (done) return done;
  return fail(cat("netlink: ", to_string(operation, devices_of(operation)), ": ", done.error().message),
              done.error().code);
}

}  // namespace multilink
