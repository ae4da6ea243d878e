// SPDX-License-Identifier: GPL-2.0-or-later
// docs/metrics.md against the metrics.
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "fakes/status_sample.hpp"
#include "multilink/core/status_metrics.hpp"

namespace multilink {
namespace {

using testing::HasSubstr;

TEST(MetricsFiles, AllAreInTheDocument) {
  std::ifstream file(MULTILINK_SOURCE_DIR "/docs/metrics.md");
  const std::string document{std::istreambuf_iterator<char>(file), {}};
  std::istringstream metrics(render_status_metrics(fakes::failed_over_snapshot()));
  int count = 0;
  for (std::string line; std::getline(metrics, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    const auto name = line.substr(7, line.find(' ', 7) - 7);
    EXPECT_THAT(document, HasSubstr("`" + name + "`"));
    ++count;
  }
  EXPECT_GE(count, 15);
}

}  // namespace
}  // namespace multilink
