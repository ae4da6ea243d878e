// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/store_commands.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace multilink {
namespace {

void append_fields(Store::Command& command, const Fields& fields) {
  for (const auto& [field, value] : fields) {
    command.push_back(field);
    command.push_back(value);
  }
}

/// An entry whose id is the greatest there is leaves no room for another, also once it is gone.
bool is_about_the_value(std::string_view refusal) {
  return refusal.starts_with("WRONGTYPE") || refusal.find("exhausted the last possible ID") != refusal.npos;
}

}  // namespace

Store::Command hash_write(std::string key, const Fields& fields) {
  Store::Command command{"HSET", std::move(key)};
  append_fields(command, fields);
  return command;
}

void append_hash_replace(std::vector<Store::Command>& commands, const std::string& key,
                         const Fields& fields) {
  commands.push_back({"MULTI"});
  commands.push_back({"DEL", key});
  commands.push_back(hash_write(key, fields));
  commands.push_back({"EXEC"});
}

Store::Command event_write(const RedisKeys& keys, const EventRecord& event) {
  Store::Command command{"XADD", keys.events(), "MAXLEN", "~", std::to_string(kMostEvents), "*"};
  append_fields(command, event.encode());
  return command;
}

std::string_view subject_of(const Store::Command& command) {
  return command.at(command.size() > 1 ? 1 : 0);
}

const std::string* refusal_in(const Reply& reply) {
  const auto* failure = std::get_if<Reply::Failure>(&reply.value);
  return failure == nullptr ? nullptr : &failure->message;
}

bool is_full(const std::vector<Reply>& replies) {
  return std::ranges::any_of(replies, [](const Reply& reply) {
    const auto* refusal = refusal_in(reply);
    return refusal != nullptr && refusal->starts_with("OOM");
  });
}

void delete_spoilt_keys(Store& store, const std::vector<Store::Command>& commands,
                        const std::vector<Reply>& replies) {
  std::set<std::string, std::less<>> spoilt;
  for (std::size_t i = 0; i < std::min(commands.size(), replies.size()); ++i) {
    const auto* refusal = refusal_in(replies[i]);
    if (refusal != nullptr && is_about_the_value(*refusal)) spoilt.emplace(subject_of(commands[i]));
  }
  for (const auto& key : spoilt) store.run({{"DEL", key}}, {});
}

}  // namespace multilink
