// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the measuring tools of the lab share. They are driven through stdin, a command a line, answer with
/// one line of JSON on stdout each, and end when stdin ends: none outlives the lab that started it.
namespace lab {

using Clock = std::chrono::steady_clock;  ///< CLOCK_MONOTONIC, the same as Python's time.monotonic()
using Time = std::chrono::time_point<Clock, std::chrono::nanoseconds>;
using Nanos = std::chrono::nanoseconds;

Time now();
double seconds(Time time);        ///< since the clock's own epoch, as the commands give it
Time at_seconds(double seconds);  ///< the inverse
double millis(Nanos duration);

/// Throws std::system_error with errno and `what` when `result` is negative; gives it back otherwise.
int check(int result, const char* what);

/// A file descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const { return fd_; }

 private:
  int fd_;
};

/// An address with a port, of either family.
struct Endpoint {
  sockaddr_storage storage{};
  socklen_t length = 0;

  static Endpoint parse(const std::string& address, const std::string& port);  ///< throws
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  std::string address() const;
};

/// Which of some descriptors are ready.
class Poller {
 public:
  Poller();
  void add(int fd, std::uint32_t events) { control(EPOLL_CTL_ADD, fd, events); }
  void change(int fd, std::uint32_t events) { control(EPOLL_CTL_MOD, fd, events); }
  /// Calls `work(fd)` for each descriptor that is ready within `timeout_ms`.
  template <class Work>
  void wait(int timeout_ms, Work work) {
    std::array<epoll_event, 64> events{};
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
    for (int i = 0; i < count; ++i) work(events[static_cast<std::size_t>(i)].data.fd);
  }

 private:
  void control(int operation, int fd, std::uint32_t events);

  Fd epoll_;
};

/// A timer that ticks at multiples of `interval` from its construction, whatever the reader's delays.
class Ticker {
 public:
  explicit Ticker(Nanos interval);
  int fd() const { return fd_.get(); }
  std::uint64_t ticks();  ///< due since the last call

 private:
  Fd fd_;
};

/// The command lines on stdin, without blocking.
class Commands {
 public:
  Commands();
  /// Reads what is there; false at the end of the input.
  bool read();
  std::optional<std::vector<std::string>> next();  ///< the next whole line, in words

 private:
  std::string partial_;
  std::deque<std::string> lines_;
};

void answer(std::string_view json);  ///< one line on stdout, at once
/// Real-time priority where the kernel grants it, else the best nice value, and no timer slack: figures in
/// milliseconds must not measure the machine's other load.
void be_punctual();

}  // namespace lab
