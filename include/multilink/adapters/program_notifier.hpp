// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "multilink/adapters/event_loop.hpp"
#include "multilink/ports/notifier.hpp"

namespace multilink {

/// How a program is told of an alert.
struct ProgramCall {
  std::vector<std::string> command;  ///< its path first; no shell sees it
  std::string input;                 ///< for its standard input, at most 32 KiB
  std::vector<std::pair<std::string, std::string>> environment = {};  ///< over this process' own
};

/// Runs a program for each alert, without a shell and in a process group of its own. Exit status 0: it has taken it. One that has
/// not ended after kPatience is killed with what it has started.
class ProgramNotifier final : public Notifier {
 public:
  using MakeCall = std::function<ProgramCall(const Notification&)>;

  /// `loop` outlives this.
  ProgramNotifier(EventLoop& loop, MakeCall make_call);
  ~ProgramNotifier() override;  ///< kills the program

  void deliver(const Notification& notification, Done done) override;

 private:
  class Run;

  EventLoop& loop_;
  MakeCall make_call_;
  std::shared_ptr<Run> run_;
};

/// `command` of [notify]: the program gets the JSON on its standard input, and MULTILINK_SUBJECT and MULTILINK_TEXT in its
/// environment.
std::unique_ptr<Notifier> make_command_notifier(EventLoop& loop, const std::string& path);

/// `mail` of [notify]: one message to all, handed to the system's sendmail.
std::unique_ptr<Notifier> make_mail_notifier(EventLoop& loop, const std::vector<std::string>& addresses);

}  // namespace multilink
