// SPDX-License-Identifier: GPL-2.0-or-later
#include <utility>  // before asio: Boost 1.74 forgets it for std::exchange
//
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <new>
#include <system_error>

#include "multilink/adapters/netlink_events.hpp"

namespace multilink {
namespace asio = boost::asio;
namespace {

/// Room for some ten thousand notifications: a routing daemon that starts, a thousand devices that appear.
constexpr int kReceiveBuffer = 4 << 20;
constexpr std::size_t kLargestMessage = 32768;
/// Then the rest of the daemon gets its turn, whatever the kernel still has to tell.
constexpr int kMostReadsATurn = 4096;

struct FreeSocket {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};
struct FreeCallbacks {
  void operator()(nl_cb* callbacks) const { nl_cb_put(callbacks); }
};

void check(int result, const char* doing) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), doing);
}

void enlarge_buffer(int fd) {
  // Beyond the system's limit with CAP_NET_ADMIN, up to the limit without.
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) == 0) return;
  check(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer), "netlink: SO_RCVBUF");
}

bool is_anything(const KernelChange& change) {
  return change.links || change.addresses || change.routes || change.rules || change.overrun;
}

}  // namespace

struct NetlinkEvents::Impl : std::enable_shared_from_this<Impl> {
  Impl(EventLoop& loop, Parse parse_message, OnChange call)
      : parse(std::move(parse_message)),
        on_change(std::move(call)),
        socket(nl_socket_alloc()),
        callbacks(nl_cb_alloc(NL_CB_CUSTOM)),
        descriptor(loop.context()) {
    if (!socket || !callbacks) throw std::bad_alloc();
    check(nl_connect(socket.get(), NETLINK_ROUTE), "netlink: opening a socket for notifications");
    const int fd = nl_socket_get_fd(socket.get());
    enlarge_buffer(fd);
    for (const int group : {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                            RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE}) {
      check(nl_socket_add_membership(socket.get(), group), "netlink: joining a notification group");
    }
    check(nl_socket_set_nonblocking(socket.get()), "netlink: making a socket non-blocking");
    nl_socket_set_msg_buf_size(socket.get(), kLargestMessage);
    nl_socket_disable_msg_peek(socket.get());
    // Notifications carry the sequence numbers of whoever caused them.
    nl_cb_set(
        callbacks.get(), NL_CB_SEQ_CHECK, NL_CB_CUSTOM, [](nl_msg*, void*) -> int { return NL_OK; }, nullptr);
    nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, on_message, this);
    descriptor.assign(fd);
  }
  ~Impl() { descriptor.release(); }  // the descriptor is libnl's to close
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static int on_message(nl_msg* message, void* self) {
    static_cast<Impl*>(self)->take(*nlmsg_hdr(message));
    return NL_OK;
  }

  void take(const nlmsghdr& message) {
    scratch = {};
    switch (parse(message, scratch)) {
      case Parsed::ignored:
        return;
      case Parsed::malformed:
        seen.overrun = true;
        return;
      case Parsed::taken:
        break;
    }
    seen.links |= !scratch.links.empty();
    seen.addresses |= !scratch.addresses.empty();
    seen.routes |= !scratch.routes.empty();
    seen.rules |= !scratch.rules.empty();
  }

  void wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [weak = weak_from_this()](const boost::system::error_code& error) {
                            const auto self = weak.lock();
                            if (error || !self) return;
                            self->read_all();
                            self->wait();
                          });
  }

  void read_all() {
    for (int reads = 0; reads < kMostReadsATurn; ++reads) {
      const int received = nl_recvmsgs(socket.get(), callbacks.get());
      if (received == -NLE_AGAIN) break;
      // ENOBUFS (as NLE_NOMEM) and whatever else kept a notification from us. What waits behind it is still
      // to be read.
      if (received < 0) seen.overrun = true;
    }
    const auto change = std::exchange(seen, {});
    if (is_anything(change)) on_change(change);
  }

  Parse parse;
  OnChange on_change;
  KernelState scratch;  ///< of the message under way
  KernelChange seen;    ///< since the last call
  std::unique_ptr<nl_sock, FreeSocket> socket;
  std::unique_ptr<nl_cb, FreeCallbacks> callbacks;
  asio::posix::stream_descriptor descriptor;
};

NetlinkEvents::NetlinkEvents(EventLoop& loop, Parse parse, OnChange on_change)
    : impl_(std::make_shared<Impl>(loop, std::move(parse), std::move(on_change))) {
  impl_->wait();
}

NetlinkEvents::~NetlinkEvents() = default;

}  // namespace multilink
