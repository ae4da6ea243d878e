// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/netlink_batch.hpp"

#include <arpa/inet.h>
#include <linux/netlink.h>

#include <cassert>
#include <cstring>

namespace multilink {
namespace {

/// Reads a header at its place, lets `change` alter it, and writes it back.
template <class Header, class Change>
void alter(std::vector<std::byte>& bytes, std::size_t at, Change change) {
  Header header{};
  std::memcpy(&header, bytes.data() + at, sizeof header);
  change(header);
  std::memcpy(bytes.data() + at, &header, sizeof header);
}

}  // namespace

void NetlinkBatch::put_be16(std::uint16_t attribute, std::uint16_t value) {
  put(attribute, htons(value));
}

void NetlinkBatch::put_be32(std::uint16_t attribute, std::uint32_t value) {
  put(attribute, htonl(value));
}

void NetlinkBatch::put_bytes(std::uint16_t attribute, std::span<const std::byte> value) {
  assert(value.size() <= UINT16_MAX - sizeof(nlattr));
  const nlattr header{static_cast<std::uint16_t>(sizeof header + value.size()), attribute};
  append(as_bytes(header));
  append(value);
}

void NetlinkBatch::clear() {
  bytes_.clear();
  requests_.clear();
}

std::span<std::byte> NetlinkBatch::prepare(std::size_t first, std::size_t last, std::uint32_t sequence) {
  assert(first < last && last <= requests_.size());
  for (std::size_t i = first; i < last; ++i) {
    alter<nlmsghdr>(bytes_, requests_[i], [&](nlmsghdr& header) {
      header.nlmsg_seq = sequence + static_cast<std::uint32_t>(i - first);
      if (i + 1 == last) header.nlmsg_flags |= NLM_F_ACK;
    });
  }
  const std::size_t end = last == requests_.size() ? bytes_.size() : requests_[last];
  return std::span(bytes_).subspan(requests_[first], end - requests_[first]);
}

void NetlinkBatch::begin_request(std::uint16_t type, std::uint16_t flags, std::span<const std::byte> header) {
  requests_.push_back(bytes_.size());
  nlmsghdr own{};
  own.nlmsg_type = type;
  own.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  append(as_bytes(own));
  append(header);
}

std::size_t NetlinkBatch::begin_nest(std::uint16_t attribute) {
  const std::size_t begun = bytes_.size();
  append(as_bytes(nlattr{0, static_cast<std::uint16_t>(attribute | NLA_F_NESTED)}));
  return begun;
}

void NetlinkBatch::end_nest(std::size_t begun) {
  const std::size_t length = bytes_.size() - begun;
  assert(length <= UINT16_MAX);
  alter<nlattr>(bytes_, begun, [&](nlattr& header) { header.nla_len = static_cast<std::uint16_t>(length); });
}

void NetlinkBatch::append(std::span<const std::byte> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  alter<nlmsghdr>(bytes_, requests_.back(), [&](nlmsghdr& header) {
    header.nlmsg_len = static_cast<std::uint32_t>(bytes_.size() - requests_.back());
  });
}

}  // namespace multilink
