// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/squid_warm_up.hpp"

#include <algorithm>
#include <utility>

#include "multilink/adapters/loopback_request.hpp"

namespace multilink {
namespace {

constexpr Duration kPause = std::chrono::milliseconds(5);
constexpr std::string_view kRefused = " 403 ";  // in the first line

}  // namespace

SquidWarmUp::SquidWarmUp(EventLoop& loop, std::uint16_t port, std::vector<std::string> urls,
                         std::function<void()> done)
    : loop_(loop),
      port_(port),
      urls_(std::move(urls)),
      done_(std::move(done)),
      until_(loop.now().mono + kPatience) {
  ask();
}

void SquidWarmUp::ask() {
  if (urls_.empty() || loop_.now().mono >= until_) return finish();
  request_on_loopback(loop_, port_, urls_.front(), until_ - loop_.now().mono,
                      [this](const std::string& answer) { hear(answer); });
}

void SquidWarmUp::hear(const std::string& answer) {
  const auto first_line = std::string_view(answer).substr(0, answer.find('\r'));
  if (first_line.find(kRefused) != std::string_view::npos) {
    urls_.erase(urls_.begin());
    return ask();
  }
  std::rotate(urls_.begin(), urls_.begin() + 1, urls_.end());
  timer_ = loop_.after(kPause, [this] { ask(); });
}

void SquidWarmUp::finish() {
  if (const auto done = std::exchange(done_, {})) done();
}

}  // namespace multilink
