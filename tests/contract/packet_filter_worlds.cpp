// SPDX-License-Identifier: GPL-2.0-or-later
#include "contract/packet_filter_worlds.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "contract/network_namespace.hpp"
#include "fakes/fake_packet_filter.hpp"
#include "fakes/fake_scheduler.hpp"
#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/nftables_filter.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

class FakeWorld final : public PacketFilterWorld {
 public:
  PacketFilter& filter() override { return filter_; }
  bool run_until(const std::function<bool()>& reached) override {
    scheduler_.settle();
    for (int turn = 0; turn < 100 && !reached(); ++turn) scheduler_.advance(std::chrono::milliseconds(100));
    return reached();
  }
  void settle() override { scheduler_.settle(); }

  bool has_table() override { return filter_.table().has_value(); }
  std::size_t resets() override { return filter_.resets(); }
  bool is_drilled(const std::string& device) override { return filter_.is_drilled(device); }
  bool resets_orphans(Family family) override { return filter_.resets_orphans(family); }
  void flush_ruleset() override { filter_.lose_table(); }
  void empty_a_chain() override { filter_.spoil(); }
  void change_a_policy() override { filter_.spoil(); }
  void add_a_chain() override { filter_.spoil(); }
  void touch_another_table() override {}
  void lose_notifications() override { filter_.lose_notifications(); }

 private:
  fakes::FakeScheduler scheduler_;
  fakes::FakePacketFilter filter_{scheduler_};
};

class RealWorld final : public PacketFilterWorld {
 public:
  PacketFilter& filter() override { return filter_; }

  bool run_until(const std::function<bool()>& reached) override {
    const MonoTime deadline = loop_.now().mono + std::chrono::seconds(10);
    while (!reached() && loop_.now().mono < deadline) run_for(std::chrono::milliseconds(1));
    return reached();
  }
  /// The kernel puts a notification into our socket before the change returns: a turn of the loop is enough.
  void settle() override { run_for(std::chrono::milliseconds(20)); }

  bool has_table() override { return nft("list tables").find("inet multilink") != std::string::npos; }
  std::size_t resets() override {
    std::size_t count = 0;
    for (const auto* set : {"evicted4", "evicted6"}) {
      const auto text = nft(cat("list set inet multilink ", set));
      for (auto at = text.find(" expires "); at != std::string::npos; at = text.find(" expires ", at + 1))
        ++count;
    }
    return count;
  }
  bool is_drilled(const std::string& device) override {
    return nft("list set inet multilink drilled").find(cat('"', device, '"')) != std::string::npos;
  }
  bool resets_orphans(Family family) override {
    return nft("list set inet multilink orphaned")
               .find(family == Family::v4 ? "ipv4 timeout" : "ipv6 timeout") != std::string::npos;
  }
  void flush_ruleset() override { nft("flush ruleset"); }
  void empty_a_chain() override { nft("flush chain inet multilink output"); }
  void change_a_policy() override { nft("add chain inet multilink forward { policy drop; }"); }
  void add_a_chain() override {
    nft("add chain inet multilink intruder { type filter hook forward priority 0; policy drop; }");
  }
  void touch_another_table() override {
    nft("add table inet theirs; add chain inet theirs multilink; add rule inet theirs multilink accept; "
        "add table ip multilink");
  }
  void lose_notifications() override {
    std::string rules = "flush chain inet theirs many; ";
    for (int i = 0; i < 1000; ++i)
      rules += "add rule inet theirs many ip saddr 192.0.2.1 tcp dport 1 accept; ";
    nft("add table inet theirs; add chain inet theirs many");
    for (int i = 0; i < 16; ++i) nft(rules);
  }

 private:
  void run_for(Duration span) {
    const auto turn = loop_.after(span, [this] { loop_.stop(); });
    loop_.run();
  }

  NetworkNamespace namespace_;
  EventLoop loop_;
  NftablesFilter filter_{loop_};
};

}  // namespace

std::unique_ptr<PacketFilterWorld> make_fake_packet_filter_world() {
  return std::make_unique<FakeWorld>();
}

std::unique_ptr<PacketFilterWorld> make_real_packet_filter_world() {
  return std::make_unique<RealWorld>();
}

}  // namespace multilink
