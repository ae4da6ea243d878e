// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/nftables_events.hpp"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <utility>

#include "multilink/adapters/netlink_listener.hpp"
#include "multilink/adapters/nftables_message.hpp"

namespace multilink {
namespace {

/// Then the rest of the daemon gets its turn, whatever the kernel still has to tell.
constexpr int kMostReadsATurn = 65536;

}  // namespace

struct NftablesEvents::Impl {
  explicit Impl(EventLoop& loop)
      : listener(loop, "nftables", NETLINK_NETFILTER, {NFNLGRP_NFTABLES},
                 [this](const nlmsghdr& message) { take_message(message); }) {}

  void take_message(const nlmsghdr& message) {
    if (NFNL_MSG_TYPE(message.nlmsg_type) == NFT_MSG_NEWGEN) {
      seen.transactions += touched ? 1 : 0;
      touched = false;
    } else {
      touched |= is_about_our_table(message);
    }
  }

  Seen take() {
    seen.overrun |= !listener.read(kMostReadsATurn);
    return std::exchange(seen, {});
  }

  Seen seen;             ///< since the last take()
  bool touched = false;  ///< by the transaction whose end has not come yet
  NetlinkListener listener;
};

NftablesEvents::NftablesEvents(EventLoop& loop) : impl_(std::make_unique<Impl>(loop)) {}

NftablesEvents::~NftablesEvents() = default;

NftablesEvents::Seen NftablesEvents::take() {
  return impl_->take();
}

void NftablesEvents::watch(std::function<void()> on_change) {
  impl_->listener.watch([impl = impl_.get(), on_change = std::move(on_change)] {
    const auto news = impl->take();
    if (news.transactions > 0 || news.overrun) on_change();
  });
}

}  // namespace multilink
