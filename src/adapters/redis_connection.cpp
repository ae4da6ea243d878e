// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/redis_connection.hpp"

#include <fcntl.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <cassert>
#include <deque>
#include <optional>
#include <utility>
//
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

using boost::asio::posix::stream_descriptor;

constexpr Duration kOwnLateness = std::chrono::milliseconds(50);

Reply convert(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return {std::int64_t{reply.integer}};
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      return {std::string(reply.str, reply.len)};
    case REDIS_REPLY_ERROR:
      return {Reply::Failure{std::string(reply.str, reply.len)}};
    case REDIS_REPLY_ARRAY: {
      Reply::Array array;
      array.reserve(reply.elements);
      for (std::size_t i = 0; i < reply.elements; ++i) array.push_back(convert(*reply.element[i]));
      return {std::move(array)};
    }
    default:
      return {Reply::Nil{}};
  }
}

/// Element `index` of a push message, or "".
std::string_view word(const Reply::Array& push, std::size_t index) {
  const auto* text = index < push.size() ? std::get_if<std::string>(&push[index].value) : nullptr;
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

}  // namespace

/// The bridge between hiredis and the loop. hiredis asks (through `ev`) to be told when its socket can be
/// read or written; its callbacks only take notes, and the callers' code runs after hiredis has returned: so
/// no exception crosses C code and nothing is freed below its feet.
struct RedisConnection::Impl : std::enable_shared_from_this<Impl> {
  struct Batch {
    std::size_t missing = 0;  // replies
    std::vector<Reply> replies;
    Store::Done done;
    MonoTime deadline;
    bool extended = false;
  };

  Impl(EventLoop& event_loop, Events callbacks)
      : loop(event_loop), events(std::move(callbacks)), socket(event_loop.context()) {}

  void open(const RedisAddress& address);
  void attach(redisAsyncContext* opened);
  void send(const Store::Command& command);
  void expect(std::size_t replies, Store::Done done);
  void take(Reply reply);
  void fail_with(std::string reason);
  void deliver();
  void wait_readable();
  void start_writing();
  void wait_writable();
  void write();
  void arm_deadline();
  void close();

  static void on_reply(redisAsyncContext* context, void* reply, void*);
  static void on_cleanup(void* self);

  EventLoop& loop;
  Events events;
  stream_descriptor socket;
  redisAsyncContext* context = nullptr;  // null: over
  std::shared_ptr<Impl> held_by_hiredis;
  bool wants_read = false;
  bool wants_write = false;
  bool awaits_read = false;
  bool awaits_write = false;
  bool is_connecting = false;  // over TCP; a Unix socket is connected or refused at once
  bool is_writing = false;
  bool writes_later = false;

  std::deque<Batch> batches;
  std::size_t in_flight = 0;
  std::string first_channel;
  bool heard = true;
  std::unique_ptr<Timer> deadline;
  std::deque<std::function<void()>> deliveries;
  std::optional<Error> failure;
  bool closed = false;
};

void RedisConnection::Impl::open(const RedisAddress& address) {
  auto* opened = address.unix_path.empty() ? redisAsyncConnect(address.host.c_str(), address.port)
                                           : redisAsyncConnectUnix(address.unix_path.c_str());
  if (opened == nullptr) {
    fail_with("out of memory");
  } else if (opened->err != 0) {
    fail_with(opened->errstr);
    redisAsyncFree(opened);
  } else {
    attach(opened);
  }
  // The owner still holds no connection: it hears of a failure from the loop.
  if (failure) {
    loop.post([self = weak_from_this()] {
      if (const auto alive = self.lock()) alive->deliver();
    });
  }
}

void RedisConnection::Impl::attach(redisAsyncContext* opened) {
  fcntl(opened->c.fd, F_SETFD, FD_CLOEXEC);
  boost::system::error_code error;
  socket.assign(opened->c.fd, error);
  if (error) {
    fail_with(error.message());
    redisAsyncFree(opened);
    return;
  }
  opened->data = this;
  opened->ev.data = this;
  opened->ev.addRead = [](void* self) {
    static_cast<Impl*>(self)->wants_read = true;
    static_cast<Impl*>(self)->wait_readable();
  };
  opened->ev.delRead = [](void* self) { static_cast<Impl*>(self)->wants_read = false; };
  opened->ev.addWrite = [](void* self) {
    static_cast<Impl*>(self)->wants_write = true;
    static_cast<Impl*>(self)->start_writing();
  };
  opened->ev.delWrite = [](void* self) { static_cast<Impl*>(self)->wants_write = false; };
  opened->ev.cleanup = on_cleanup;
  context = opened;
  is_connecting = opened->c.connection_type == REDIS_CONN_TCP;
  held_by_hiredis = shared_from_this();
}

void RedisConnection::Impl::wait_readable() {
  if (std::exchange(awaits_read, true)) return;
  socket.async_wait(stream_descriptor::wait_read, [self = shared_from_this()](const auto& error) {
    self->awaits_read = false;
    if (error || self->context == nullptr || !self->wants_read) return;
    redisAsyncHandleRead(self->context);
    if (self->context != nullptr && self->wants_read) self->wait_readable();
    self->deliver();
  });
}

/// At the end of this turn, so that what it says goes out in one write. The socket is not asked first whether it has
/// room: it nearly always has, and where it has not the rest waits.
void RedisConnection::Impl::start_writing() {
  if (is_connecting) return wait_writable();
  if (is_writing || std::exchange(writes_later, true)) return;
  loop.post([self = shared_from_this()] {
    self->writes_later = false;
    if (!self->awaits_write) self->write();
  });
}

void RedisConnection::Impl::wait_writable() {
  if (std::exchange(awaits_write, true)) return;
  socket.async_wait(stream_descriptor::wait_write, [self = shared_from_this()](const auto& error) {
    self->awaits_write = false;
    self->is_connecting = false;
    if (!error) self->write();
  });
}

void RedisConnection::Impl::write() {
  if (context == nullptr || !wants_write) return;
  is_writing = true;
  redisAsyncHandleWrite(context);
  is_writing = false;
  if (context != nullptr && wants_write) wait_writable();
  deliver();
}

void RedisConnection::Impl::on_reply(redisAsyncContext* context, void* reply, void*) {
  if (reply == nullptr) return;  // the connection is ending: on_cleanup says so once
  static_cast<Impl*>(context->data)->take(convert(*static_cast<redisReply*>(reply)));
}

/// Called by hiredis as the last thing before it closes the socket, whatever the reason.
void RedisConnection::Impl::on_cleanup(void* data) {
  const auto self = std::exchange(static_cast<Impl*>(data)->held_by_hiredis, nullptr);
  const auto* ended = std::exchange(self->context, nullptr);
  self->fail_with(ended->err != 0 ? ended->errstr : "closed");
  self->socket.release();  // hiredis closes the descriptor itself
}

void RedisConnection::Impl::fail_with(std::string reason) {
  if (!failure) failure = Error{std::move(reason)};
}

void RedisConnection::Impl::send(const Store::Command& command) {
  assert(!command.empty());  // would have no answer
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const auto& text : command) {
    words.push_back(text.data());
    sizes.push_back(text.size());
  }
  redisAsyncCommandArgv(context, on_reply, nullptr, static_cast<int>(words.size()), words.data(),
                        sizes.data());
}

void RedisConnection::Impl::expect(std::size_t replies, Store::Done done) {
  batches.push_back({replies, {}, std::move(done), loop.now().mono + kDeadline});
  in_flight += replies;
  if (!deadline) arm_deadline();
}

void RedisConnection::Impl::take(Reply reply) {
  heard = true;
  if (const auto* push = std::get_if<Reply::Array>(&reply.value); push != nullptr && !first_channel.empty()) {
    if (word(*push, 0) == "message") {
      deliveries.emplace_back(
          [this, channel = std::string(word(*push, 1)), text = std::string(word(*push, 2))] {
            if (events.on_message) events.on_message(channel, text);
          });
      return;
    }
  }
  if (batches.empty()) return;
  auto& batch = batches.front();
  batch.replies.push_back(std::move(reply));
  --in_flight;
  if (--batch.missing > 0) return;
  if (batch.done) {
    deliveries.emplace_back([done = std::move(batch.done), replies = std::move(batch.replies)]() mutable {
      done(std::move(replies));
    });
  }
  batches.pop_front();
  if (batches.empty()) deadline = nullptr;
}

void RedisConnection::Impl::arm_deadline() {
  deadline = loop.after(batches.front().deadline - loop.now().mono, [this] {
    const auto self = shared_from_this();
    auto& oldest = batches.front();
    const auto late = loop.now().mono - oldest.deadline;
    // When this process itself was kept from running, the answer may lie in the socket unread: the time is
    // given back, once.
    if (late > kOwnLateness && !std::exchange(oldest.extended, true)) oldest.deadline += late + kOwnLateness;
    if (oldest.deadline > loop.now().mono) {
      arm_deadline();
      return;
    }
    fail_with(cat("no answer within ",
                  std::chrono::duration_cast<std::chrono::milliseconds>(kDeadline).count(), " ms"));
    deliver();
  });
}

void RedisConnection::Impl::deliver() {
  while (!deliveries.empty() && !closed) {
    const auto work = std::move(deliveries.front());
    deliveries.pop_front();
    work();
  }
  if (!failure || std::exchange(closed, true)) return;
  deadline = nullptr;
  if (events.on_failed) events.on_failed(*failure);
}

void RedisConnection::Impl::close() {
  closed = true;
  deadline = nullptr;
  if (context != nullptr) redisAsyncFree(context);
}

RedisConnection::RedisConnection(EventLoop& loop, const RedisAddress& address, Events events)
    : impl_(std::make_shared<Impl>(loop, std::move(events))) {
  impl_->open(address);
}

RedisConnection::~RedisConnection() {
  impl_->close();
}

void RedisConnection::run(const std::vector<Store::Command>& commands, Store::Done done) {
  impl_->expect(commands.size(), std::move(done));
  if (impl_->context == nullptr) return;
  for (const auto& command : commands) impl_->send(command);
}

void RedisConnection::subscribe(const std::vector<std::string>& channels, Store::Done done) {
  impl_->first_channel = channels.front();
  Store::Command command{"SUBSCRIBE"};
  command.insert(command.end(), channels.begin(), channels.end());
  impl_->expect(channels.size(), std::move(done));
  if (impl_->context != nullptr) impl_->send(command);
}

void RedisConnection::check_alive() {
  if (std::exchange(impl_->heard, false) || !impl_->batches.empty()) return;
  if (impl_->first_channel.empty()) {
    run({{"PING"}}, nullptr);
  } else {
    // Subscribing again is confirmed again and changes nothing. (hiredis 0.14 takes the answer to a PING on
    // such a connection for a message on a pattern.)
    subscribe({impl_->first_channel}, nullptr);
  }
}

bool RedisConnection::has_room_for(std::size_t commands) const {
  return impl_->in_flight + commands <= kMaxInFlight;
}

std::vector<Store::Done> RedisConnection::take_unanswered() {
  std::vector<Store::Done> out;
  for (auto& batch : impl_->batches) {
    if (batch.done) out.push_back(std::move(batch.done));
  }
  impl_->batches.clear();
  return out;
}

}  // namespace multilink
