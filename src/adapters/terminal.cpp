// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "multilink/core/terminal_text.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

bool put(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

}  // namespace

bool shows_colours() {
  return isatty(STDOUT_FILENO) == 1 && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
}

LiveScreen::LiveScreen() {
  enter();
}

LiveScreen::~LiveScreen() {
  leave();
}

void LiveScreen::enter() {
  if (!is_entered_) put("\x1b[?1049h\x1b[?25l");
  is_entered_ = true;
}

void LiveScreen::leave() {
  if (is_entered_) put("\x1b[?25h\x1b[?1049l");
  is_entered_ = false;
}

bool LiveScreen::show(std::string_view text) {
  winsize size{};
  constexpr unsigned short kRows = 24, kColumns = 80;
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0;
  const auto fitting =
      fit_to_screen(text, (known ? size.ws_row : kRows) - 1U, known ? size.ws_col : kColumns);
  std::string frame = "\x1b[H";
  for (const auto line : split(fitting, '\n')) frame += cat(line, "\x1b[K\r\n");
  // What is behind the last line would scroll the screen.
  frame.erase(frame.rfind("\x1b[K\r\n"));
  return put(frame + "\x1b[J");
}

}  // namespace multilink
