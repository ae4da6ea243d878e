// SPDX-License-Identifier: GPL-2.0-or-later
#include "contract/store_worlds.hpp"

#include <utility>
//
#include <boost/asio/io_context.hpp>

#include "fakes/fake_log.hpp"
#include "fakes/fake_redis.hpp"
#include "fakes/fake_scheduler.hpp"
#include "fakes/fake_store.hpp"
#include "fakes/real_redis.hpp"
#include "multilink/adapters/redis_store.hpp"

namespace multilink {
namespace {

using std::chrono::milliseconds;

class FakeWorld final : public StoreWorld {
 public:
  Scheduler& scheduler() override { return scheduler_; }
  std::unique_ptr<Store> make_store() override {
    return std::make_unique<fakes::FakeStore>(scheduler_, redis_);
  }
  bool run_until(const std::function<bool()>& reached, Duration most) override {
    const auto end = scheduler_.now().mono + most;
    while (!reached() && scheduler_.now().mono < end) scheduler_.advance(milliseconds(5));
    return reached();
  }
  Reply execute(const Store::Command& command) override { return redis_.execute(command); }
  void kill_server() override {
    redis_.stop();
    redis_.lose_data();
  }
  void start_server() override { redis_.start(); }
  void freeze_server() override { redis_.freeze(); }
  void thaw_server() override { redis_.thaw(); }

 private:
  fakes::FakeScheduler scheduler_;
  fakes::FakeRedis redis_{scheduler_};
};

class RealWorld final : public StoreWorld {
 public:
  Scheduler& scheduler() override { return loop_; }
  std::unique_ptr<Store> make_store() override {
    return std::make_unique<RedisStore>(loop_, log_, redis_.address(), std::nullopt);
  }
  bool run_until(const std::function<bool()>& reached, Duration most) override {
    const auto end = loop_.now().mono + most;
    while (!reached() && loop_.now().mono < end) loop_.context().run_one_for(milliseconds(50));
    return reached();
  }
  Reply execute(const Store::Command& command) override { return redis_.execute(command); }
  void kill_server() override { redis_.kill(); }
  void start_server() override { redis_.start(); }
  void freeze_server() override { redis_.freeze(); }
  void thaw_server() override { redis_.thaw(); }

 private:
  EventLoop loop_;
  fakes::FakeLog log_;
  fakes::RealRedis redis_;
};

}  // namespace

std::unique_ptr<StoreWorld> make_fake_world() {
  return std::make_unique<FakeWorld>();
}

std::unique_ptr<StoreWorld> make_real_world() {
  return std::make_unique<RealWorld>();
}

}  // namespace multilink
