// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/html.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace html_test {

TEST(Html, EscapesMarkup) {
  EXPECT_EQ(html_text(R"(<script>alert("x" & 'y')</script>)"),
            "&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)&lt;/script&gt;");
}

TEST(Html, KeepsWellFormedUtf8) {
  EXPECT_EQ(html_text("Zürich → 🚀"), "Zürich → 🚀");
}

TEST(Html, ReplacesControlCharacters) {
  using namespace std::string_literals;
  EXPECT_EQ(html_text("a\nb\tc\x1b[31m\0d\x7f"s), "a b c\uFFFD[31m\uFFFDd\uFFFD");
  EXPECT_EQ(html_text("\u0085"), "\uFFFD\uFFFD");
}

TEST(Html, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(html_text("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(html_text("\xC0\xAF"), "\uFFFD\uFFFD") << "overlong '/'";
  EXPECT_EQ(html_text("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD") << "a surrogate";
  EXPECT_EQ(html_text("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD") << "above U+10FFFF";
  EXPECT_EQ(html_text("\xE2\x82"), "\uFFFD\uFFFD") << "cut off";
}

TEST(Html, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(html_text(std::string(300, 'x')), std::string(300, 'x'));
  EXPECT_EQ(html_text(std::string(10'240, 'x')), std::string(300, 'x') + "…");
  EXPECT_EQ(html_text("aé", 2), "a…");
  EXPECT_EQ(html_text("<<<", 2), "&lt;&lt;…");
}

}  // namespace html_test
}  // namespace multilink
