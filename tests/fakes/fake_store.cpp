// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/fake_store.hpp"

#include <algorithm>
#include <cassert>

namespace multilink::fakes {
namespace {

using std::chrono::milliseconds;
constexpr Duration kRetry = milliseconds(100);
constexpr Duration kDeadline = milliseconds(500);       // for an answer
constexpr Duration kIdleDeadline = milliseconds(1500);  // until an idle connection's PING goes unanswered
constexpr const char* kAborted = "EXECABORT Transaction discarded because of previous errors.";

}  // namespace

FakeStore::FakeStore(FakeScheduler& scheduler, FakeRedis& redis) : scheduler_(scheduler), redis_(redis) {
  redis_.add(*this);
}

FakeStore::~FakeStore() {
  redis_.remove(*this);
}

void FakeStore::start(std::vector<std::string> channels, Events events) {
  channels_ = std::move(channels);
  events_ = std::move(events);
  retry_ = scheduler_.after(Duration::zero(), [this] { connect(); });
}

void FakeStore::connect() {
  if (!redis_.is_answering()) {
    retry_ = scheduler_.after(kRetry, [this] { connect(); });
    return;
  }
  connection_ = std::make_shared<int>();
  ready_ = true;
  if (events_.on_ready) events_.on_ready();
}

void FakeStore::run(std::vector<Command> commands, Done done) {
  if (!ready_) {
    scheduler_.post([done = std::move(done), alive = std::weak_ptr(life_)] {
      if (done && !alive.expired()) done(fail("Redis: not connected"));
    });
    return;
  }
  sent_.push_back({std::move(commands), std::move(done)});
  if (!redis_.is_answering()) {
    if (sent_.size() == 1)
      deadline_ = scheduler_.after(kDeadline, [this] { lose("Redis: no answer in time"); });
    return;
  }
  scheduler_.post([this, alive = std::weak_ptr(connection_)] {
    if (!alive.expired()) serve();
  });
}

void FakeStore::serve() {
  if (sent_.empty() || !redis_.is_answering()) return;
  const auto batch = std::move(sent_.front());
  sent_.erase(sent_.begin());
  auto replies = execute(batch.commands);
  if (batch.done) batch.done(std::move(replies));
}

/// One batch; a transaction ends in the batch in which it began.
std::vector<Reply> FakeStore::execute(const std::vector<Command>& commands) {
  std::vector<Reply> replies;
  std::optional<std::vector<Command>> queue;
  bool is_spoilt = false;
  for (const auto& command : commands) {
    if (command.at(0) == "MULTI") {
      assert(!queue);
      queue.emplace();
      is_spoilt = false;
      replies.push_back({std::string("OK")});
    } else if (command[0] == "EXEC") {
      Reply::Array results;
      for (const auto& queued : queue.value()) {
        if (!is_spoilt) results.push_back(redis_.execute(queued));
      }
      queue.reset();
      replies.push_back(is_spoilt ? Reply{Reply::Failure{kAborted}} : Reply{std::move(results)});
    } else if (!queue) {
      replies.push_back(redis_.execute(command));
    } else if (auto no = redis_.refusal(command, true)) {
      is_spoilt = true;
      replies.push_back(*no);
    } else {
      queue->push_back(command);
      replies.push_back({std::string("QUEUED")});
    }
  }
  assert(!queue);
  return replies;
}

bool FakeStore::is_subscribed(const std::string& channel) const {
  return ready_ && std::find(channels_.begin(), channels_.end(), channel) != channels_.end();
}

void FakeStore::deliver(const std::string& channel, const std::string& payload) {
  scheduler_.post([this, channel, payload, alive = std::weak_ptr(connection_)] {
    if (!alive.expired() && events_.on_message) events_.on_message(channel, payload);
  });
}

void FakeStore::lose(const std::string& reason) {
  if (!ready_) return;
  ready_ = false;
  connection_ = nullptr;
  deadline_ = nullptr;
  const bool frozen = redis_.is_running() && !redis_.is_answering();
  retry_ = scheduler_.after(kRetry, [this] { connect(); });
  for (auto& batch : std::exchange(sent_, {})) {
    if (frozen) orphans_.push_back(batch.commands);
    if (batch.done) batch.done(fail(reason));
  }
  if (events_.on_lost) events_.on_lost(Error{reason});
}

void FakeStore::lose_connection() {
  scheduler_.post([this, alive = std::weak_ptr(connection_)] {
    if (!alive.expired()) lose("Redis: connection lost");
  });
}

void FakeStore::server_stopped() {
  orphans_.clear();
  lose_connection();
}

void FakeStore::server_froze() {
  if (!ready_) return;
  deadline_ = scheduler_.after(sent_.empty() ? kIdleDeadline : kDeadline,
                               [this] { lose("Redis: no answer in time"); });
}

void FakeStore::server_thawed() {
  deadline_ = nullptr;
  for (const auto& commands : std::exchange(orphans_, {})) {
    execute(commands);
  }
  for (std::size_t i = 0; i < sent_.size(); ++i) {
    scheduler_.post([this, alive = std::weak_ptr(connection_)] {
      if (!alive.expired()) serve();
    });
  }
}

}  // namespace multilink::fakes
