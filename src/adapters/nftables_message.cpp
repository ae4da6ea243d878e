// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/nftables_message.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace multilink {
namespace {

constexpr std::string_view kNatTable = "multilink_nat";
constexpr std::string_view kHoldChain = "hold";
constexpr std::int32_t kNatPriority = 300;  // after those of others; it decides nothing

constexpr std::size_t kTuplesAMessage = 1000;
constexpr std::size_t kRoomForRequest = 256;
constexpr std::size_t kRoomForTuple = 64;  // of IPv6: a key of 40 bytes in three nested attributes

NetlinkMessage make_message(int type, int flags, std::uint8_t family, std::uint16_t resource,
                            std::size_t room) {
  NetlinkMessage message(nlmsg_alloc_size(room));
  if (!message) throw std::bad_alloc();
  nlmsg_put(message.get(), NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, flags);
  nfgenmsg header{};
  header.nfgen_family = family;
  header.version = NFNETLINK_V0;
  header.res_id = htons(resource);
  const int fits = nlmsg_append(message.get(), &header, sizeof header, NLMSG_ALIGNTO);
  assert(fits == 0);
  return message;
}

NetlinkMessage make_table_message(int type, int flags, std::size_t room) {
  return make_message((NFNL_SUBSYS_NFTABLES << 8) | type, flags, NFPROTO_INET, 0, room);
}

void put_text(nl_msg& message, int attribute, std::string_view text) {
  const int fits = nla_put_string(&message, attribute, std::string(text).c_str());
  assert(fits == 0);
}

void put_number(nl_msg& message, int attribute, std::uint32_t number) {
  const int fits = nla_put_u32(&message, attribute, htonl(number));
  assert(fits == 0);
}

/// The transaction of these changes.
std::vector<NetlinkMessage> transaction(std::vector<NetlinkMessage> changes) {
  const auto bound = [](int type) {
    return make_message(type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, kRoomForRequest);
  };
  changes.insert(changes.begin(), bound(NFNL_MSG_BATCH_BEGIN));
  changes.push_back(bound(NFNL_MSG_BATCH_END));
  return changes;
}

/// The parts of a concatenated key each begin at a multiple of 4.
class Key {
 public:
  void put(const IpAddress& address) { append(address.bytes().data(), address.size()); }
  void put(std::uint16_t port) {
    const std::uint16_t wire = htons(port);
    append(&wire, sizeof wire);
    size_ += 4 - sizeof wire;
  }
  const void* data() const { return bytes_.data(); }
  int size() const { return static_cast<int>(size_); }

 private:
  void append(const void* data, std::size_t size) {
    std::memcpy(bytes_.data() + size_, data, size);
    size_ += size;
  }

  std::array<std::uint8_t, 40> bytes_{};
  std::size_t size_ = 0;
};

void put_tuple(nl_msg& message, const TcpTuple& tuple) {
  Key bytes;
  bytes.put(tuple.source);
  bytes.put(tuple.source_port);
  bytes.put(tuple.destination);
  bytes.put(tuple.destination_port);
  nlattr* element = nla_nest_start(&message, NFTA_LIST_ELEM);
  nlattr* key = nla_nest_start(&message, NFTA_SET_ELEM_KEY);
  const int fits = nla_put(&message, NFTA_DATA_VALUE, bytes.size(), bytes.data());
  assert(fits == 0);
  nla_nest_end(&message, key);
  nla_nest_end(&message, element);
}

NetlinkMessage add_elements(std::span<const TcpTuple> tuples) {
  const bool v4 = tuples.front().source.family() == Family::v4;
  auto message = make_table_message(NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_ACK,
                                    kRoomForRequest + tuples.size() * kRoomForTuple);
  put_text(*message, NFTA_SET_ELEM_LIST_TABLE, kFilterTable);
  put_text(*message, NFTA_SET_ELEM_LIST_SET, v4 ? kEvicted4 : kEvicted6);
  nlattr* list = nla_nest_start(message.get(), NFTA_SET_ELEM_LIST_ELEMENTS);
  for (const auto& tuple : tuples) {
    assert((tuple.source.family() == Family::v4) == v4 && (tuple.destination.family() == Family::v4) == v4);
    put_tuple(*message, tuple);
  }
  const int fits = nla_nest_end(message.get(), list);
  assert(fits == 0);
  return message;
}

}  // namespace

NetlinkMessage nftables_request(int type, int flags, std::string_view set) {
  auto message = make_table_message(type, flags, kRoomForRequest);
  // In all of these the first attribute is the name of the table; of a generation nothing is asked.
  if (type != NFT_MSG_GETGEN && type != NFT_MSG_GETTABLE) put_text(*message, NFTA_RULE_TABLE, kFilterTable);
  if (type == NFT_MSG_GETSETELEM) put_text(*message, NFTA_SET_ELEM_LIST_SET, set);
  return message;
}

std::vector<NetlinkMessage> add_tuples_request(std::span<const TcpTuple> tuples) {
  assert(!tuples.empty() && tuples.size() <= kMostTuplesATransaction);
  std::vector<NetlinkMessage> messages;
  while (!tuples.empty()) {
    const auto some = tuples.first(std::min(tuples.size(), kTuplesAMessage));
    messages.push_back(add_elements(some));
    tuples = tuples.subspan(some.size());
  }
  return transaction(std::move(messages));
}

std::vector<NetlinkMessage> hold_nat_request() {
  auto table = make_table_message(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK, kRoomForRequest);
  put_text(*table, NFTA_TABLE_NAME, kNatTable);
  put_number(*table, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
  auto chain = make_table_message(NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK, kRoomForRequest);
  put_text(*chain, NFTA_CHAIN_TABLE, kNatTable);
  put_text(*chain, NFTA_CHAIN_NAME, kHoldChain);
  nlattr* hook = nla_nest_start(chain.get(), NFTA_CHAIN_HOOK);
  put_number(*chain, NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
  put_number(*chain, NFTA_HOOK_PRIORITY, kNatPriority);
  nla_nest_end(chain.get(), hook);
  put_text(*chain, NFTA_CHAIN_TYPE, "nat");
  auto rule = make_table_message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_ACK, kRoomForRequest);
  put_text(*rule, NFTA_RULE_TABLE, kNatTable);
  put_text(*rule, NFTA_RULE_CHAIN, kHoldChain);
  nlattr* expressions = nla_nest_start(rule.get(), NFTA_RULE_EXPRESSIONS);
  nlattr* expression = nla_nest_start(rule.get(), NFTA_LIST_ELEM);
  put_text(*rule, NFTA_EXPR_NAME, "ct");
  nlattr* words = nla_nest_start(rule.get(), NFTA_EXPR_DATA);
  put_number(*rule, NFTA_CT_KEY, NFT_CT_STATE);
  put_number(*rule, NFTA_CT_DREG, NFT_REG_1);
  nla_nest_end(rule.get(), words);
  nla_nest_end(rule.get(), expression);
  nla_nest_end(rule.get(), expressions);
  std::vector<NetlinkMessage> changes;
  changes.push_back(std::move(table));
  changes.push_back(std::move(chain));
  changes.push_back(std::move(rule));
  return transaction(std::move(changes));
}

std::vector<NetlinkMessage> release_nat_request() {
  auto table = make_table_message(NFT_MSG_DELTABLE, NLM_F_ACK, kRoomForRequest);
  put_text(*table, NFTA_TABLE_NAME, kNatTable);
  std::vector<NetlinkMessage> changes;
  changes.push_back(std::move(table));
  return transaction(std::move(changes));
}

bool is_about_our_table(const nlmsghdr& message) {
  if (nlmsg_datalen(&message) < static_cast<int>(sizeof(nfgenmsg))) return false;
  if (static_cast<const nfgenmsg*>(nlmsg_data(&message))->nfgen_family != NFPROTO_INET) return false;
  const nlattr* name = nlmsg_find_attr(const_cast<nlmsghdr*>(&message), sizeof(nfgenmsg), NFTA_TABLE_NAME);
  if (name == nullptr) return false;
  const std::string_view bytes(static_cast<const char*>(nla_data(name)),
                               static_cast<std::size_t>(nla_len(name)));
  return bytes.substr(0, bytes.find('\0')) == kFilterTable;
}

}  // namespace multilink
