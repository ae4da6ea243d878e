// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_sockets.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

#include "multilink/adapters/netlink_attributes.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr int kMostAttempts = 3;

constexpr std::uint32_t bit(unsigned state) {
  return 1U << state;
}
/// Those with two ends. Neither those that listen nor what is over.
constexpr std::uint32_t kStates = bit(TCP_SYN_SENT) | bit(TCP_ESTABLISHED) | bit(TCP_FIN_WAIT1) |
                                  bit(TCP_FIN_WAIT2) | bit(TCP_CLOSE_WAIT) | bit(TCP_LAST_ACK) |
                                  bit(TCP_CLOSING);

inet_diag_req_v2 request_for(unsigned char af) {
  inet_diag_req_v2 request{};
  request.sdiag_family = af;
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = kStates;
  return request;
}

NetlinkMessage dump_request(unsigned char af) {
  NetlinkMessage message(nlmsg_alloc());
  if (!message) throw std::bad_alloc();
  auto request = request_for(af);
  nlmsg_put(message.get(), NL_AUTO_PORT, NL_AUTO_SEQ, SOCK_DIAG_BY_FAMILY, 0, NLM_F_DUMP);
  nlmsg_append(message.get(), &request, sizeof request, NLMSG_ALIGNTO);
  return message;
}

/// IPv4 addresses in IPv6 form are IPv4 addresses.
IpAddress address_of(unsigned char af, const __be32 (&words)[4]) {
  std::array<std::uint8_t, 16> bytes{};
  static_assert(sizeof words == sizeof bytes);
  std::memcpy(bytes.data(), words, sizeof words);
  if (af == AF_INET) return IpAddress::from_v4({bytes[0], bytes[1], bytes[2], bytes[3]});
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    return IpAddress::from_v4({bytes[12], bytes[13], bytes[14], bytes[15]});
  }
  return IpAddress::from_v6(bytes);
}

/// Whether a socket of the asked-for connection is to go.
bool is_wanted(const TcpSocketEntry& socket, const TiedUsers& tied) {
  const bool is_tied = std::any_of(tied.users.begin(), tied.users.end(), [&](const UidRange& users) {
    return users.first <= socket.user && socket.user <= users.last;
  });
  return is_tied ? !tied.are_spared : !socket.is_opening;
}

tl::unexpected<Error> failed(std::string_view doing, const Error& error) {
  std::string_view remedy;
  if (error.code == EOPNOTSUPP || error.code == ENOENT) {
    remedy = "; the kernel needs CONFIG_INET_DIAG_DESTROY and its module tcp_diag: try 'modprobe tcp_diag'";
  }
  return fail(cat("this host's sockets: ", doing, ": ", error.message, remedy), error.code);
}

}  // namespace

Parsed parse_tcp_socket(const nlmsghdr& message, std::vector<TcpSocketEntry>& sockets) {
  if (message.nlmsg_type != SOCK_DIAG_BY_FAMILY) return Parsed::ignored;
  const auto header = header_of<inet_diag_msg>(message);
  if (!header) return Parsed::malformed;
  const unsigned char af = header->idiag_family;
  if (!family_of_af(af) || header->idiag_state >= 32 || (kStates & bit(header->idiag_state)) == 0) {
    return Parsed::ignored;
  }
  TcpSocketEntry out;
  out.af = af;
  out.ends = {address_of(af, header->id.idiag_src), address_of(af, header->id.idiag_dst),
              ntohs(header->id.idiag_sport), ntohs(header->id.idiag_dport)};
  if (out.ends.source.family() != out.ends.destination.family()) return Parsed::malformed;
  out.bound_to_device = header->id.idiag_if != 0;
  out.user = header->idiag_uid;
  out.is_opening = header->idiag_state == TCP_SYN_SENT;
  const auto id = std::as_bytes(std::span(&header->id, 1));
  out.id.assign(id.begin(), id.end());
  sockets.push_back(std::move(out));
  return Parsed::taken;
}

Result<std::size_t> NetlinkSockets::destroy(std::span<const ConnectionTuple> connections,
                                            const TiedUsers& tied) {
  if (connections.empty()) return 0;
  try {
    if (!socket_) socket_ = std::make_unique<NetlinkSocket>(NetlinkProtocol::sock_diag);
  } catch (const std::system_error& error) {
    return failed("opening a socket", {error.what(), error.code().value()});
  }
  std::vector<ConnectionTuple> sorted(connections.begin(), connections.end());
  std::sort(sorted.begin(), sorted.end());
  batch_.clear();
  // Sockets of either family speak IPv4.
  const bool any_v4 = sorted.front().source.family() == Family::v4;
  auto done = any_v4 ? collect(AF_INET, sorted, tied) : Result<void>{};
  if (done) done = collect(AF_INET6, sorted, tied);
  if (!done) return failed("reading them", done.error());
  std::size_t refused = 0;
  int first_error = 0;
  done = socket_->change_all(batch_, [&](std::size_t, int code) {
    ++refused;
    const bool is_gone = code == ENOENT || code == ESTALE;
    if (first_error == 0 && !is_gone) first_error = code;
  });
  if (!done) return failed("destroying them", done.error());
  if (first_error != 0) return failed("destroying them", {std::strerror(first_error), first_error});
  return batch_.size() - refused;
}

Result<void> NetlinkSockets::collect(unsigned char af, std::span<const ConnectionTuple> sorted,
                                     const TiedUsers& tied) {
  std::vector<TcpSocketEntry> found;
  Result<bool> complete = false;
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    found.clear();
    complete = socket_->dump(dump_request(af), [&](const nlmsghdr& message) {
      const auto parsed = parse_tcp_socket(message, found);
      if (parsed != Parsed::taken) return;
      const auto& newest = found.back();
      if (newest.bound_to_device || !is_wanted(newest, tied) ||
          !std::binary_search(sorted.begin(), sorted.end(), newest.ends)) {
        found.pop_back();
      }
    });
    if (complete ? *complete : complete.error().code != ENOBUFS) break;
  }
  // A kernel without IPv6 has none of them.
  const bool without = !complete && af == AF_INET6 &&
                       (complete.error().code == ENOENT || complete.error().code == EAFNOSUPPORT);
  if (!complete && !without) return tl::unexpected<Error>(complete.error());
  for (const auto& socket : found) {
    auto request = request_for(socket.af);
    std::memcpy(&request.id, socket.id.data(), sizeof request.id);
    batch_.begin(SOCK_DESTROY, 0, request);
  }
  return {};
}

}  // namespace multilink
