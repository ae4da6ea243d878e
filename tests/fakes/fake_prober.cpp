// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/fake_prober.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink::fakes {
namespace {

using Message = std::vector<std::uint8_t>;

constexpr std::uint8_t kEchoReply = 0;
constexpr std::uint8_t kUnreachable = 3;
constexpr std::size_t kIcmpHeader = 8;
constexpr std::size_t kIpHeader = 20;

void fill_checksum(Message& message) {
  message[2] = message[3] = 0;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < message.size(); ++i) sum += message[i] * (i % 2 == 0 ? 256U : 1U);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  message[2] = static_cast<std::uint8_t>(~sum >> 8);
  message[3] = static_cast<std::uint8_t>(~sum);
}

}  // namespace

Message echo_reply_to(Message request) {
  request[0] = kEchoReply;
  fill_checksum(request);
  return request;
}

Message unreachable_for(const IpAddress& target, const Message& request, std::size_t quoted) {
  Message out(kIcmpHeader + kIpHeader);
  out[0] = kUnreachable;
  out[1] = 1;  // host
  out[kIcmpHeader] = 0x45;
  out[kIcmpHeader + 9] = 1;
  std::copy_n(target.bytes().begin(), 4, out.begin() + kIcmpHeader + 16);
  out.insert(out.end(), request.begin(), request.begin() + static_cast<std::ptrdiff_t>(quoted));
  fill_checksum(out);
  return out;
}

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
  if (message.size() < kIcmpHeader) return false;
  std::size_t at = 4;  // of the identifier
  if (message[0] == kUnreachable) {
    if (message.size() <= kIcmpHeader) return false;
    at += kIcmpHeader + (message[kIcmpHeader] & 0x0fU) * 4U;
  } else if (message[0] != kEchoReply) {
    return false;
  }
  if (message.size() < at + 2) return false;
  const auto identifier = static_cast<std::uint32_t>((message[at] << 8) | message[at + 1]);
  return identifier >= identity_->first_id &&
         identifier < std::uint32_t{identity_->first_id} + identity_->ids;
}

}  // namespace multilink::fakes
