// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "multilink/core/time.hpp"
#include "multilink/ports/log.hpp"

namespace multilink {

/// Warns of what was refused, but never in a flood, whatever somebody writes into a key: one line when a
/// subject gets a fault or gets another one, and at most one each kPause about the same subject.
class Complaints {
 public:
  static constexpr Duration kPause = std::chrono::seconds(10);

  explicit Complaints(Log& log) : log_(log) {}

  /// `subject` is what is at fault (a key): from a set that does not grow with what others write.
  void refuse(std::string_view subject, std::string_view fault, MonoTime now);
  /// The subject is in order (again): the next fault is news.
  void accept(std::string_view subject);

 private:
  struct Said {
    std::string fault;
    MonoTime at;
  };
  Log& log_;
  std::map<std::string, Said, std::less<>> said_;
};

}  // namespace multilink
