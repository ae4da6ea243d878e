// SPDX-License-Identifier: GPL-2.0-or-later
#include <utility>  // before asio: Boost 1.74 forgets it for std::exchange
//
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
#include <system_error>

#include "multilink/adapters/netlink_listener.hpp"
#include "multilink/adapters/start_failure.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace asio = boost::asio;
namespace {

/// Room for some ten thousand notifications: a routing daemon that starts, a thousand devices that appear, our packet
/// filter replaced with some hundred uplinks.
constexpr int kReceiveBuffer = 4 << 20;
constexpr std::size_t kLargestMessage = 65536;

struct FreeSocket {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};
struct FreeCallbacks {
  void operator()(nl_cb* callbacks) const { nl_cb_put(callbacks); }
};

/// Checks what the calls of one listener give.
class Check {
 public:
  explicit Check(std::string_view name) : name_(name) {}

  void operator()(int result, std::string_view doing) const {
    if (result >= 0) return;
    const int code = errno;
    const auto what = cat(name_, ": ", doing);
    if (code != EPERM) throw std::system_error(code, std::generic_category(), what);
    throw StartFailure(
        cat(what, ": ", std::strerror(code), "; that takes CAP_NET_ADMIN: start it as root, or by its unit"));
  }

 private:
  std::string_view name_;
};

void enlarge_buffer(int fd, const Check& check) {
  // Beyond the system's limit with CAP_NET_ADMIN, up to the limit without.
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) == 0) return;
  check(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer), "SO_RCVBUF");
}

}  // namespace

struct NetlinkListener::Impl : std::enable_shared_from_this<Impl> {
  Impl(EventLoop& loop, OnMessage call)
      : on_message(std::move(call)),
        socket(nl_socket_alloc()),
        callbacks(nl_cb_alloc(NL_CB_CUSTOM)),
        descriptor(loop.context()) {
    if (!socket || !callbacks) throw std::bad_alloc();
  }
  ~Impl() { descriptor.release(); }  // the descriptor is libnl's to close
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void listen(const Check& check, int protocol, std::initializer_list<int> groups) {
    check(nl_connect(socket.get(), protocol), "opening a socket for notifications");
    const int fd = nl_socket_get_fd(socket.get());
    enlarge_buffer(fd, check);
    for (const int group : groups)
      check(nl_socket_add_membership(socket.get(), group), "joining a notification group");
    check(nl_socket_set_nonblocking(socket.get()), "making a socket non-blocking");
    nl_socket_set_msg_buf_size(socket.get(), kLargestMessage);
    nl_socket_disable_msg_peek(socket.get());
    // Notifications carry the sequence numbers of whoever caused them.
    nl_cb_set(
        callbacks.get(), NL_CB_SEQ_CHECK, NL_CB_CUSTOM, [](nl_msg*, void*) -> int { return NL_OK; }, nullptr);
    nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, hand_out, this);
    descriptor.assign(fd);
  }

  static int hand_out(nl_msg* message, void* self) {
    static_cast<Impl*>(self)->on_message(*nlmsg_hdr(message));
    return NL_OK;
  }

  void wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [weak = weak_from_this()](const boost::system::error_code& error) {
                            const auto self = weak.lock();
                            if (error || !self) return;
                            self->on_readable();
                            self->wait();
                          });
  }

  OnMessage on_message;
  std::function<void()> on_readable;
  std::unique_ptr<nl_sock, FreeSocket> socket;
  std::unique_ptr<nl_cb, FreeCallbacks> callbacks;
  asio::posix::stream_descriptor descriptor;
};

NetlinkListener::NetlinkListener(EventLoop& loop, std::string_view name, int protocol,
                                 std::initializer_list<int> groups, OnMessage on_message)
    : impl_(std::make_shared<Impl>(loop, std::move(on_message))) {
  impl_->listen(Check(name), protocol, groups);
}

NetlinkListener::~NetlinkListener() = default;

bool NetlinkListener::read(int most_reads) {
  bool all = true;
  for (int reads = 0; reads < most_reads; ++reads) {
    const int received = nl_recvmsgs(impl_->socket.get(), impl_->callbacks.get());
    if (received == -NLE_AGAIN) break;
    all &= received >= 0;  // ENOBUFS comes as NLE_NOMEM; what waits behind it is still to be read
  }
  return all;
}

void NetlinkListener::watch(std::function<void()> on_readable) {
  assert(!impl_->on_readable);
  impl_->on_readable = std::move(on_readable);
  impl_->wait();
}

}  // namespace multilink
