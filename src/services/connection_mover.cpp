// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/connection_mover.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "multilink/core/connection_selection.hpp"
#include "multilink/core/packet_marks.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {
namespace {

std::string describe(const EvictionOrder& order) {
  return cat(order.uplink, " (IPv", to_string(order.family), "), ", to_string(order.cause));
}

using Key = std::tuple<std::uint8_t, std::uint16_t, ConnectionTuple>;

Key key_of(const Connection& connection) {
  return {connection.protocol, connection.zone, connection.original};
}

/// Adds what became of those of `parted` that are not among `all`. An entry that lives on under its old translation goes as the others
/// do. One that has begun anew is left alone, also where it has the old one's id (seen: the kernel gives the same place again); but who
/// has to be told is told.
void add_parted(std::span<const Connection> parted, std::span<const Connection> present,
                std::vector<Connection>& all) {
  std::map<Key, const Connection*> there;
  for (const auto& one : present) there[key_of(one)] = &one;
  std::set<Key> known;
  for (const auto& one : all) known.insert(key_of(one));
  for (const auto& one : parted) {
    if (known.contains(key_of(one))) continue;
    const auto now = there.find(key_of(one));
    if (now != there.end() && now->second->reply == one.reply) {
      all.push_back(*now->second);
    } else if (must_be_told(one)) {
      all.push_back(one);
    }
  }
}

}  // namespace

std::string to_string(const MovedFlows& moved) {
  const auto local = moved.tcp_local > 0 ? cat(" (", moved.tcp_local, " of this host)") : "";
  return cat(moved.tcp_forwarded + moved.tcp_local, " TCP", local, ", ", moved.udp, " UDP and ", moved.other,
             " other flows");
}

ConnectionMover::ConnectionMover(MoverPorts ports, Reset reset, Done done)
    : ports_(ports), reset_(std::move(reset)), done_(std::move(done)), complaints_(ports_.log) {}

void ConnectionMover::carry_out(EvictionOrder order, std::shared_ptr<const Surroundings> around,
                                std::vector<Connection> parted) {
  jobs_.push_back({std::move(order), std::move(around), ports_.scheduler.now().mono, std::move(parted)});
  if (jobs_.size() == 1) run_soon();
}

void ConnectionMover::tell_forgotten(EvictionOrder order, std::shared_ptr<const Surroundings> around,
                                     std::vector<Connection> earlier) {
  jobs_.push_back(
      {std::move(order), std::move(around), ports_.scheduler.now().mono, std::move(earlier), true});
  if (jobs_.size() == 1) run_soon();
}

void ConnectionMover::run_soon() {
  ports_.scheduler.post([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) run_next();
  });
}

void ConnectionMover::run_next() {
  Job& job = jobs_.front();
  const auto done = job.listed ? move_slice(job) : list(job);
  if (!done || job.left.empty()) return finish(done);
  run_soon();
}

Result<void> ConnectionMover::list(Job& job) {
  const auto listed = job.only_forgotten ? list_forgotten(job) : list_pinned(job);
  note("connections", listed);
  if (!listed) return tl::unexpected<Error>(listed.error());
  const auto& around = *job.around;
  job.left = connections_to_move(*listed, job.order.scope, around.inside);
  std::erase_if(job.left, [&](const Connection& connection) {
    return !around.policies.is_about(job.order, connection, around.inside);
  });
  job.listed = true;
  return {};
}

Result<std::vector<Connection>> ConnectionMover::list_pinned(const Job& job) {
  const PacketMarks marks(job.around->mark_mask);
  Result<std::vector<Connection>> pinned;
  // An uplink that is gone, and a narrower mask since: nothing bears a mark that it has no room for.
  if (job.order.index >= 1 && job.order.index <= marks.uplinks())
    pinned = ports_.connections.list(job.order.family, marks.match(job.order.index));
  if (pinned && !job.parted.empty()) {
    const auto present = ports_.connections.list(job.order.family, {0, 0});
    add_parted(job.parted, present ? *present : std::vector<Connection>(), *pinned);
  }
  return pinned;
}

Result<std::vector<Connection>> ConnectionMover::list_forgotten(const Job& job) {
  auto present = ports_.connections.list(job.order.family, {0, 0});
  if (!present) return present;
  std::set<Key> there;
  for (const auto& one : *present) there.insert(key_of(one));
  std::vector<Connection> out;
  std::ranges::copy_if(job.parted, std::back_inserter(out),
                       [&](const Connection& one) { return !there.contains(key_of(one)); });
  return out;
}

Result<void> ConnectionMover::move_slice(Job& job) {
  const std::size_t size = std::min(kSlice, job.left.size());
  const auto slice = std::span<const Connection>(job.left).last(size);
  std::vector<ConnectionTuple> forwarded;
  std::vector<ConnectionTuple> own;
  std::vector<ConnectionTuple> own_opening;
  for (const auto& connection : slice) {
    if (must_be_told(connection)) {
      (is_local(connection, job.around->inside) ? own : forwarded).push_back(connection.original);
    } else {
      const bool is_udp = connection.protocol == ip_protocol::kUdp;
      ++(is_udp ? job.moved.udp : job.moved.other);
      if (connection.tcp_state == TcpState::syn_sent && is_local(connection, job.around->inside)) {
        own_opening.push_back(connection.original);
      }
      if (is_udp && is_local(connection, job.around->inside)) ++job.moved.udp_local;
    }
  }
  if (!forwarded.empty() && reset_) note("resets", reset_(forwarded));
  const auto removed = ports_.connections.remove(slice);
  note("connections", removed);
  if (!removed) return tl::unexpected<Error>(removed.error());
  const std::size_t told = own.size();
  own.insert(own.end(), own_opening.begin(), own_opening.end());
  const TiedUsers tied{job.around->tied_users, is_a_return(job.order.cause)};
  if (!own.empty()) note("this host's sockets", ports_.sockets.destroy(own, tied));
  if (!forwarded.empty()) note("clients", ports_.clients.notify(forwarded));
  job.moved.tcp_forwarded += forwarded.size();
  job.moved.tcp_local += told;
  job.left.resize(job.left.size() - size);
  return {};
}

void ConnectionMover::finish(const Result<void>& outcome) {
  Job job = std::move(jobs_.front());
  jobs_.pop_front();
  if (!jobs_.empty()) run_soon();
  job.moved.took = ports_.scheduler.now().mono - job.begun;
  if (outcome) {
    const auto text = cat("moved ", to_string(job.moved), " off ", describe(job.order), "; it took ",
                          format_milliseconds(job.moved.took));
    ports_.log.write(job.moved.total() == 0 ? LogLevel::debug : LogLevel::info, text);
  }
  if (!done_) return;
  if (outcome) {
    done_(job.order, job.moved);
  } else {
    done_(job.order, tl::unexpected<Error>(outcome.error()));
  }
}

template <class Value>
void ConnectionMover::note(std::string_view subject, const Result<Value>& outcome) {
  const std::string full = cat("moving flows: ", subject);
  if (outcome) {
    complaints_.accept(full);
  } else {
    complaints_.refuse(full, outcome.error().message, ports_.scheduler.now().mono);
  }
}

}  // namespace multilink
