// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/published_health.hpp"

#include <algorithm>
#include <utility>

#include "multilink/core/record_fields.hpp"
#include "multilink/services/store_commands.hpp"

namespace multilink {
namespace {

bool is_up(const HealthRecord& record, Family family) {
  const auto found = record.families.find(family);
  return found != record.families.end() && found->second.state == HealthState::up;
}

constexpr const char* kWritten = "written_ns";

bool is_figure(const std::string& field) {
  return field.ends_with(".loss") || field.ends_with(".probes") || field.ends_with(".rtt_us") ||
         field.ends_with(".jitter_us") || field.ends_with(".baseline") || field.ends_with(".damping_us");
}

/// In the order of PublishedHealth::statuses_.
std::array<std::string, 3> status_values(const HealthRecord& record) {
  const auto word = [](bool up) { return up ? "TRUE" : "FALSE"; };
  return {word(multilink::is_up(record)), word(is_up(record, Family::v4)), word(is_up(record, Family::v6))};
}

}  // namespace

bool is_up(const HealthRecord& record) {
  return std::ranges::any_of(kFamilies, [&](Family family) { return is_up(record, family); });
}

PublishedHealth::PublishedHealth(const RedisKeys& keys, const std::string& uplink)
    : statuses_{Status{keys.status(uplink), {}}, Status{keys.status(uplink, Family::v4), {}},
                Status{keys.status(uplink, Family::v6), {}}},
      health_key_(keys.health(uplink)) {}

void PublishedHealth::append_reads(std::vector<Store::Command>& commands) const {
  for (const auto& status : statuses_) commands.push_back({"GET", status.key});
  commands.push_back({"HGETALL", health_key_});
}

bool PublishedHealth::found(std::span<const Reply> replies) {
  bool differs = false;
  for (std::size_t i = 0; i < statuses_.size(); ++i) {
    const auto text = as_string(replies[i]);
    auto value = text ? std::optional(*text) : std::nullopt;
    differs |= value != statuses_[i].value;
    statuses_[i].value = std::move(value);
  }
  const auto fields = as_fields(replies[statuses_.size()]);
  auto health = fields ? std::optional(*fields) : std::nullopt;
  differs |= health != health_;
  health_ = std::move(health);
  return differs;
}

Result<std::optional<HealthRecord>> PublishedHealth::stored() const {
  if (!health_) return fail("not a hash");
  if (health_->empty()) return std::nullopt;
  return HealthRecord::decode(*health_).map(
      [](HealthRecord record) { return std::optional(std::move(record)); });
}

void PublishedHealth::forget() {
  for (auto& status : statuses_) status.value.reset();
  health_.reset();
}

PublishedHealth::Wanted PublishedHealth::encode(const HealthRecord& record) const {
  Wanted wanted{status_values(record), record.encode()};
  wanted.health[kWritten] = written_;
  return wanted;
}

PublishedHealth::Change PublishedHealth::compare(const Wanted& wanted) const {
  for (std::size_t i = 0; i < statuses_.size(); ++i) {
    if (statuses_[i].value != wanted.statuses[i]) return Change::news;
  }
  if (health_ == wanted.health) return Change::none;
  if (!health_ || health_->size() != wanted.health.size()) return Change::news;
  const bool only_figures = std::ranges::equal(wanted.health, *health_, [](const auto& a, const auto& b) {
    return a.first == b.first && (a.second == b.second || is_figure(a.first));
  });
  return only_figures ? Change::figures : Change::news;
}

void PublishedHealth::append_writes(Wanted wanted, MonoTime now, std::vector<Store::Command>& commands) {
  for (std::size_t i = 0; i < statuses_.size(); ++i) {
    const auto& value = wanted.statuses[i];
    if (statuses_[i].value == value) continue;
    commands.push_back({"SET", statuses_[i].key, value});
    statuses_[i].value = value;
  }
  if (health_ == wanted.health) return;
  written_ = wanted.health[kWritten] = encode_mono(now);
  const bool is_ours = health_ && std::ranges::all_of(*health_, [&](const auto& item) {
                         return wanted.health.contains(item.first);
                       });
  if (is_ours) {
    commands.push_back(hash_write(health_key_, wanted.health));
  } else {
    append_hash_replace(commands, health_key_, wanted.health);
  }
  health_ = std::move(wanted.health);
}

void PublishedHealth::append_deletes(std::vector<Store::Command>& commands) const {
  Store::Command command{"DEL", health_key_};
  for (const auto& status : statuses_) command.push_back(status.key);
  commands.push_back(std::move(command));
}

}  // namespace multilink
