// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_socket.hpp"

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <system_error>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr timeval kDeadline{2, 0};
constexpr unsigned kKernel = 0;  // its port
/// Room for the refusals of a whole batch, each of which the kernel counts with some 1 000 bytes.
constexpr int kBuffers = 1 << 20;
/// The kernel fills dumps into buffers as large as ours, but for at most this.
constexpr std::size_t kReceiveBuffer = 32768;

struct FreeSocket {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};
struct FreeCallbacks {
  void operator()(nl_cb* callbacks) const { nl_cb_put(callbacks); }
};

/// One request's answer as it comes in.
struct Answer {
  unsigned first = 0;     ///< sequence numbers of the requests
  unsigned sequence = 0;  ///< of the last, whose answer completes it
  const NetlinkSocket::Each* each = nullptr;
  bool complete = false;
  bool interrupted = false;
  int error = 0;
  std::string explanation;
};

Answer& answer_of(void* argument) {
  return *static_cast<Answer*>(argument);
}

int on_sequence(nl_msg* message, void* argument) {
  const auto& answer = answer_of(argument);
  // The distance from the first: numbers may wrap.
  return nlmsg_hdr(message)->nlmsg_seq - answer.first <= answer.sequence - answer.first ? NL_OK : NL_SKIP;
}

int on_message(nl_msg* message, void* argument) {
  const auto& answer = answer_of(argument);
  if (answer.each != nullptr) (*answer.each)(*nlmsg_hdr(message));
  return NL_OK;
}

int on_interrupted(nl_msg*, void* argument) {
  answer_of(argument).interrupted = true;
  return NL_OK;
}

/// The text of the extended ack: attributes behind the `fixed` bytes of the answer.
std::string explanation_of(const nlmsghdr& header, int fixed) {
  if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  nla_policy policy[NLMSGERR_ATTR_MAX + 1]{};
  policy[NLMSGERR_ATTR_MSG].type = NLA_STRING;
  nlattr* found[NLMSGERR_ATTR_MAX + 1]{};
  if (nlmsg_parse(const_cast<nlmsghdr*>(&header), fixed, found, NLMSGERR_ATTR_MAX, policy) < 0) return {};
  return found[NLMSGERR_ATTR_MSG] == nullptr ? std::string() : nla_get_string(found[NLMSGERR_ATTR_MSG]);
}

int on_ack(nl_msg* message, void* argument) {
  auto& answer = answer_of(argument);
  answer.complete |= nlmsg_hdr(message)->nlmsg_seq == answer.sequence;
  return NL_STOP;
}

/// The end of a dump carries its error, which libnl does not look at.
int on_dump_end(nl_msg* message, void* argument) {
  auto& answer = answer_of(argument);
  answer.complete = true;
  const nlmsghdr& header = *nlmsg_hdr(message);
  int error = 0;
  if (nlmsg_datalen(&header) >= static_cast<int>(sizeof error)) {
    std::memcpy(&error, nlmsg_data(&header), sizeof error);
  }
  if (error < 0) {
    answer.error = -error;
    answer.explanation = explanation_of(header, sizeof error);
  }
  return NL_STOP;
}

int on_error(sockaddr_nl*, nlmsgerr* error, void* argument) {
  auto& answer = answer_of(argument);
  // An error of the first of several is one of all: the others are not looked at.
  answer.complete |= error->msg.nlmsg_seq == answer.sequence || error->msg.nlmsg_seq == answer.first;
  if (answer.error != 0) return NL_STOP;
  answer.error = -error->error;
  const auto* header = reinterpret_cast<const nlmsghdr*>(reinterpret_cast<const char*>(error) - NLMSG_HDRLEN);
  // NETLINK_CAP_ACK: the request is not repeated between the error and its attributes.
  if ((header->nlmsg_flags & NLM_F_CAPPED) != 0) answer.explanation = explanation_of(*header, sizeof *error);
  return NL_STOP;
}

/// For transactions, which must come in one piece.
void enlarge_send_buffer(nl_sock& socket) {
  const int fd = nl_socket_get_fd(&socket);
  // Beyond the system's limit with CAP_NET_ADMIN, up to the limit without.
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &kBuffers, sizeof kBuffers) == 0) return;
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kBuffers, sizeof kBuffers);
}

int number_of(NetlinkProtocol protocol) {
  switch (protocol) {
    case NetlinkProtocol::sock_diag:
      return NETLINK_SOCK_DIAG;
    case NetlinkProtocol::netfilter:
      return NETLINK_NETFILTER;
    case NetlinkProtocol::route:
      break;
  }
  return NETLINK_ROUTE;
}

/// Hands on the sequence number and errno of each answer to a change that lies wholly within `bytes`.
template <class Each>
void for_each_verdict(std::span<const std::byte> bytes, Each each) {
  while (bytes.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > bytes.size()) return;
    int code = 0;
    if (header.nlmsg_type == NLMSG_ERROR && header.nlmsg_len >= sizeof header + sizeof code) {
      std::memcpy(&code, bytes.data() + sizeof header, sizeof code);
      each(header.nlmsg_seq, -code);
    }
    bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), NLMSG_ALIGN(header.nlmsg_len)));
  }
}

void switch_on(nl_sock& socket, int option) {
  const int on = 1;
  // An older kernel without the option works too, with less to say.
  (void)setsockopt(nl_socket_get_fd(&socket), SOL_NETLINK, option, &on, sizeof on);
}

}  // namespace

struct NetlinkSocket::Impl {
  explicit Impl(NetlinkProtocol protocol) : socket(nl_socket_alloc()), callbacks(nl_cb_alloc(NL_CB_CUSTOM)) {
    if (!socket || !callbacks) throw std::bad_alloc();
    if (nl_connect(socket.get(), number_of(protocol)) < 0) {
      throw std::system_error(errno, std::generic_category(), "netlink: opening a socket");
    }
    const int fd = nl_socket_get_fd(socket.get());
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kDeadline, sizeof kDeadline) != 0) {
      throw std::system_error(errno, std::generic_category(), "netlink: SO_RCVTIMEO");
    }
    // Up to the system's limit where it is lower: then it is the default of some 200 kB, which is enough too.
    (void)nl_socket_set_buffer_size(socket.get(), kBuffers, kBuffers);
    enlarge_send_buffer(*socket);
    switch_on(*socket, NETLINK_EXT_ACK);
    switch_on(*socket, NETLINK_CAP_ACK);
    switch_on(*socket, NETLINK_GET_STRICT_CHK);
    nl_socket_set_msg_buf_size(socket.get(), kReceiveBuffer);
    nl_socket_disable_msg_peek(socket.get());
    nl_socket_disable_auto_ack(socket.get());
    nl_cb_set(callbacks.get(), NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_sequence, &answer);
    nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, on_message, &answer);
    nl_cb_set(callbacks.get(), NL_CB_FINISH, NL_CB_CUSTOM, on_dump_end, &answer);
    nl_cb_set(callbacks.get(), NL_CB_ACK, NL_CB_CUSTOM, on_ack, &answer);
    nl_cb_set(callbacks.get(), NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, &answer);
    nl_cb_err(callbacks.get(), NL_CB_CUSTOM, on_error, &answer);
  }

  Result<void> run(nl_msg& message, const Each* each) {
    nl_complete_msg(socket.get(), &message);
    nlmsg_hdr(&message)->nlmsg_flags |= NLM_F_ACK;
    const unsigned sequence = nlmsg_hdr(&message)->nlmsg_seq;
    answer = {.first = sequence, .sequence = sequence, .each = each, .explanation = {}};
    if (nl_send(socket.get(), &message) < 0) return failed(errno, "sending");
    return wait();
  }

  Result<void> run_all(const std::vector<NetlinkMessage>& messages) {
    std::string together;
    answer = {.explanation = {}};
    for (const auto& message : messages) {
      nl_complete_msg(socket.get(), message.get());
      const auto* header = nlmsg_hdr(message.get());
      if (together.empty()) answer.first = header->nlmsg_seq;
      if ((header->nlmsg_flags & NLM_F_ACK) != 0) answer.sequence = header->nlmsg_seq;
      together.append(reinterpret_cast<const char*>(header), header->nlmsg_len);
      together.resize(NLMSG_ALIGN(together.size()));
    }
    if (nl_sendto(socket.get(), together.data(), together.size()) < 0) return failed(errno, "sending");
    return wait();
  }

  Result<void> wait() {
    while (!answer.complete) {
      errno = 0;
      const int received = nl_recvmsgs(socket.get(), callbacks.get());
      if (received < 0 && !answer.complete) {
        return failed(received == -NLE_AGAIN ? ETIMEDOUT : errno, "receiving");
      }
    }
    if (answer.error == 0) return {};
    std::string text = std::strerror(answer.error);
    if (!answer.explanation.empty()) text += cat(" (", answer.explanation, ')');
    if (answer.error == EPERM) text += "; that takes CAP_NET_ADMIN: start it as root, or by its unit";
    return fail(std::move(text), answer.error);
  }

  /// One chunk: requests [first, last) of the batch.
  Result<void> run_chunk(NetlinkBatch& batch, std::size_t first, std::size_t last,
                         const OnRefused& on_refused) {
    const unsigned sequence = nl_socket_use_seq(socket.get());
    for (std::size_t i = first + 1; i < last; ++i) (void)nl_socket_use_seq(socket.get());
    const auto bytes = batch.prepare(first, last, sequence);
    if (nl_sendto(socket.get(), bytes.data(), bytes.size()) < 0) return failed(errno, "sending");
    const auto count = static_cast<unsigned>(last - first);
    bool last_answered = false;
    while (!last_answered) {
      sockaddr_nl from{};
      socklen_t length = sizeof from;
      const auto size = recvfrom(nl_socket_get_fd(socket.get()), buffer.data(), buffer.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from), &length);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return failed(errno == EAGAIN ? ETIMEDOUT : errno, "receiving");
      if (from.nl_pid != kKernel) continue;
      for_each_verdict({buffer.data(), static_cast<std::size_t>(size)}, [&](unsigned of, int code) {
        const unsigned position = of - sequence;  // wraps for those of earlier requests
        if (position >= count) return;
        last_answered |= position + 1 == count;
        if (code != 0) on_refused(first + position, code);
      });
    }
    return {};
  }

  static tl::unexpected<Error> failed(int code, std::string_view doing) {
    const int raw = code == 0 ? EIO : code;
    return fail(cat(doing, ": ", std::strerror(raw)), raw);
  }

  Answer answer;  ///< of the request under way
  alignas(nlmsghdr) std::array<std::byte, kReceiveBuffer> buffer{};
  std::unique_ptr<nl_sock, FreeSocket> socket;
  std::unique_ptr<nl_cb, FreeCallbacks> callbacks;
};

NetlinkSocket::NetlinkSocket(NetlinkProtocol protocol) : impl_(std::make_unique<Impl>(protocol)) {}

NetlinkSocket::~NetlinkSocket() = default;

Result<void> NetlinkSocket::change(NetlinkMessage message) {
  return impl_->run(*message, nullptr);
}

Result<void> NetlinkSocket::change_together(const std::vector<NetlinkMessage>& messages) {
  if (messages.empty()) return {};
  return impl_->run_all(messages);
}

Result<void> NetlinkSocket::change_all(NetlinkBatch& batch, const OnRefused& on_refused) {
  for (std::size_t first = 0; first < batch.size(); first += kBatch) {
    auto done = impl_->run_chunk(batch, first, std::min(batch.size(), first + kBatch), on_refused);
    if (!done) return done;
  }
  return {};
}

Result<bool> NetlinkSocket::dump(NetlinkMessage message, const Each& each) {
  if (auto done = impl_->run(*message, &each); !done) return tl::unexpected<Error>(done.error());
  return !impl_->answer.interrupted;
}

}  // namespace multilink
