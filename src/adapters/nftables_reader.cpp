// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/nftables_reader.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <string_view>

#include "multilink/adapters/nftables_message.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr int kTries = 5;  // of a dump that somebody's change has interrupted
constexpr int kMostAttributes = 32;
using Attributes = std::array<nlattr*, kMostAttributes + 1>;

std::string_view bytes_of(const nlattr& attribute) {
  return {static_cast<const char*>(nla_data(&attribute)), static_cast<std::size_t>(nla_len(&attribute))};
}

std::string_view text_of(const nlattr* attribute) {
  if (attribute == nullptr) return {};
  const auto bytes = bytes_of(*attribute);
  return bytes.substr(0, bytes.find('\0'));
}

std::uint32_t number_of(const nlattr* attribute) {
  std::uint32_t wire = 0;
  if (attribute == nullptr || nla_len(attribute) < static_cast<int>(sizeof wire)) return 0;
  std::memcpy(&wire, nla_data(attribute), sizeof wire);
  return ntohl(wire);
}

bool parse(const nlmsghdr& message, Attributes& found) {
  return nlmsg_parse(const_cast<nlmsghdr*>(&message), sizeof(nfgenmsg), found.data(), kMostAttributes,
                     nullptr) == 0;
}

}  // namespace

/// The dumps of one moment, or of one that nobody changed.
struct NftablesReader::Parts {
  PresentFilter present;
  std::string image;
  bool has_elements = false;

  void take(const nlmsghdr& message) {
    Attributes found{};
    if (!parse(message, found) || text_of(found[NFTA_RULE_TABLE]) != kFilterTable) return;
    if (static_cast<const nfgenmsg*>(nlmsg_data(&message))->nfgen_family != NFPROTO_INET) return;
    switch (NFNL_MSG_TYPE(message.nlmsg_type)) {
      case NFT_MSG_NEWTABLE:
        present.exists = true;
        return note('t', found, {NFTA_TABLE_FLAGS, NFTA_TABLE_HANDLE});
      case NFT_MSG_NEWCHAIN:
        present.chains.emplace(text_of(found[NFTA_CHAIN_NAME]));
        return note('c', found,
                    {NFTA_CHAIN_NAME, NFTA_CHAIN_HANDLE, NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY, NFTA_CHAIN_TYPE,
                     NFTA_CHAIN_FLAGS});
      case NFT_MSG_NEWSET:
        if ((number_of(found[NFTA_SET_FLAGS]) & NFT_SET_ANONYMOUS) == 0) {
          present.sets.emplace(text_of(found[NFTA_SET_NAME]));
        }
        return note('s', found, {NFTA_SET_NAME, NFTA_SET_HANDLE, NFTA_SET_FLAGS, NFTA_SET_TIMEOUT});
      case NFT_MSG_NEWSETELEM:
        has_elements |=
            found[NFTA_SET_ELEM_LIST_ELEMENTS] != nullptr && nla_len(found[NFTA_SET_ELEM_LIST_ELEMENTS]) > 0;
        return;
      case NFT_MSG_NEWRULE:
        return note('r', found, {NFTA_RULE_CHAIN, NFTA_RULE_HANDLE, NFTA_RULE_EXPRESSIONS});
      case NFT_MSG_NEWOBJ:
        present.has_objects = true;
        return note('o', found, {NFTA_OBJ_NAME, NFTA_OBJ_TYPE, NFTA_OBJ_HANDLE});
      case NFT_MSG_NEWFLOWTABLE:
        present.has_objects = true;
        return note('f', found, {NFTA_FLOWTABLE_NAME, NFTA_FLOWTABLE_HANDLE});
      default:
        return;
    }
  }

 private:
  /// Anonymous sets have no elements here: nobody can change these.
  void note(char kind, const Attributes& found, std::initializer_list<int> which) {
    image += kind;
    for (const int attribute : which) {
      const nlattr* value = found.at(static_cast<std::size_t>(attribute));
      if (value == nullptr) continue;
      const auto bytes = bytes_of(*value);
      image += cat(attribute, ':', bytes.size(), ':');
      image += bytes;
    }
  }
};

Result<void> NftablesReader::dump(int type, Parts& parts, std::string_view set) {
  const Parts before = parts;
  for (int tries = 0; tries < kTries; ++tries) {
    auto done = socket_.dump(nftables_request(type, NLM_F_DUMP, set),
                             [&](const nlmsghdr& each) { parts.take(each); });
    // Some dumps say so when there is no such table.
    if (!done && done.error().code != ENOENT) return tl::unexpected<Error>(done.error());
    if (!done || *done) return {};
    parts = before;
  }
  return fail("nftables: the ruleset changes faster than it can be read", EAGAIN);
}

Result<std::uint32_t> NftablesReader::generation() {
  std::uint32_t number = 0;
  auto done = socket_.dump(nftables_request(NFT_MSG_GETGEN, 0), [&](const nlmsghdr& message) {
    Attributes found{};
    if (parse(message, found)) number = number_of(found[NFTA_GEN_ID]);
  });
  if (!done) return tl::unexpected<Error>(done.error());
  return number;
}

Result<PresentFilter> NftablesReader::present() {
  Parts parts;
  for (const int type :
       {NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETSET, NFT_MSG_GETOBJ, NFT_MSG_GETFLOWTABLE}) {
    if (auto done = dump(type, parts); !done) return tl::unexpected<Error>(done.error());
  }
  return std::move(parts.present);
}

Result<bool> NftablesReader::has_elements() {
  Parts parts;
  for (const auto set : {kDrilled, kOrphaned, kEvicted4, kEvicted6}) {  // the small ones first
    if (auto done = dump(NFT_MSG_GETSETELEM, parts, set); !done) return tl::unexpected<Error>(done.error());
    if (parts.has_elements) return true;
  }
  return false;
}

Result<std::string> NftablesReader::image() {
  Parts parts;
  for (const int type : {NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETSET, NFT_MSG_GETOBJ,
                         NFT_MSG_GETFLOWTABLE, NFT_MSG_GETRULE}) {
    if (auto done = dump(type, parts); !done) return tl::unexpected<Error>(done.error());
  }
  return std::move(parts.image);
}

}  // namespace multilink
