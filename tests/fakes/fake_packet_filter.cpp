// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/fake_packet_filter.hpp"

#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

namespace multilink::fakes {

Result<void> FakePacketFilter::attempt() {
  if (failing_ == 0) return {};
  --failing_;
  return fail(std::strerror(error_), error_);
}

void FakePacketFilter::forget_old() {
  const auto now = scheduler_.now().mono;
  std::erase_if(resets_, [&](const auto& each) { return each.second <= now; });
}

void FakePacketFilter::tell() {
  if (!on_change_ || std::exchange(told_, true)) return;
  scheduler_.post([this] {
    told_ = false;
    on_change_();
  });
}

Result<void> FakePacketFilter::replace(const PacketFilterTable& table) {
  on_replace();
  if (auto text = filter_anew(table); !text) return tl::unexpected(text.error());
  if (auto good = attempt(); !good) return good;
  table_ = table;
  spoilt_ = false;
  ++replaced_;
  return {};
}

Result<bool> FakePacketFilter::is_in_force() {
  return table_.has_value() && !spoilt_;
}

Result<bool> FakePacketFilter::remove() {
  if (auto good = attempt(); !good) return tl::unexpected(good.error());
  const bool was_there = table_.has_value();
  table_.reset();
  resets_.clear();
  drills_.clear();
  orphans_.clear();
  return was_there;
}

Result<std::size_t> FakePacketFilter::reset(const std::vector<TcpTuple>& tuples) {
  if (auto good = attempt(); !good) return tl::unexpected(good.error());
  if (!table_ && !tuples.empty()) return fail(std::strerror(ENOENT), ENOENT);
  forget_old();
  std::map<Family, std::size_t> held;
  for (const auto& [tuple, end] : resets_) ++held[tuple.source.family()];
  std::size_t count = 0;
  for (const auto& tuple : tuples) {
    auto& of_family = held[tuple.source.family()];
    if (!resets_.contains(tuple)) {
      if (of_family == kMostResets) continue;
      resets_.emplace(tuple, scheduler_.now().mono + std::chrono::minutes(1));
      ++of_family;
    }
    ++count;
  }
  return count;
}

Result<void> FakePacketFilter::reset_orphans(Family family, Duration length) {
  if (auto good = attempt(); !good) return good;
  if (!table_) return fail(std::strerror(ENOENT), ENOENT);
  orphans_[family] = scheduler_.now().mono + length;
  return {};
}

bool FakePacketFilter::resets_orphans(Family family) const {
  const auto until = orphans_.find(family);
  return table_ && until != orphans_.end() && scheduler_.now().mono < until->second;
}

Result<void> FakePacketFilter::drill(const std::string& device, Duration length) {
  if (auto good = attempt(); !good) return good;
  if (!table_) return fail(std::strerror(ENOENT), ENOENT);
  if (length < std::chrono::milliseconds(1)) return fail(std::strerror(ETIME), ETIME);
  if (!is_drilled(device)) drills_[device] = scheduler_.now().mono + length;
  return {};
}

Result<void> FakePacketFilter::end_drill(const std::string& device) {
  if (auto good = attempt(); !good) return good;
  drills_.erase(device);
  return {};
}

bool FakePacketFilter::is_drilled(const std::string& device) const {
  const auto drill = drills_.find(device);
  return table_ && drill != drills_.end() && scheduler_.now().mono < drill->second;
}

void FakePacketFilter::watch(std::function<void()> on_change) {
  assert(!on_change_ || !on_change);  // nothing: the process that watched has ended
  on_change_ = std::move(on_change);
}

std::size_t FakePacketFilter::resets() {
  forget_old();
  return resets_.size();
}

bool FakePacketFilter::is_reset(const TcpTuple& tuple) {
  forget_old();
  return resets_.contains(tuple);
}

void FakePacketFilter::lose_table() {
  table_.reset();
  resets_.clear();
  drills_.clear();
  orphans_.clear();
  tell();
}

void FakePacketFilter::spoil() {
  spoilt_ = true;
  tell();
}

void FakePacketFilter::lose_notifications() {
  tell();
}

void FakePacketFilter::fail_next(int code, unsigned times) {
  error_ = code;
  failing_ = times;
}

}  // namespace multilink::fakes
