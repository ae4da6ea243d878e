// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/redis_store.hpp"

#include <csignal>
#include <random>
#include <utility>
//
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "multilink/adapters/redis_connection.hpp"
#include "multilink/core/backoff.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

using boost::asio::ip::tcp;
using std::chrono::milliseconds;

constexpr Duration kFirstRetry = milliseconds(10);
constexpr Duration kLastRetry = milliseconds(250);
constexpr Duration kHeartbeat = std::chrono::seconds(1);

/// Whether Redis refuses the user rather than the moment: waiting does not help.
bool is_refusal(std::string_view message) {
  for (const std::string_view code : {"WRONGPASS", "NOPERM", "NOAUTH", "ERR AUTH", "ERR DB index"}) {
    if (message.starts_with(code)) return true;
  }
  return false;
}

const Reply::Failure* first_failure(const std::vector<Reply>& replies) {
  for (const auto& reply : replies) {
    if (const auto* failure = std::get_if<Reply::Failure>(&reply.value)) return failure;
  }
  return nullptr;
}

}  // namespace

struct RedisStore::Impl {
  Impl(EventLoop& event_loop, Log& where, RedisAddress redis, std::optional<RedisLogin> user,
       Duration starting)
      : loop(event_loop),
        log(where),
        address(std::move(redis)),
        login(std::move(user)),
        is_for_good(starting > Duration{}),
        started(event_loop.now().mono + starting) {}

  void connect();
  void resolve();
  void open(const RedisAddress& literal);
  std::unique_ptr<RedisConnection> make_connection(const RedisAddress& literal);
  std::vector<Command> greeting() const;
  void log_in(RedisConnection& connection, std::function<void()> then);
  void one_is_ready();
  void beat();
  void lose(const Error& error);
  void complain(const Error& reason, bool refused);
  bool is_still_starting() const;
  void answer(Done done, Result<std::vector<Reply>> result);

  EventLoop& loop;
  Log& log;
  const RedisAddress address;
  const std::optional<RedisLogin> login;
  std::vector<std::string> channels;
  Events events;

  std::unique_ptr<RedisConnection> commands;
  std::unique_ptr<RedisConnection> subscriptions;
  unsigned not_yet_ready = 0;  // connections
  bool ready = false;
  unsigned failures = 0;  // attempts in a row
  std::unique_ptr<Timer> retry;
  std::unique_ptr<Timer> heartbeat;
  const bool is_for_good;
  const MonoTime started;
  bool was_ever_ready = false;
  bool told_of_loss = false;
  bool told_of_refusal = false;
  std::minstd_rand random{std::random_device{}()};
  std::shared_ptr<int> life = std::make_shared<int>();
};

void RedisStore::Impl::connect() {
  if (!address.unix_path.empty() || IpAddress::parse(address.host)) {
    open(address);
  } else {
    resolve();
  }
}

/// On a thread of asio's: with the resolver dead, as in an outage, the answer takes seconds.
void RedisStore::Impl::resolve() {
  auto resolver = std::make_shared<tcp::resolver>(loop.context());
  resolver->async_resolve(
      address.host, cat(address.port),
      [this, resolver, alive = std::weak_ptr(life)](const auto& error, const auto& found) {
        if (alive.expired()) return;
        if (error || found.empty()) {
          lose(Error{cat("cannot resolve ", address.host, ": ", error.message())});
          return;
        }
        // Each attempt takes the next of the addresses.
        const auto turn = failures % found.size();
        auto literal = address;
        literal.host =
            std::next(found.begin(), static_cast<std::ptrdiff_t>(turn))->endpoint().address().to_string();
        open(literal);
      });
}

std::unique_ptr<RedisConnection> RedisStore::Impl::make_connection(const RedisAddress& literal) {
  return std::make_unique<RedisConnection>(
      loop, literal,
      RedisConnection::Events{[this](const Error& error) { lose(error); },
                              [this](std::string_view channel, std::string_view payload) {
                                if (ready && events.on_message) events.on_message(channel, payload);
                              }});
}

void RedisStore::Impl::open(const RedisAddress& literal) {
  not_yet_ready = channels.empty() ? 1 : 2;
  commands = make_connection(literal);
  log_in(*commands, [this] { one_is_ready(); });
  if (channels.empty()) return;
  subscriptions = make_connection(literal);
  log_in(*subscriptions,
         [this] { subscriptions->subscribe(channels, [this](const auto&) { one_is_ready(); }); });
}

std::vector<Store::Command> RedisStore::Impl::greeting() const {
  std::vector<Command> out;
  if (login) out.push_back({"AUTH", login->user, login->password});
  if (address.database != 0) out.push_back({"SELECT", cat(address.database)});
  out.push_back({"PING"});  // refused without a login where one is needed, and while Redis is loading
  return out;
}

void RedisStore::Impl::log_in(RedisConnection& connection, std::function<void()> then) {
  connection.run(greeting(), [this, then = std::move(then)](const Result<std::vector<Reply>>& replies) {
    if (const auto* failure = first_failure(*replies)) {
      lose(Error{failure->message});
    } else {
      then();
    }
  });
}

void RedisStore::Impl::one_is_ready() {
  if (--not_yet_ready > 0) return;
  ready = true;
  was_ever_ready = true;
  told_of_loss = false;
  told_of_refusal = false;
  log.info(cat("Redis: connected to ", address.to_string()));
  heartbeat = loop.after(kHeartbeat, [this] { beat(); });
  if (events.on_ready) events.on_ready();
}

void RedisStore::Impl::beat() {
  failures = 0;  // only now: a server that takes us in to throw us out must not be met every 10 ms
  commands->check_alive();
  if (subscriptions) subscriptions->check_alive();
  heartbeat = loop.after(kHeartbeat, [this] { beat(); });
}

void RedisStore::Impl::lose(const Error& error) {
  const Error reason{cat("Redis at ", address.to_string(), ": ", printable(error.message, 200))};
  const bool was_ready = std::exchange(ready, false);
  heartbeat = nullptr;
  auto unanswered = commands ? commands->take_unanswered() : std::vector<Done>();
  commands = nullptr;
  subscriptions = nullptr;
  const double spread = static_cast<double>(random() - random.min()) / static_cast<double>(random.max());
  retry = loop.after(backoff(failures++, kFirstRetry, kLastRetry, spread), [this] { connect(); });
  complain(reason, is_refusal(error.message));
  if (!was_ready) return;  // the callbacks are our own
  for (const auto& done : unanswered) done(tl::unexpected<Error>(reason));
  if (events.on_lost) events.on_lost(reason);
}

bool RedisStore::Impl::is_still_starting() const {
  return !was_ever_ready && loop.now().mono < started;
}

void RedisStore::Impl::complain(const Error& reason, bool refused) {
  if (refused && !std::exchange(told_of_refusal, true)) {
    log.error(cat(
        reason.message,
        login ? "; compare the user and password in the credential file 'redis' with that user's line in the "
                "access control list of Redis (ACL LIST)"
              : "; it was started without a login, the credential 'redis': start it by its systemd unit"));
  } else if (!refused && !is_still_starting() && !std::exchange(told_of_loss, true)) {
    log.warning(cat(reason.message, is_for_good ? "; trying again until it answers" : ""));
  }
}

/// From the loop, since never from inside a call.
void RedisStore::Impl::answer(Done done, Result<std::vector<Reply>> result) {
  if (!done) return;
  loop.post([done = std::move(done), result = std::move(result), alive = std::weak_ptr(life)] {
    if (!alive.expired()) done(result);
  });
}

RedisStore::RedisStore(EventLoop& loop, Log& log, RedisAddress address, std::optional<RedisLogin> login,
                       Duration starting)
    : impl_(std::make_unique<Impl>(loop, log, std::move(address), std::move(login), starting)) {
  // hiredis writes without MSG_NOSIGNAL: a server that has gone must be an error, not the end.
  std::signal(SIGPIPE, SIG_IGN);
}

RedisStore::~RedisStore() = default;

void RedisStore::start(std::vector<std::string> channels, Events events) {
  impl_->channels = std::move(channels);
  impl_->events = std::move(events);
  impl_->retry = impl_->loop.after(Duration::zero(), [this] { impl_->connect(); });
}

bool RedisStore::is_ready() const {
  return impl_->ready;
}

void RedisStore::run(std::vector<Command> commands, Done done) {
  const auto refusal = [this](std::string_view reason) {
    return fail(cat("Redis at ", impl_->address.to_string(), ": ", reason));
  };
  if (!impl_->ready) {
    impl_->answer(std::move(done), refusal("not connected"));
  } else if (commands.empty()) {
    impl_->answer(std::move(done), std::vector<Reply>());
  } else if (!impl_->commands->has_room_for(commands.size())) {
    impl_->answer(std::move(done), refusal("too many commands wait for their answers"));
  } else {
    impl_->commands->run(commands, std::move(done));
  }
}

}  // namespace multilink
