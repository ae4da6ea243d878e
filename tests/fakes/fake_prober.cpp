// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/fake_prober.hpp"

#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <utility>

#include "fakes/icmp_messages.hpp"
#include "multilink/core/text.hpp"

namespace multilink::fakes {
namespace {

using Message = std::vector<std::uint8_t>;

constexpr std::uint8_t kEchoReply = 0;
constexpr std::uint8_t kUnreachable = 3;
constexpr std::uint8_t kEchoRequest = 8;
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
  if (!identity_ || !passes_filter(message)) return;
  const std::array arrivals{ArrivedMessage{source, scheduler_.now().mono, std::move(message)}};
  on_arrivals_(arrivals);
}

void FakeProber::forget_sent() {
  sent_.clear();
  calls_ = 0;
}

bool FakeProber::passes_filter(const Message& message) const {
  const auto has_our_identifier = [this](std::span<const std::uint8_t> icmp) {
    if (icmp.size() < 6) return false;
    const auto identifier = static_cast<std::uint32_t>((icmp[4] << 8) | icmp[5]);
    return identifier >= identity_->first_id &&
           identifier < std::uint32_t{identity_->first_id} + identity_->ids;
  };
  if (message.size() < kIcmpHeader) return false;
  if (message[0] == kEchoReply) return has_our_identifier(message);
  const auto quote = std::span(message).subspan(kIcmpHeader);
  if (message[0] != kUnreachable || quote.size() < 10 || quote[9] != IPPROTO_ICMP) return false;
  const std::size_t header = (quote[0] & 0x0fU) * 4U;
  return quote.size() > header && quote[header] == kEchoRequest && has_our_identifier(quote.subspan(header));
}

}  // namespace multilink::fakes
