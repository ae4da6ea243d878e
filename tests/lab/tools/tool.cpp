// SPDX-License-Identifier: GPL-2.0-or-later
#include "tool.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace lab {

Time now() {
  return std::chrono::time_point_cast<Nanos>(Clock::now());
}

double seconds(Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

Time at_seconds(double seconds) {
  return Time(std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(seconds)));
}

double millis(Nanos duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

int check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

Fd& Fd::operator=(Fd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

Endpoint Endpoint::parse(const std::string& address, const std::string& port) {
  Endpoint endpoint;
  const auto number = static_cast<in_port_t>(std::stoi(port));
  auto* v4 = reinterpret_cast<sockaddr_in*>(&endpoint.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&endpoint.storage);
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(number);
    endpoint.length = sizeof *v4;
  } else if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(number);
    endpoint.length = sizeof *v6;
  } else {
    throw std::invalid_argument("'" + address + "' is not an address");
  }
  return endpoint;
}

std::string Endpoint::address() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes =
      storage.ss_family == AF_INET
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr)
          : &reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr;
  inet_ntop(storage.ss_family, bytes, text.data(), text.size());
  return text.data();
}

Poller::Poller() : epoll_(check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

void Poller::control(int operation, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  check(epoll_ctl(epoll_.get(), operation, fd, &event), "epoll_ctl");
}

Ticker::Ticker(Nanos interval) : fd_(check(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), "timerfd_create")) {
  itimerspec spec{};
  spec.it_interval.tv_sec = interval.count() / 1'000'000'000;
  spec.it_interval.tv_nsec = interval.count() % 1'000'000'000;
  spec.it_value = spec.it_interval;
  check(timerfd_settime(fd_.get(), 0, &spec, nullptr), "timerfd_settime");
}

std::uint64_t Ticker::ticks() {
  std::uint64_t expirations = 0;
  return ::read(fd_.get(), &expirations, sizeof expirations) == sizeof expirations ? expirations : 0;
}

Commands::Commands() {
  check(fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK), "fcntl stdin");
}

bool Commands::read() {
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t length = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (length == 0) return false;
    if (length < 0) return errno == EAGAIN || errno == EINTR;
    partial_.append(buffer.data(), static_cast<std::size_t>(length));
    for (std::size_t end = 0; (end = partial_.find('\n')) != std::string::npos; partial_.erase(0, end + 1)) {
      lines_.push_back(partial_.substr(0, end));
    }
  }
}

std::optional<std::vector<std::string>> Commands::next() {
  if (lines_.empty()) return std::nullopt;
  std::istringstream line(lines_.front());
  lines_.pop_front();
  std::vector<std::string> words;
  for (std::string word; line >> word;) words.push_back(word);
  return words;
}

void answer(std::string_view json) {
  std::string line(json);
  line += '\n';
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t length = write(STDOUT_FILENO, line.data() + sent, line.size() - sent);
    if (length < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "stdout");
    if (length > 0) sent += static_cast<std::size_t>(length);
  }
}

void be_punctual() {
  prctl(PR_SET_TIMERSLACK, 1UL);
  sched_param priority{};
  priority.sched_priority = 10;
  // A container may refuse both: the figures are then as good as its scheduler.
  if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0) setpriority(PRIO_PROCESS, 0, -20);
}

}  // namespace lab
