// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

namespace multilink {

/// Whether standard output is a terminal that shows colours: not with NO_COLOR (no-color.org) or TERM=dumb.
bool shows_colours();

/// The terminal of standard output while something is shown live: the alternate screen, without cursor. The destructor leaves the
/// terminal as it was.
class LiveScreen {
 public:
  LiveScreen();
  ~LiveScreen();
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  void enter();
  void leave();
  /// Shows the text from the first line on, as much as there is room for. False: nobody is there to see it.
  bool show(std::string_view text);

 private:
  bool is_entered_ = false;
};

}  // namespace multilink
