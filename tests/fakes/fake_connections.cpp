// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/fake_connections.hpp"

#include <algorithm>
#include <cassert>

namespace multilink::fakes {

Result<void> Failing::attempt() {
  if (times_ == 0) return {};
  --times_;
  return multilink::fail("told to fail", code_);
}

Result<std::vector<Connection>> FakeConnections::list(Family family, const MarkMatch& mark) {
  if (const auto done = attempt(); !done) return tl::unexpected<Error>(done.error());
  std::vector<Connection> out;
  std::copy_if(entries_.begin(), entries_.end(), std::back_inserter(out), [&](const Connection& entry) {
    return entry.family() == family && (entry.mark & mark.mask) == (mark.value & mark.mask);
  });
  return out;
}

Result<std::size_t> FakeConnections::remove(std::span<const Connection> connections) {
  if (const auto done = attempt(); !done) return tl::unexpected<Error>(done.error());
  if (removal_error != 0) return multilink::fail("told to fail", removal_error);
  on_remove();
  std::size_t removed = 0;
  for (const auto& connection : connections) {
    const Connection* found = find(connection);
    if (found == nullptr || found->id != connection.id) continue;
    entries_.erase(entries_.begin() + (found - entries_.data()));
    ++removed;
  }
  return removed;
}

Result<std::size_t> FakeConnections::mark(std::span<const Connection> connections, const MarkMatch& mark) {
  if (const auto done = attempt(); !done) return tl::unexpected<Error>(done.error());
  std::size_t marked = 0;
  for (const auto& connection : connections) {
    Connection* found = find(connection);
    if (found == nullptr) continue;
    found->mark = (found->mark & ~mark.mask) | (mark.value & mark.mask);
    ++marked;
  }
  return marked;
}

Connection FakeConnections::add(Connection connection) {
  assert(find(connection) == nullptr);
  connection.id = ++last_id_;
  entries_.push_back(connection);
  return connection;
}

Connection* FakeConnections::find(const Connection& connection) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Connection& entry) {
    return entry.protocol == connection.protocol && entry.original == connection.original &&
           entry.zone == connection.zone;
  });
  return found == entries_.end() ? nullptr : &*found;
}

Result<std::size_t> FakeSockets::destroy(std::span<const ConnectionTuple> connections,
                                         const TiedUsers& tied) {
  if (const auto done = attempt(); !done) return tl::unexpected<Error>(done.error());
  on_destroy();
  std::size_t destroyed = 0;
  const auto is_tied = [&](const std::map<ConnectionTuple, std::uint32_t>& of,
                           const ConnectionTuple& connection) {
    const auto user = of.find(connection);
    return user != of.end() && std::any_of(tied.users.begin(), tied.users.end(), [&](const UidRange& range) {
             return range.first <= user->second && user->second <= range.last;
           });
  };
  for (const auto& connection : connections) {
    if (is_tied(opening, connection) && !tied.are_spared) destroyed += opening.erase(connection);
    if (!is_tied(users, connection) || !tied.are_spared) destroyed += open.erase(connection);
  }
  return destroyed;
}

Result<std::size_t> FakeClients::notify(std::span<const ConnectionTuple> connections) {
  if (const auto done = attempt(); !done) return tl::unexpected<Error>(done.error());
  told.insert(told.end(), connections.begin(), connections.end());
  return connections.size();
}

}  // namespace multilink::fakes
