// SPDX-License-Identifier: GPL-2.0-or-later
// notifyd on fakes, in virtual time.
#include "multilink/services/notify_service.hpp"

#include <gmock/gmock.h>

#include "fakes/fake_log.hpp"
#include "fakes/fake_redis.hpp"
#include "fakes/fake_scheduler.hpp"
#include "fakes/fake_store.hpp"
#include "fakes/fake_supervisor.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {
namespace notify_service_test {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// What a receiver does with an alert, and what it got.
struct Mailbox {
  std::vector<std::string> taken;  ///< subjects
  std::vector<std::string> ids;
  unsigned attempts = 0;
  bool refuses = false;
  Duration delay = std::chrono::milliseconds(10);
};

class FakeNotifier final : public Notifier {
 public:
  FakeNotifier(Scheduler& scheduler, Mailbox& box) : scheduler_(scheduler), box_(box) {}
  void deliver(const Notification& notification, Done done) override {
    ++box_.attempts;
    timer_ = scheduler_.after(box_.delay, [this, notification, done = std::move(done)] {
      if (box_.refuses) return done(fail("no such host"));
      box_.taken.push_back(notification.subject);
      box_.ids.push_back(notification.id);
      done({});
    });
  }

 private:
  Scheduler& scheduler_;
  Mailbox& box_;
  std::unique_ptr<Timer> timer_;
};

class NotifyServiceTest : public testing::Test {
 protected:
  NotifyServiceTest() { config_.notify.webhook = "http://example.org"; }

  NotifierFactory factory() {
    const auto make = [this](Mailbox& box) { return std::make_unique<FakeNotifier>(scheduler_, box); };
    return {[this, make](const std::string&) { return make(command_); },
            [this, make](const std::string&) { return make(webhook_); },
            [this, make](const std::vector<std::string>&) { return make(mail_); }};
  }
  void start() {
    store_ = std::make_unique<fakes::FakeStore>(scheduler_, redis_);
    service_ = std::make_unique<NotifyService>(NotifyService::Parts{scheduler_, *store_, supervisor_, log_},
                                               factory(), config_, DaemonRecord{1, "1", {}, {}});
    service_->start();
    scheduler_.advance(seconds(2));
  }
  void restart() {
    service_.reset();
    store_.reset();
    start();
  }
  void happens(const std::string& to, const std::string& from = "up", const std::string& kind = "health") {
    EventRecord event;
    event.id = EventRecord::make_id("0123abcd", scheduler_.now().mono);
    event.at = scheduler_.now().wall;
    event.source = kind == "route" ? "routed" : "healthd";
    event.kind = kind;
    event.uplink = kind == "route" ? to : "fibre";
    event.family = Family::v4;
    event.from = from;
    event.to = to;
    event.reason = "no carrier";
    redis_.execute(event_write(keys_, event));
  }

  fakes::FakeScheduler scheduler_;
  fakes::FakeRedis redis_{scheduler_};
  fakes::FakeSupervisor supervisor_;
  fakes::FakeLog log_;
  RedisKeys keys_{"local"};
  Config config_;
  Mailbox command_;
  Mailbox webhook_;
  Mailbox mail_;
  std::unique_ptr<fakes::FakeStore> store_;
  std::unique_ptr<NotifyService> service_;
};

TEST_F(NotifyServiceTest, TellsOnceAndInOrderWhatHappens) {
  start();
  happens("down");
  happens("lte", "fibre", "route");
  scheduler_.advance(seconds(2));
  ASSERT_THAT(webhook_.taken, ElementsAre("multilink local: fibre is down (IPv4)",
                                          "multilink local: traffic goes by lte (IPv4), no longer by fibre"));
  scheduler_.advance(minutes(10));
  EXPECT_EQ(webhook_.attempts, 2U);
  EXPECT_NE(webhook_.ids[0], webhook_.ids[1]);
  EXPECT_THAT(mail_.taken, IsEmpty());
}

TEST_F(NotifyServiceTest, AHintIsFasterThanTheSweep) {
  start();
  scheduler_.advance(std::chrono::milliseconds(100));
  happens("down");
  redis_.execute({"PUBLISH", keys_.status_channel(), "fibre"});
  scheduler_.advance(std::chrono::milliseconds(50));
  EXPECT_EQ(webhook_.taken.size(), 1U);
}

TEST_F(NotifyServiceTest, TellsNothingOfWhatWasBeforeItsFirstStart) {
  happens("down");
  start();
  EXPECT_THAT(webhook_.taken, IsEmpty());
  happens("up", "down");
  scheduler_.advance(seconds(2));
  EXPECT_EQ(webhook_.taken.size(), 1U);
}

TEST_F(NotifyServiceTest, AStartAndOtherKindsAreNoAlerts) {
  start();
  happens("up", "unknown");
  happens("unknown", "up");
  happens("suspect");
  happens("x", "y", "link");
  scheduler_.advance(seconds(3));
  EXPECT_THAT(webhook_.taken, IsEmpty());
  config_.notify.on = {NotifyOn::suspect};
  service_->reload(config_);
  happens("suspect");
  happens("down");
  scheduler_.advance(seconds(3));
  EXPECT_EQ(webhook_.taken.size(), 1U);
}

TEST_F(NotifyServiceTest, ARestartNeitherRepeatsNorLeavesOut) {
  start();
  happens("down");
  scheduler_.advance(seconds(2));
  ASSERT_EQ(webhook_.taken.size(), 1U);
  service_.reset();
  store_.reset();
  happens("up", "down");
  start();
  EXPECT_EQ(webhook_.taken.size(), 2U);
  restart();
  EXPECT_EQ(webhook_.taken.size(), 2U);
}

TEST_F(NotifyServiceTest, AReceiverThatRefusesIsTriedAgainAndHoldsUpNoOther) {
  config_.notify.mail = {"a@example.org"};
  webhook_.refuses = true;
  start();
  happens("down");
  happens("up", "down");
  scheduler_.advance(minutes(2));
  EXPECT_EQ(mail_.taken.size(), 2U);
  EXPECT_GE(webhook_.attempts, 5U);
  EXPECT_LE(webhook_.attempts, 10U);
  EXPECT_EQ(log_.count("notify webhook: no such host", LogLevel::warning), 1U);
  webhook_.refuses = false;
  scheduler_.advance(minutes(5));
  EXPECT_THAT(webhook_.taken, ElementsAre(HasSubstr("fibre is down"), HasSubstr("fibre is up")));
}

TEST_F(NotifyServiceTest, WhatNobodyTakesForADayIsGivenUp) {
  webhook_.refuses = true;
  start();
  happens("down");
  scheduler_.advance(hours(25));
  const auto attempts = webhook_.attempts;
  scheduler_.advance(hours(1));
  EXPECT_EQ(webhook_.attempts, attempts);
  webhook_.refuses = false;
  happens("up", "down");
  scheduler_.advance(minutes(6));
  EXPECT_THAT(webhook_.taken, ElementsAre(HasSubstr("fibre is up")));
}

TEST_F(NotifyServiceTest, GoesOnWhereItWasWhenRedisIsBack) {
  start();
  webhook_.delay = seconds(5);
  happens("down");
  scheduler_.advance(seconds(2));
  redis_.stop();
  scheduler_.advance(seconds(10));
  EXPECT_EQ(webhook_.taken.size(), 1U);
  redis_.start();
  scheduler_.advance(seconds(10));
  happens("up", "down");
  scheduler_.advance(seconds(10));
  restart();
  scheduler_.advance(seconds(10));
  EXPECT_THAT(webhook_.taken, ElementsAre(HasSubstr("fibre is down"), HasSubstr("fibre is up")));
}

TEST_F(NotifyServiceTest, GarbageInRedisNeitherStopsItNorIsTold) {
  redis_.execute({"SET", keys_.notified("webhook"), "garbage"});
  start();
  redis_.execute({"XADD", keys_.events(), "*", "id", "x"});
  happens("down");
  scheduler_.advance(seconds(3));
  EXPECT_EQ(webhook_.taken.size(), 1U);
  redis_.execute({"DEL", keys_.events()});
  redis_.execute({"SET", keys_.events(), "garbage"});
  scheduler_.advance(seconds(3));
  redis_.execute({"DEL", keys_.events()});
  happens("up", "down");
  scheduler_.advance(seconds(3));
  EXPECT_EQ(webhook_.taken.size(), 2U);
}

}  // namespace notify_service_test
}  // namespace multilink
