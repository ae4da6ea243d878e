// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/terminal_text.hpp"

#include <gtest/gtest.h>

#include "fakes/status_sample.hpp"
#include "multilink/core/status_text.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace terminal_text_test {

TEST(TerminalText, CountsColumnsWithoutColours) {
  EXPECT_EQ(columns_of(""), 0U);
  EXPECT_EQ(columns_of("down"), 4U);
  EXPECT_EQ(columns_of(painted("down", TextColour::red)), 4U);
  EXPECT_EQ(align_columns({{painted("up", TextColour::green), "x"}, {"suspect", "y"}}),
            "\x1b[32mup\x1b[0m       x\nsuspect  y\n");
}

TEST(TerminalText, FitsToTheScreen) {
  EXPECT_EQ(fit_to_screen("abc\ndef\n", 5, 2), "ab\nde\n");
  EXPECT_EQ(fit_to_screen("a\nb\nc\nd\n", 3, 80), "a\nb\n... and 2 lines more\n");
  EXPECT_EQ(fit_to_screen("a\nb\nc\n", 3, 80), "a\nb\nc\n");
  EXPECT_EQ(fit_to_screen(painted("abcd", TextColour::red), 3, 2), "\x1b[1;31mab\x1b[0m\n")
      << "the colour ends";
  EXPECT_EQ(fit_to_screen("x" + painted("abcd", TextColour::red), 3, 5), "x\x1b[1;31mabcd\x1b[0m\n");
  EXPECT_EQ(fit_to_screen("abc", 0, 5), "");
}

TEST(TerminalText, AStatusInColourIsTheSameWithoutIt) {
  auto snapshot = fakes::failed_over_snapshot();
  const auto plain = render_status_text(snapshot);
  auto painted_text = render_status_text(snapshot, StatusPaint::colour);
  EXPECT_NE(painted_text, plain);
  for (auto at = painted_text.find('\x1b'); at != std::string::npos; at = painted_text.find('\x1b'))
    painted_text.erase(at, painted_text.find('m', at) + 1 - at);
  EXPECT_EQ(painted_text, plain);
}

}  // namespace terminal_text_test
}  // namespace multilink
