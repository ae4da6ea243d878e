// SPDX-License-Identifier: GPL-2.0-or-later
#include <utility>  // before asio: Boost 1.74 forgets it for std::exchange
//
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>
#include <system_error>

#include "multilink/adapters/nftables_events.hpp"
#include "multilink/adapters/nftables_message.hpp"
#include "multilink/adapters/start_failure.hpp"
#include "multilink/core/packet_filter.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace asio = boost::asio;
namespace {

/// Room for the replacement of our own table with some hundred uplinks; rulesets of others can be larger.
constexpr int kReceiveBuffer = 4 << 20;
constexpr std::size_t kLargestMessage = 65536;
/// Then the rest of the daemon gets its turn, whatever the kernel still has to tell.
constexpr int kMostReadsATurn = 65536;

struct FreeSocket {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};
struct FreeCallbacks {
  void operator()(nl_cb* callbacks) const { nl_cb_put(callbacks); }
};

void check(int result, const char* doing) {
  if (result >= 0) return;
  if (errno == EPERM) {
    throw StartFailure(cat(doing, ": ", std::strerror(EPERM),
                           "; that takes CAP_NET_ADMIN: start it as root, or by its unit"));
  }
  throw std::system_error(errno, std::generic_category(), doing);
}

void enlarge_buffer(int fd) {
  // Beyond the system's limit with CAP_NET_ADMIN, up to the limit without.
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) == 0) return;
  check(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer), "nftables: SO_RCVBUF");
}

}  // namespace

struct NftablesEvents::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(EventLoop& loop)
      : socket(nl_socket_alloc()), callbacks(nl_cb_alloc(NL_CB_CUSTOM)), descriptor(loop.context()) {
    if (!socket || !callbacks) throw std::bad_alloc();
    check(nl_connect(socket.get(), NETLINK_NETFILTER), "nftables: opening a socket for notifications");
    const int fd = nl_socket_get_fd(socket.get());
    enlarge_buffer(fd);
    check(nl_socket_add_membership(socket.get(), NFNLGRP_NFTABLES),
          "nftables: joining the notification group");
    check(nl_socket_set_nonblocking(socket.get()), "nftables: making a socket non-blocking");
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
    static_cast<Impl*>(self)->take_message(*nlmsg_hdr(message));
    return NL_OK;
  }

  void take_message(const nlmsghdr& message) {
    if (NFNL_MSG_TYPE(message.nlmsg_type) == NFT_MSG_NEWGEN) {
      seen.transactions += touched ? 1 : 0;
      touched = false;
    } else {
      touched |= is_about_our_table(message);
    }
  }

  Seen take() {
    for (int reads = 0; reads < kMostReadsATurn; ++reads) {
      const int received = nl_recvmsgs(socket.get(), callbacks.get());
      if (received == -NLE_AGAIN) break;
      // ENOBUFS (as NLE_NOMEM) and whatever else kept a notification from us.
      if (received < 0) seen.overrun = true;
    }
    return std::exchange(seen, {});
  }

  void wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [weak = weak_from_this()](const boost::system::error_code& error) {
                            const auto self = weak.lock();
                            if (error || !self) return;
                            const auto news = self->take();
                            if (news.transactions > 0 || news.overrun) self->on_change();
                            self->wait();
                          });
  }

  std::function<void()> on_change;
  Seen seen;             ///< since the last take()
  bool touched = false;  ///< by the transaction whose end has not come yet
  std::unique_ptr<nl_sock, FreeSocket> socket;
  std::unique_ptr<nl_cb, FreeCallbacks> callbacks;
  asio::posix::stream_descriptor descriptor;
};

NftablesEvents::NftablesEvents(EventLoop& loop) : impl_(std::make_shared<Impl>(loop)) {}

NftablesEvents::~NftablesEvents() = default;

NftablesEvents::Seen NftablesEvents::take() {
  return impl_->take();
}

void NftablesEvents::watch(std::function<void()> on_change) {
  assert(!impl_->on_change);
  impl_->on_change = std::move(on_change);
  impl_->wait();
}

}  // namespace multilink
