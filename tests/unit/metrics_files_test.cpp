// SPDX-License-Identifier: GPL-2.0-or-later
// docs/metrics.md and docs/grafana.json against the metrics.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "fakes/status_sample.hpp"
#include "multilink/core/status_metrics.hpp"

namespace multilink {
namespace metrics_files_test {

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

TEST(MetricsFiles, TheDashboardAsksForNoOthers) {
  std::ifstream file(MULTILINK_SOURCE_DIR "/docs/grafana.json");
  const auto dashboard = nlohmann::json::parse(file);
  const auto metrics = render_status_metrics(fakes::failed_over_snapshot());
  const std::regex name("multilink_[a-z_]+");
  int count = 0;
  for (const auto& panel : dashboard.at("panels")) {
    for (const auto& target : panel.at("targets")) {
      const auto expression = target.at("expr").get<std::string>();
      for (std::sregex_iterator found(expression.begin(), expression.end(), name), end; found != end;
           ++found) {
        EXPECT_THAT(metrics, HasSubstr("# TYPE " + found->str() + " ")) << panel.at("title");
        ++count;
      }
    }
  }
  EXPECT_GE(count, 8);
}

}  // namespace metrics_files_test
}  // namespace multilink
