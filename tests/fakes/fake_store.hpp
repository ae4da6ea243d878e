// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fakes/fake_redis.hpp"
#include "fakes/fake_scheduler.hpp"
#include "multilink/ports/store.hpp"

namespace multilink::fakes {

/// The Store of one daemon, connected to a FakeRedis: same promises, same order of callbacks and the same
/// times as RedisStore, in virtual time.
class FakeStore final : public Store, private FakeRedis::Client {
 public:
  FakeStore(FakeScheduler& scheduler, FakeRedis& redis);
  FakeStore(const FakeStore&) = delete;
  FakeStore& operator=(const FakeStore&) = delete;
  ~FakeStore() override;

  void start(std::vector<std::string> channels, Events events) override;
  bool is_ready() const override { return ready_; }
  void run(std::vector<Command> commands, Done done) override;

  /// The connection breaks (this store's alone); it reconnects by itself.
  void lose_connection();

 private:
  struct Batch {
    std::vector<Command> commands;
    Done done;
  };

  bool is_subscribed(const std::string& channel) const override;
  void deliver(const std::string& channel, const std::string& payload) override;
  void server_stopped() override;
  void server_froze() override;
  void server_thawed() override;

  void connect();
  void lose(const std::string& reason);
  void serve();
  std::vector<Reply> execute(const std::vector<Command>& commands);

  FakeScheduler& scheduler_;
  FakeRedis& redis_;
  std::vector<std::string> channels_;
  Events events_;
  bool ready_ = false;
  std::vector<Batch> sent_;                    // not yet answered
  std::vector<std::vector<Command>> orphans_;  // in a frozen server's buffers, their sender gone
  std::unique_ptr<Timer> retry_;
  std::unique_ptr<Timer> deadline_;
  std::shared_ptr<int> life_ = std::make_shared<int>();
  std::shared_ptr<int> connection_;  // a new one for each connection; posted work asks whether it still lives
};

}  // namespace multilink::fakes
