// SPDX-License-Identifier: GPL-2.0-or-later
//
// A long-distance line between two network namespaces: two TUN devices and a queue for each direction,
// because a kernel without netem can lose packets but not delay them.
//
//   delay_link NETNS_A DEVICE_A NETNS_B DEVICE_B          (a NETNS is a path such as /run/netns/x)
//
// Commands:  set ab|ba|both KEY VALUE …    delay_us, jitter_us, rate_bps (0: no limit), queue_us,
// loss_percent
//            stats
// Packets never overtake each other: jitter delays, it does not reorder.
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <exception>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tool.hpp"

namespace {

using lab::Fd;
using lab::Nanos;
using lab::Time;
using Packet = std::vector<char>;

constexpr Nanos kTogether = std::chrono::microseconds(100);

Fd open_tun(const std::string& netns, const std::string& device) {
  const Fd space(lab::check(open(netns.c_str(), O_RDONLY | O_CLOEXEC), netns.c_str()));
  lab::check(setns(space.get(), CLONE_NEWNET), "setns");
  Fd tun(lab::check(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), "/dev/net/tun"));
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  lab::check(ioctl(tun.get(), TUNSETIFF, &request), "TUNSETIFF");
  return tun;
}

/// One direction of the line: decides for each packet whether and when it comes out, and keeps it until then.
class Direction {
 public:
  Direction(const Fd& from, const Fd& to, std::uint64_t seed) : from_(from), to_(to), random_(seed) {}

  void set(const std::string& key, double value) {
    if (value < 0) throw std::invalid_argument(key + ": negative");
    const auto as_time = Nanos(static_cast<std::int64_t>(value * 1000));
    if (key == "delay_us") {
      delay_ = as_time;
    } else if (key == "jitter_us") {
      jitter_ = as_time;
    } else if (key == "queue_us") {
      queue_ = as_time;
    } else if (key == "rate_bps") {
      rate_bps_ = value;
    } else if (key == "loss_percent") {
      loss_ = value / 100;
    } else {
      throw std::invalid_argument("unknown key " + key);
    }
  }

  void receive() {
    std::array<char, 65536> buffer;
    for (int budget = 64; budget > 0; --budget) {
      const ssize_t length = read(from_.get(), buffer.data(), buffer.size());
      if (length <= 0) return;
      admit(lab::now(), {buffer.data(), static_cast<std::size_t>(length)});
    }
  }

  void release(Time time) {
    for (; !waiting_.empty() && waiting_.front().due <= time; waiting_.pop_front()) {
      const Packet& packet = waiting_.front().packet;
      // A device that is down refuses the packet: lost, as on a real line.
      if (write(to_.get(), packet.data(), packet.size()) < 0) ++refused_;
      ++passed_;
    }
  }

  std::optional<Time> next_due() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.front().due);
  }

  nlohmann::json stats() const {
    return {{"passed", passed_},
            {"lost", lost_},
            {"overflowed", overflowed_},
            {"refused", refused_},
            {"waiting", waiting_.size()}};
  }

 private:
  struct Waiting {
    Time due;
    Packet packet;
  };

  void admit(Time time, std::string_view bytes) {
    if (unit_(random_) < loss_) {
      ++lost_;
      return;
    }
    Time sent = time;
    if (rate_bps_ > 0) {
      const Time start = std::max(time, line_free_);
      if (start - time > queue_) {
        ++overflowed_;
        return;
      }
      const double seconds = static_cast<double>(bytes.size()) * 8 / rate_bps_;
      sent = line_free_ = start + Nanos(static_cast<std::int64_t>(seconds * 1e9));
    }
    const auto extra =
        Nanos(static_cast<std::int64_t>(unit_(random_) * static_cast<double>(jitter_.count())));
    last_due_ = std::max(last_due_, sent + delay_ + extra);
    waiting_.push_back({last_due_, Packet(bytes.begin(), bytes.end())});
  }

  const Fd& from_;
  const Fd& to_;
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> unit_{0, 1};
  Nanos delay_{}, jitter_{}, queue_{std::chrono::milliseconds(200)};
  double rate_bps_ = 0;
  double loss_ = 0;
  Time line_free_{}, last_due_{};
  std::deque<Waiting> waiting_;
  std::uint64_t passed_ = 0, lost_ = 0, overflowed_ = 0, refused_ = 0;
};

void obey(const std::vector<std::string>& words, Direction& ab, Direction& ba) {
  if (words.size() == 1 && words[0] == "stats") {
    lab::answer(nlohmann::json{{"ab", ab.stats()}, {"ba", ba.stats()}}.dump());
    return;
  }
  if (words.size() < 4 || words.size() % 2 != 0 || words[0] != "set" ||
      (words[1] != "ab" && words[1] != "ba" && words[1] != "both")) {
    throw std::invalid_argument("not a command");
  }
  for (std::size_t i = 2; i < words.size(); i += 2) {
    const double value = std::stod(words[i + 1]);
    if (words[1] != "ba") ab.set(words[i], value);
    if (words[1] != "ab") ba.set(words[i], value);
  }
  lab::answer(R"({"ok":true})");
}

/// Sleeps until a packet arrives, a command comes or the next packet is due.
void wait(std::array<pollfd, 3>& fds, const Direction& ab, const Direction& ba) {
  auto due = ab.next_due();
  if (const auto other = ba.next_due()) due = due ? std::min(*due, *other) : *other;
  timespec timeout{};
  if (due) {
    // Packets that are due within a tenth of a millisecond share a wake-up.
    const auto left = std::max(Nanos(0), *due - lab::now() + kTogether).count();
    timeout.tv_sec = left / 1'000'000'000;
    timeout.tv_nsec = left % 1'000'000'000;
  }
  if (ppoll(fds.data(), fds.size(), due ? &timeout : nullptr, nullptr) < 0 && errno != EINTR) {
    lab::check(-1, "ppoll");
  }
}

void run(char** argv) {
  const Fd a = open_tun(argv[1], argv[2]);
  const Fd b = open_tun(argv[3], argv[4]);
  std::random_device seed;
  Direction ab(a, b, seed());
  Direction ba(b, a, seed());
  lab::Commands commands;
  lab::be_punctual();
  lab::answer(R"({"ready":true})");
  std::array<pollfd, 3> fds{{{a.get(), POLLIN, 0}, {b.get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  while (true) {
    wait(fds, ab, ba);
    if (fds[0].revents != 0) ab.receive();
    if (fds[1].revents != 0) ba.receive();
    const Time time = lab::now();
    ab.release(time);
    ba.release(time);
    if (fds[2].revents != 0) {
      const bool more = commands.read();
      while (const auto words = commands.next()) obey(*words, ab, ba);
      if (!more) return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: delay_link NETNS_A DEVICE_A NETNS_B DEVICE_B\n", stderr);
    return 64;
  }
  try {
    run(argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "delay_link: %s\n", error.what());
    return 1;
  }
  return 0;
}
