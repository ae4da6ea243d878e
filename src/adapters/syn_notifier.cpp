// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/syn_notifier.hpp"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::size_t kBatch = 64;  // packets of one system call
constexpr int kSendBuffer = 4 << 20;
constexpr std::uint8_t kHops = 64;
constexpr std::uint16_t kWindow = 64240;
constexpr std::size_t kTcpHeader = 20;

std::size_t place_of(Family family) {
  return family == Family::v4 ? 0 : 1;
}

std::uint32_t sum_of(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
  return sum;
}

/// RFC 9293, section 3.1: over the addresses, the length, the protocol and the segment.
std::uint16_t checksum_of(const IpAddress& from, const IpAddress& to, std::span<const std::uint8_t> segment) {
  std::uint32_t sum = sum_of(std::span(from.bytes()).first(from.size())) +
                      sum_of(std::span(to.bytes()).first(to.size())) +
                      static_cast<std::uint32_t>(segment.size()) + ip_protocol::kTcp + sum_of(segment);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::array<std::uint8_t, kTcpHeader> make_segment(const ConnectionTuple& connection) {
  tcphdr header{};
  header.th_sport = htons(connection.destination_port);
  header.th_dport = htons(connection.source_port);
  header.th_off = kTcpHeader / 4;
  header.th_flags = TH_SYN;
  header.th_win = htons(kWindow);
  std::array<std::uint8_t, kTcpHeader> out{};
  static_assert(sizeof header == kTcpHeader);
  std::memcpy(out.data(), &header, sizeof header);
  header.th_sum = htons(checksum_of(connection.destination, connection.source, out));
  std::memcpy(out.data(), &header, sizeof header);
  return out;
}

template <class Header>
std::vector<std::uint8_t> packet_of(const Header& header, std::span<const std::uint8_t> segment) {
  std::vector<std::uint8_t> out(sizeof header + segment.size());
  std::memcpy(out.data(), &header, sizeof header);
  std::copy(segment.begin(), segment.end(), out.begin() + sizeof header);
  return out;
}

sockaddr_storage address_of(const IpAddress& address) {
  sockaddr_storage out{};
  if (address.family() == Family::v4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, address.bytes().data(), sizeof v4.sin_addr);
    std::memcpy(&out, &v4, sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, address.bytes().data(), sizeof v6.sin6_addr);
    std::memcpy(&out, &v6, sizeof v6);
  }
  return out;
}

/// What sendmmsg needs of one packet.
struct Letter {
  std::vector<std::uint8_t> packet;
  sockaddr_storage to{};
  iovec part{};
};

/// Gives how many were sent; the errno of the first that was not into `code`.
std::size_t send_all(int fd, std::span<const ConnectionTuple> connections, int& code) {
  std::array<Letter, kBatch> letters;
  std::array<mmsghdr, kBatch> headers{};
  for (std::size_t i = 0; i < connections.size(); ++i) {
    auto& letter = letters.at(i);
    letter.packet = make_syn(connections[i]);
    letter.to = address_of(connections[i].source);
    letter.part = {letter.packet.data(), letter.packet.size()};
    auto& header = headers.at(i).msg_hdr;
    header.msg_name = &letter.to;
    header.msg_namelen = letter.to.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    header.msg_iov = &letter.part;
    header.msg_iovlen = 1;
  }
  std::size_t sent = 0;
  for (std::size_t next = 0; next < connections.size();) {
    const int taken = sendmmsg(fd, &headers.at(next), static_cast<unsigned>(connections.size() - next), 0);
    if (taken > 0) {
      sent += static_cast<std::size_t>(taken);
      next += static_cast<std::size_t>(taken);
    } else if (errno != EINTR) {
      if (code == 0) code = errno;
      ++next;  // this one cannot be sent; others may go elsewhere
    }
  }
  return sent;
}

}  // namespace

std::vector<std::uint8_t> make_syn(const ConnectionTuple& connection) {
  const auto segment = make_segment(connection);
  assert(connection.source.family() == connection.destination.family());
  const auto copy = [](const IpAddress& address, void* to) {
    std::memcpy(to, address.bytes().data(), address.size());
  };
  if (connection.source.family() == Family::v4) {
    iphdr header{};
    header.version = 4;
    header.ihl = sizeof header / 4;
    header.tot_len = htons(sizeof header + kTcpHeader);
    header.frag_off = htons(IP_DF);
    header.ttl = kHops;
    header.protocol = ip_protocol::kTcp;
    copy(connection.destination, &header.saddr);
    copy(connection.source, &header.daddr);
    return packet_of(header, segment);
  }
  ip6_hdr header{};
  header.ip6_flow = htonl(6U << 28);
  header.ip6_plen = htons(kTcpHeader);
  header.ip6_nxt = ip_protocol::kTcp;
  header.ip6_hlim = kHops;
  copy(connection.destination, &header.ip6_src);
  copy(connection.source, &header.ip6_dst);
  return packet_of(header, segment);
}

SynNotifier::~SynNotifier() {
  set_mark(mark_);
}

void SynNotifier::set_mark(std::uint32_t mark) {
  mark_ = mark;
  for (auto& fd : sockets_) {
    if (fd != kClosed) close(fd);
    fd = kClosed;
  }
}

Result<int> SynNotifier::socket_for(Family family) {
  int& kept = sockets_.at(place_of(family));
  if (kept != kClosed) return kept;
  // IPPROTO_RAW: the packets carry their own IP header, and nothing is received.
  const int af = family == Family::v4 ? AF_INET : AF_INET6;
  const int fd = ::socket(af, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
  if (fd < 0) return fail(std::strerror(errno), errno);
  const int on = 1;
  const bool fit = setsockopt(fd, SOL_SOCKET, SO_MARK, &mark_, sizeof mark_) == 0 &&
                   (family == Family::v4 || setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof on) == 0);
  if (!fit) {
    const int code = errno;
    close(fd);
    return fail(std::strerror(code), code);
  }
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer);
  kept = fd;
  return kept;
}

Result<std::size_t> SynNotifier::notify(std::span<const ConnectionTuple> connections) {
  std::size_t sent = 0;
  int code = 0;
  for (const Family family : kFamilies) {
    std::vector<ConnectionTuple> own;
    std::copy_if(connections.begin(), connections.end(), std::back_inserter(own),
                 [&](const ConnectionTuple& one) { return one.source.family() == family; });
    if (own.empty()) continue;
    const auto fd = socket_for(family);
    if (!fd) {
      const auto remedy =
          fd.error().code == EPERM ? "; that takes CAP_NET_RAW: start it as root, or by its unit" : "";
      return fail(
          cat("telling clients of their connections' end: a raw socket: ", fd.error().message, remedy),
          fd.error().code);
    }
    const std::span<const ConnectionTuple> all = own;
    for (std::size_t first = 0; first < all.size(); first += kBatch) {
      sent += send_all(*fd, all.subspan(first, std::min(kBatch, all.size() - first)), code);
    }
  }
  if (code == EPERM || (code != 0 && sent == 0)) {
    const auto remedy =
        code == EPERM ? "; a firewall forbids it, or the unit: IPAddressAllow= must name the LAN's networks"
                      : "";
    return fail(cat("telling clients of their connections' end: sending: ", std::strerror(code), remedy),
                code);
  }
  return sent;
}

}  // namespace multilink
