// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/status_reader.hpp"

#include <utility>

#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"
#include "multilink/services/status_history.hpp"
#include "multilink/services/status_replies.hpp"

namespace multilink {

StatusReader::StatusReader(Scheduler& scheduler, Store& store, std::string site,
                           std::optional<ChartRange> range)
    : scheduler_(scheduler), store_(store), site_(std::move(site)), keys_(site_), range_(range) {}

void StatusReader::start(Duration deadline, Done done) {
  done_ = std::move(done);
  deadline_ = scheduler_.after(deadline, [this, deadline] {
    finish(fail(cat("Redis gave no answer within ", format_milliseconds(deadline, 0))));
  });
  Store::Events events;
  events.on_ready = [this] { read_suite(); };
  events.on_lost = [](const Error&) {};  // the store tries again by itself, until the deadline
  events.on_message = [](std::string_view, std::string_view) {};
  store_.start({}, std::move(events));
}

void StatusReader::read_suite() {
  if (!done_) return;
  store_.run(suite_commands(keys_), [this](Result<std::vector<Reply>> replies) {
    if (!replies) return;  // on_ready comes again, or the deadline
    StatusSnapshot snapshot{site_, scheduler_.now().wall, {}, fail("not read"), {}, {}, {}};
    take_suite_replies(keys_, *replies, snapshot);
    read_uplinks(std::move(snapshot));
  });
}

void StatusReader::read_uplinks(StatusSnapshot snapshot) {
  std::vector<Store::Command> commands;
  for (const auto& uplink : snapshot.uplinks) {
    for (auto& command : uplink_commands(keys_, uplink.name)) commands.push_back(std::move(command));
  }
  if (commands.empty()) return finish(std::move(snapshot));
  store_.run(std::move(commands),
             [this, snapshot = std::move(snapshot)](Result<std::vector<Reply>> replies) mutable {
               if (!replies) return;
               std::span<const Reply> rest(*replies);
               for (auto& uplink : snapshot.uplinks) {
                 take_uplink_replies(keys_, rest.first(kUplinkCommands), uplink, snapshot.problems);
                 rest = rest.subspan(kUplinkCommands);
               }
               read_history(std::move(snapshot));
             });
}

void StatusReader::read_history(StatusSnapshot snapshot) {
  if (!range_) return finish(std::move(snapshot));
  const auto wanted = history_wanted(snapshot, *range_);
  std::vector<Store::Command> commands;
  for (const auto& each : wanted) append_history_reads(keys_, each.piece, commands);
  store_.run(std::move(commands),
             [this, wanted, snapshot = std::move(snapshot)](Result<std::vector<Reply>> replies) mutable {
               if (!replies) return;
               take_history_replies(keys_, wanted, *replies, snapshot);
               finish(std::move(snapshot));
             });
}

void StatusReader::finish(Result<StatusSnapshot> result) {
  if (!done_) return;
  std::exchange(done_, nullptr)(std::move(result));
}

}  // namespace multilink
