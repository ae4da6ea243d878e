// SPDX-License-Identifier: GPL-2.0-or-later
// What every Kernel promises about telling of changes, tried on the fake and on the adapter with a real
// kernel.
#include <gmock/gmock.h>

#include "contract/kernel_fixture.hpp"

namespace multilink {
namespace kernel_changes_contract_test {

class KernelChanges : public KernelFixture {
 protected:
  KernelChanges() {
    world_->kernel().watch([this](const KernelChange& change) {
      ++calls_;
      seen_.links |= change.links;
      seen_.addresses |= change.addresses;
      seen_.routes |= change.routes;
      seen_.rules |= change.rules;
      seen_.overrun |= change.overrun;
    });
    settle();
  }

  /// Forgets what was told of so far: waits until a rule added now has been told of, for they come in order.
  void settle() {
    marker_.priority = 30000;
    marker_.protocol = kForeign;
    marker_.table = kMainTable;
    ASSERT_TRUE(world_->kernel().apply(AddRule{marker_}));
    ASSERT_TRUE(world_->run_until([this] { return seen_.rules; }));
    seen_ = {};
    ASSERT_TRUE(world_->kernel().apply(DeleteRule{marker_}));
    ASSERT_TRUE(world_->run_until([this] { return seen_.rules; }));
    seen_ = {};
    calls_ = 0;
  }

  Rule marker_;
  KernelChange seen_;
  int calls_ = 0;
};

TEST_P(KernelChanges, CarrierLossAndReturn) {
  for (const bool on : {false, true}) {
    world_->set_carrier("e0", on);
    EXPECT_TRUE(world_->run_until([this] { return seen_.links; }));
    EXPECT_EQ(read().link_named("e0")->carrier, on);
    settle();
  }
}

TEST_P(KernelChanges, ADeviceThatComesAndGoes) {
  world_->add_link("e2");
  EXPECT_TRUE(world_->run_until([this] { return seen_.links; }));
  settle();
  world_->remove_link("e2");
  EXPECT_TRUE(world_->run_until([this] { return seen_.links; }));
}

TEST_P(KernelChanges, AnAddressThatComesAndGoes) {
  world_->add_address("e0", "198.18.0.2/24");
  EXPECT_TRUE(world_->run_until([this] { return seen_.addresses && seen_.routes; }));
  settle();
  world_->remove_address("e0", "198.18.0.2/24");
  EXPECT_TRUE(world_->run_until([this] { return seen_.addresses && seen_.routes; }));
}

TEST_P(KernelChanges, ARouteThatComesAndGoes) {
  const Route theirs = via(e0_, kGateway0, 0, kForeign);
  ASSERT_TRUE(world_->add_foreign(theirs, fakes::AddMode::add));
  EXPECT_TRUE(world_->run_until([this] { return seen_.routes; }));
  EXPECT_FALSE(seen_.links || seen_.addresses || seen_.rules || seen_.overrun);
  settle();
  ASSERT_TRUE(world_->remove_foreign(theirs));
  EXPECT_TRUE(world_->run_until([this] { return seen_.routes; }));
}

TEST_P(KernelChanges, ARuleThatComesAndGoes) {
  Rule rule;
  rule.priority = 1000;
  rule.protocol = kOurs;
  rule.table = kTable;
  apply(AddRule{rule});
  EXPECT_TRUE(world_->run_until([this] { return seen_.rules; }));
  EXPECT_FALSE(seen_.links || seen_.addresses || seen_.routes || seen_.overrun);
  seen_ = {};
  apply(DeleteRule{rule});
  EXPECT_TRUE(world_->run_until([this] { return seen_.rules; }));
}

TEST_P(KernelChanges, ManyAtOnceAreOneCall) {
  for (std::uint32_t metric = 1; metric <= 100; ++metric) apply(PrependRoute{via(e0_, kGateway0, metric)});
  EXPECT_TRUE(world_->run_until([this] { return seen_.routes; }));
  EXPECT_EQ(calls_, 1);
}

TEST_P(KernelChanges, NothingIsToldFromInsideACall) {
  apply(PrependRoute{via(e0_, kGateway0, 1)});
  read();
  EXPECT_EQ(calls_, 0);
  EXPECT_TRUE(world_->run_until([this] { return calls_ > 0; }));
}

TEST_P(KernelChanges, LostNotificationsSayOverrunAndLaterOnesComeAgain) {
  world_->lose_notifications();
  EXPECT_TRUE(world_->run_until([this] { return seen_.overrun; }));
  settle();
  apply(PrependRoute{via(e0_, kGateway0, 1)});
  EXPECT_TRUE(world_->run_until([this] { return seen_.routes; }));
  EXPECT_FALSE(seen_.overrun);
}

INSTANTIATE_TEST_SUITE_P(, KernelChanges, both_kernel_worlds(), world_name);

}  // namespace kernel_changes_contract_test
}  // namespace multilink
