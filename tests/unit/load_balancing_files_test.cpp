// SPDX-License-Identifier: GPL-2.0-or-later
// docs/load-balancing.md and the code say the same.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <string>

#include "multilink/core/parent_choice.hpp"

namespace multilink {
namespace load_balancing_files_test {

using std::chrono::milliseconds;

TEST(LoadBalancingFiles, TheTableOfSharesIsWhatComesAbout) {
  std::ifstream file(std::string(MULTILINK_SOURCE_DIR) + "/docs/load-balancing.md");
  const std::regex row(
      R"(\| weight (\d+), (\d+) ms \| weight (\d+), (\d+) ms \| (\S+) : (\S+), so ([\d.]+) % and ([\d.]+) % \|)");
  std::smatch cells;
  int rows = 0;
  for (std::string line; std::getline(file, line);) {
    if (!std::regex_match(line, cells, row)) continue;
    ++rows;
    const auto candidate = [&](const char* name, std::size_t first) {
      return ParentCandidate{name, static_cast<unsigned>(std::stoi(cells[first])),
                             milliseconds(std::stoi(cells[first + 1]))};
    };
    EXPECT_EQ(cells[5], cells[1].str() + "/" + cells[2].str()) << line;
    EXPECT_EQ(cells[6], cells[3].str() + "/" + cells[4].str()) << line;
    const std::vector<ParentCandidate> both{candidate("fibre", 1), candidate("cable", 3)};
    const auto shares = shares_of(both);
    EXPECT_NEAR(100 * shares[0], std::stod(cells[7]), 0.05) << line;
    EXPECT_NEAR(100 * shares[1], std::stod(cells[8]), 0.05) << line;
    ParentChoice choice;
    int by_fibre = 0;
    for (int i = 0; i < 10000; ++i) by_fibre += choice.choose(both)->use == "fibre" ? 1 : 0;
    EXPECT_NEAR(by_fibre / 100.0, std::stod(cells[7]), 0.1) << line;
  }
  EXPECT_EQ(rows, 5);
}

}  // namespace load_balancing_files_test
}  // namespace multilink
