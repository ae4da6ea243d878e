// SPDX-License-Identifier: GPL-2.0-or-later
// status.cgi under the web servers it is served by, over a real Redis.

#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "fakes/http_client.hpp"
#include "fakes/own_network.hpp"
#include "fakes/program.hpp"
#include "fakes/real_redis.hpp"
#include "fakes/status_sample.hpp"
#include "integration/page_server.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace status_page_test {

using testing::HasSubstr;

constexpr const char* kCgi = MULTILINK_BIN_DIR "/status.cgi";

void write(const fakes::RealRedis& redis, const StatusSnapshot& snapshot) {
  for (const auto& command : fakes::commands_to_write(snapshot)) {
    const auto reply = redis.execute(command);
    ASSERT_FALSE(std::holds_alternative<Reply::Failure>(reply.value)) << printable(command.front());
  }
}

class StatusPageTest : public testing::TestWithParam<PageServer> {
 protected:
  static void SetUpTestSuite() { fakes::enter_own_network(); }

  void SetUp() override {
    std::filesystem::permissions(redis.directory(), std::filesystem::perms(0755));
    write(redis, fakes::sample_snapshot());
  }

  fakes::HttpAnswer request(const std::string& method, const std::string& behind = {}) const {
    return fakes::http_request(kPagePort, method, GetParam().path + behind, GetParam().headers);
  }

  fakes::RealRedis redis{{"unixsocketperm 777"}};
  RunningPageServer server{GetParam(), redis.address().to_string()};
};

TEST_P(StatusPageTest, ShowsWhatIsInRedis) {
  const auto page = request("GET");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(page.headers.at("cache-control"), "no-store");
  EXPECT_THAT(page.headers.at("content-security-policy"),
              HasSubstr("default-src 'none'; style-src 'sha256-"));
  EXPECT_THAT(page.headers.at("content-security-policy"), HasSubstr("; script-src 'sha256-"));
  if (const auto length = page.headers.find("content-length");
      length != page.headers.end()) {  // Apache leaves it out
    EXPECT_EQ(length->second, std::to_string(page.body.size()));
  }
  EXPECT_THAT(page.body, HasSubstr("fibre carries the traffic."));
  write(redis, fakes::failed_over_snapshot());
  EXPECT_THAT(request("GET").body, HasSubstr("lte carries the traffic."));
}

TEST_P(StatusPageTest, IsWellFormedAndItsStyleIsTheOneThePolicyAllows) {
  constexpr const char* kCheck = R"(
import base64, hashlib, sys, xml.etree.ElementTree as tree
page = tree.fromstring(sys.argv[1].encode())
style = "".join(each.text for each in page.iter("style"))
script = "".join(each.text for each in page.iter("script"))
print("; ".join(kind + "-src 'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
                for kind, text in (("style", style), ("script", script))), end=""))";
  auto snapshot = fakes::failed_over_snapshot();
  snapshot.uplinks[0].health->families[Family::v4].reason = "<script>alert(\"1\")</script> & 'x'";
  write(redis, snapshot);
  const auto page = request("GET");
  EXPECT_THAT(page.body, HasSubstr("&lt;script&gt;alert("));
  const auto checked = fakes::run_program({{"/usr/bin/python3", "-c", kCheck, page.body}});
  EXPECT_EQ(checked.status, 0) << checked.err;
  EXPECT_THAT(page.headers.at("content-security-policy"), HasSubstr(checked.out));
}

TEST_P(StatusPageTest, GivesMonitoringSystemsWhatTheyTake) {
  const auto json = request("GET", "?format=json");
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(json.headers.at("content-type"), "application/json");
  EXPECT_EQ(nlohmann::json::parse(json.body)["summary"]["level"], "ok");
  const auto metrics = request("GET", "?format=prometheus");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_EQ(metrics.headers.at("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
  const auto promtool = fakes::run_program({{"/bin/sh", "-c", "printf %s \"$1\" | \"$2\" check metrics", "sh",
                                             metrics.body, MULTILINK_SOURCE_DIR "/build/tools/promtool"}});
  EXPECT_EQ(promtool.status, 0) << promtool.out << promtool.err;
  EXPECT_EQ(promtool.out + promtool.err, "");
}

TEST_P(StatusPageTest, ShowsTheHistoryInEachRange) {
  for (const auto* range : {"1h", "24h", "30d"}) {
    const auto page = request("GET", cat("?range=", range));
    EXPECT_EQ(page.status, 200);
    EXPECT_THAT(page.body, HasSubstr(cat("aria-current=\"page\"><strong>", range)));
    EXPECT_THAT(page.body, HasSubstr("<svg class=\"strip\""));
    const auto csv = request("GET", cat("?format=csv&range=", range));
    EXPECT_EQ(csv.status, 200);
    EXPECT_THAT(csv.body, testing::StartsWith("time,uplink,family,"));
  }
}

TEST_P(StatusPageTest, GivesHeadNoBody) {
  const auto head = request("HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.headers.at("content-type"), "text/html; charset=utf-8");
}

TEST_P(StatusPageTest, RefusesWhatItDoesNotDo) {
  const auto post = fakes::http_request(kPagePort, "POST", GetParam().path,
                                        cat(GetParam().headers, "Content-Length: 0\r\n"));
  EXPECT_EQ(post.status, 405);
  EXPECT_EQ(post.headers.at("allow"), "GET, HEAD");
  EXPECT_EQ(request("GET", "?a=b").status, 400);
  EXPECT_EQ(request("GET", "/below").status, 404);
  EXPECT_EQ(request("GET").status, 200);
}

TEST_P(StatusPageTest, SaysWhatStillWorksWithoutRedis) {
  redis.kill();
  const auto down = request("GET");
  EXPECT_EQ(down.status, 503);
  EXPECT_THAT(down.body, HasSubstr("Redis gave no answer within 1000 ms"));
  EXPECT_THAT(down.body, testing::AnyOf(HasSubstr("Connection refused"), HasSubstr("No such file")));
  EXPECT_THAT(down.body, HasSubstr("What still works"));
  EXPECT_LT(down.took, std::chrono::milliseconds(3000));
  redis.start();
  EXPECT_EQ(request("GET").status, 200);
  redis.freeze();
  EXPECT_EQ(request("GET").status, 503);
  redis.thaw();
}

TEST_P(StatusPageTest, AsksForThePasswordIfThereIsOne) {
  if (!GetParam().has_password()) return;
  const auto stranger = fakes::http_request(kPagePort, "GET", GetParam().path);
  EXPECT_EQ(stranger.status, 401);
  EXPECT_EQ(stranger.body.find("fibre"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(, StatusPageTest, testing::ValuesIn(page_servers()),
                         [](const auto& server) { return std::string(server.param.name); });

TEST(StatusCgi, AnswersAPersonAtATerminalButNoArgumentOfAServer) {
  EXPECT_THAT(fakes::run_program({{kCgi, "--help"}}).out, HasSubstr("MULTILINK_REDIS"));
  EXPECT_THAT(fakes::run_program({{kCgi, "--version"}}).out, HasSubstr("status.cgi (multilink)"));
  const auto wrong = fakes::run_program({{kCgi, "--verison"}});
  EXPECT_EQ(wrong.status, 64);
  EXPECT_THAT(wrong.err, HasSubstr("unknown option '--verison'"));
  const auto asked = fakes::run_program({{kCgi, "--version"}, {{"REQUEST_METHOD", "POST"}}});
  EXPECT_THAT(asked.out, HasSubstr("Status: 405"))
      << "a query without '=' becomes an argument (RFC 3875, 4.4)";
}

}  // namespace status_page_test
}  // namespace multilink
