// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/fake_prober.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include "fakes/icmp_messages.hpp"
#include "multilink/core/text.hpp"

namespace multilink::fakes {
namespace {

using Message = std::vector<std::uint8_t>;

constexpr std::size_t kIcmpHeader = 8;

}  // namespace

Result<void> FakeProber::listen(const ProbeIdentity& identity,
                                std::function<void(std::span<const ArrivedMessage>)> on_arrivals) {
  if (listen_error_ != 0) return fail(cat("listening refused, errno ", listen_error_), listen_error_);
  identity_ = identity;
  on_arrivals_ = std::move(on_arrivals);
  return {};
}

std::vector<Result<MonoTime>> FakeProber::send(std::span<const OutgoingProbe> probes) {
  ++calls_;
  std::vector<Result<MonoTime>> out;
  for (const auto& probe : probes) out.push_back(send_one(probe));
  return out;
}

Result<MonoTime> FakeProber::send_one(const OutgoingProbe& probe) {
  if (probe.link_index == 0) return fail("no device", ENODEV);
  const auto refusal = refusals_.find(probe.link_index);
  if (refusal != refusals_.end() && refusal->second != 0) {
    return fail(cat("sending refused, errno ", refusal->second), refusal->second);
  }
  const MonoTime now = scheduler_.now().mono;
  sent_.push_back({now, probe});
  const auto path = world_(probe);
  if (path.end == ProbePath::End::silent) return now;
  auto answer = path.end == ProbePath::End::answers ? echo_reply_to(probe.message)
                                                    : unreachable_for(probe.target, probe.message);
  const auto id = next_++;
  on_the_way_[id] = scheduler_.after(path.rtt, [this, id, source = probe.target, answer] {
    deliver(source, answer);
    on_the_way_.erase(id);
  });
  return now;
}

void FakeProber::deliver(const IpAddress& source, Message message) {
  if (!identity_ || !passes_filter(source.family(), message)) return;
  const std::array arrivals{ArrivedMessage{source, scheduler_.now().mono, std::move(message)}};
  on_arrivals_(arrivals);
}

void FakeProber::forget_sent() {
  sent_.clear();
  calls_ = 0;
}

bool FakeProber::is_ours(std::span<const std::uint8_t> echo) const {
  if (echo.size() < 6) return false;
  const auto identifier = static_cast<std::uint32_t>((echo[4] << 8) | echo[5]);
  return identifier >= identity_->first_id &&
         identifier < std::uint32_t{identity_->first_id} + identity_->ids;
}

bool FakeProber::passes_filter(Family family, const Message& message) const {
  const bool v4 = family == Family::v4;
  if (message.size() < kIcmpHeader) return false;
  if (message[0] == (v4 ? 0 : 129)) return is_ours(message);
  const auto quote = std::span(message).subspan(kIcmpHeader);
  if (message[0] != (v4 ? 3 : 1) || quote.size() < 10) return false;
  if (quote[v4 ? 9 : 6] != (v4 ? 1 : 58)) return false;
  const std::size_t header = v4 ? (quote[0] & 0x0fU) * 4U : 40U;
  return quote.size() > header && quote[header] == (v4 ? 8 : 128) && is_ours(quote.subspan(header));
}

}  // namespace multilink::fakes
