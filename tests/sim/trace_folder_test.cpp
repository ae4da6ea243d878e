// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/trace_folder.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "multilink/core/text.hpp"

namespace multilink::sim {
namespace trace_folder_test {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class TraceFolderTest : public testing::Test {
 protected:
  TraceFolderTest() { fs::create_directories(folder_); }
  ~TraceFolderTest() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }

  const fs::path folder_ =
      fs::path(testing::TempDir()) /
      cat("traces-", ::getpid(), "-", testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(TraceFolderTest, JoinsCutAFileIntoSegmentsThatBeginAtZero) {
  write("a.csv", "# link: cable; source: a test; interval: 1 s; unit ms\n0.000,10\n1.000,\n2.5,30\n3.5,40\n");
  write("b.csv", "0,10\n1,20\n");
  write("joins.json", R"({"a.csv": [0.0, 2.5]})");
  const auto folder = read_trace_folder(folder_);
  ASSERT_TRUE(folder) << folder.error().message;
  ASSERT_EQ(folder->series.size(), 2U);
  const auto& a = folder->series[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.link, "cable");
  ASSERT_EQ(a.segments.size(), 2U);
  EXPECT_EQ(a.segments[0], (LinkTrace{{0s, 10ms}, {1s, std::nullopt}}));
  EXPECT_EQ(a.segments[1], (LinkTrace{{0s, 30ms}, {1s, 40ms}}));
  EXPECT_EQ(folder->series[1].segments.size(), 1U);
  EXPECT_EQ(folder->series[1].link, "");
  EXPECT_TRUE(folder->groups.empty());
}

TEST_F(TraceFolderTest, SeriesOfTheSameDriveAreAGroupWithAsManySessionsAsAllLinksHave) {
  write("maine2024_a_ping_1.csv", "0,10\n1,10\n2,10\n3,10\n4,10\n");
  write("maine2024_b_ping_1.csv", "0,20\n1,20\n2,20\n");
  write("maine2024_b_dish_1.csv", "0,20\n1,20\n2,20\n");
  write("joins.json", R"({"maine2024_a_ping_1.csv": [0, 3]})");
  const auto folder = read_trace_folder(folder_);
  ASSERT_TRUE(folder) << folder.error().message;
  ASSERT_EQ(folder->groups.size(), 1U);
  EXPECT_EQ(folder->groups[0].members, (std::vector<std::size_t>{0, 2}));
  const auto sessions = sessions_of(*folder, folder->groups[0]);
  ASSERT_EQ(sessions.size(), 1U);
  EXPECT_EQ(sessions[0][0].size(), 3U);
  EXPECT_EQ(sessions[0][1].size(), 3U);
}

TEST_F(TraceFolderTest, SessionsPutEndToEndKeepTheLinksSideBySide) {
  const LinkTrace one{{0s, 10ms}, {1s, 10ms}};
  const LinkTrace shorter{{0s, 20ms}, {500ms, 20ms}};
  const auto run = put_end_to_end({{one, shorter}, {one, one}});
  ASSERT_EQ(run.size(), 2U);
  EXPECT_EQ(run[0], (LinkTrace{{0s, 10ms}, {1s, 10ms}, {2s, 10ms}, {3s, 10ms}}));
  EXPECT_EQ(run[1], (LinkTrace{{0s, 20ms}, {500ms, 20ms}, {2s, 10ms}, {3s, 10ms}}));
}

TEST_F(TraceFolderTest, ErrorsNameTheFile) {
  EXPECT_FALSE(read_trace_folder(folder_ / "missing"));
  const auto empty = read_trace_folder(folder_);
  ASSERT_FALSE(empty);
  EXPECT_NE(empty.error().message.find("*.csv"), std::string::npos);
  write("a.csv", "0,10\n1,ten\n");
  const auto bad = read_trace_folder(folder_);
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("a.csv:2"), std::string::npos) << bad.error().message;
  write("a.csv", "0,10\n");
  write("joins.json", "[1, 2");
  const auto joins = read_trace_folder(folder_);
  ASSERT_FALSE(joins);
  EXPECT_NE(joins.error().message.find("joins.json"), std::string::npos);
}

}  // namespace trace_folder_test
}  // namespace multilink::sim
