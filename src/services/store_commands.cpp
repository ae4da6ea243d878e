// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/store_commands.hpp"

#include <utility>

namespace multilink {
namespace {

void append_fields(Store::Command& command, const Fields& fields) {
  for (const auto& [field, value] : fields) {
    command.push_back(field);
    command.push_back(value);
  }
}

}  // namespace

Store::Command hash_write(std::string key, const Fields& fields) {
  Store::Command command{"HSET", std::move(key)};
  append_fields(command, fields);
  return command;
}

Store::Command event_write(const RedisKeys& keys, const EventRecord& event) {
  Store::Command command{"XADD", keys.events(), "MAXLEN", "~", std::to_string(kMostEvents), "*"};
  append_fields(command, event.encode());
  return command;
}

}  // namespace multilink
