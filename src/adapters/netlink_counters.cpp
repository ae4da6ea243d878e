// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_counters.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <system_error>

namespace multilink {
namespace {

struct Request {
  nlmsghdr header;
  if_stats_msg body;
};

constexpr std::size_t kHeaders = NLMSG_LENGTH(sizeof(if_stats_msg));

/// The counters in an answer to the request with this sequence number.
std::optional<TrafficCount> parse(std::span<const char> message, unsigned sequence) {
  nlmsghdr header{};
  nlattr attribute{};
  if (message.size() < kHeaders + sizeof attribute) return std::nullopt;
  std::memcpy(&header, message.data(), sizeof header);
  if (header.nlmsg_type != RTM_NEWSTATS || header.nlmsg_seq != sequence) return std::nullopt;
  std::memcpy(&attribute, message.data() + kHeaders, sizeof attribute);
  rtnl_link_stats64 stats{};
  // Only the beginning is used, and newer kernels add to the end.
  constexpr std::size_t kUsed = offsetof(rtnl_link_stats64, rx_bytes);
  const auto values = message.subspan(kHeaders + sizeof attribute);
  if (attribute.nla_type != IFLA_STATS_LINK_64 || attribute.nla_len < sizeof attribute + kUsed ||
      values.size() < kUsed) {
    return std::nullopt;
  }
  std::memcpy(&stats, values.data(), kUsed);
  return TrafficCount{stats.rx_packets, stats.tx_packets};
}

}  // namespace

NetlinkCounters::NetlinkCounters() : socket_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
  if (socket_ < 0) throw std::system_error(errno, std::generic_category(), "a netlink socket for counters");
  const timeval deadline{0, 100'000};  // the kernel answers at once; this is for the day that it does not
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
}

NetlinkCounters::~NetlinkCounters() {
  close(socket_);
}

std::optional<TrafficCount> NetlinkCounters::read(unsigned link_index) {
  Request request{};
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.body);
  request.header.nlmsg_type = RTM_GETSTATS;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.header.nlmsg_seq = ++sequence_;
  request.body.family = AF_UNSPEC;
  request.body.ifindex = link_index;
  request.body.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
  if (send(socket_, &request, request.header.nlmsg_len, 0) < 0) return std::nullopt;
  std::array<char, 4096> answer{};
  const auto length = recv(socket_, answer.data(), answer.size(), 0);
  if (length < 0) return std::nullopt;
  return parse(std::span(answer).first(static_cast<std::size_t>(length)), sequence_);
}

}  // namespace multilink
