// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "fakes/fake_scheduler.hpp"
#include "multilink/ports/store.hpp"

namespace multilink::fakes {

/// A Redis in memory, behind any number of FakeStores: the commands that multilink uses, with Redis' own
/// replies and error messages, time to live by the scheduler's clock, and its failures at will.
class FakeRedis {
 public:
  /// A connection's end at the server.
  class Client {
   public:
    virtual ~Client() = default;
    virtual bool is_subscribed(const std::string& channel) const = 0;
    virtual void deliver(const std::string& channel, const std::string& payload) = 0;
    virtual void server_stopped() = 0;
    virtual void server_froze() = 0;
    virtual void server_thawed() = 0;
  };

  explicit FakeRedis(FakeScheduler& scheduler) : scheduler_(scheduler) {}

  /// Runs one command, whoever asks: a store, or a test that reads or spoils a key.
  Reply execute(const Store::Command& command);
  /// What Redis says before it looks at any key, if that is no: also to a command it is to queue.
  std::optional<Reply> refusal(const Store::Command& command, bool queued = false) const;

  void stop();                                    ///< as if killed; the data wait for start()
  void start() { running_ = true; }               ///< stores find it again by their own retries
  void lose_data();                               ///< as a restart without persistence does
  void freeze();                                  ///< accepts connections and answers nothing
  void thaw();                                    ///< goes on, also with what it was sent meanwhile
  void refuse_writes(bool on) { full_ = on; }     ///< OOM, as at maxmemory with noeviction
  void lose_hints(bool on) { lose_hints_ = on; }  ///< PUBLISH reaches nobody
  bool is_answering() const { return running_ && !frozen_; }
  bool is_running() const { return running_; }

  void add(Client& client) { clients_.insert(&client); }
  void remove(Client& client) { clients_.erase(&client); }

 private:
  using Command = Store::Command;
  using Hash = std::map<std::string, std::string>;
  struct SortedSet {
    std::map<std::string, double> scores;
    std::set<std::pair<double, std::string>> order;
  };
  using EntryId = std::pair<std::uint64_t, std::uint64_t>;
  struct Stream {
    std::deque<std::pair<EntryId, std::vector<std::string>>> entries;
    EntryId last{};
  };
  using Value = std::variant<std::string, Hash, SortedSet, Stream>;
  struct Entry {
    Value value;
    std::optional<MonoTime> expires;
  };
  struct CommandSpec {
    Reply (FakeRedis::*run)(const Command&);
    std::size_t least;  // words, the command's own included
    std::size_t most;
    bool needs_memory;
  };
  static const std::map<std::string, CommandSpec>& commands();

  Entry* find(const std::string& key);  // null when absent or expired
  template <class T>
  T* get(const std::string& key);  // null when absent; throws Reply::Failure on another type
  template <class T>
  T& get_or_create(const std::string& key);
  void drop_if_empty(const std::string& key);
  void trim(Stream& stream, std::size_t most);
  Reply expire_in(const std::string& key, std::int64_t amount, Duration unit);
  Reply entries(const Command& command, bool reverse);

  Reply ping(const Command&);
  Reply set(const Command& command);
  Reply get_string(const Command& command);
  Reply setrange(const Command& command);
  Reply getrange(const Command& command);
  Reply del(const Command& command);
  Reply hset(const Command& command);
  Reply hgetall(const Command& command);
  Reply hdel(const Command& command);
  Reply zadd(const Command& command);
  Reply zrem(const Command& command);
  Reply zcard(const Command& command);
  Reply zrange(const Command& command);
  Reply zrangebyscore(const Command& command);
  Reply zremrangebyscore(const Command& command);
  Reply zremrangebyrank(const Command& command);
  Reply expire(const Command& command);
  Reply pexpire(const Command& command);
  Reply pttl(const Command& command);
  Reply publish(const Command& command);
  Reply xadd(const Command& command);
  Reply xdel(const Command& command);
  Reply xrange(const Command& command);
  Reply xrevrange(const Command& command);

  FakeScheduler& scheduler_;
  std::map<std::string, Entry> data_;
  std::set<Client*> clients_;
  bool running_ = true;
  bool frozen_ = false;
  bool full_ = false;
  bool lose_hints_ = false;
};

}  // namespace multilink::fakes
