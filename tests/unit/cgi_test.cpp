// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/cgi.hpp"

#include <gmock/gmock.h>

#include "fakes/status_sample.hpp"
#include "multilink/core/status_page.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace cgi_test {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Cgi, ReadsThePageWithGetAndHead) {
  const PageRequest page;
  EXPECT_EQ(understand({"GET", "", ""}), page);
  EXPECT_EQ(understand({"HEAD", "", ""}), page);
  EXPECT_EQ(understand({"GET", "", "format=html"}), page);
  EXPECT_EQ(understand({"GET", "", "format=json"}), PageRequest{PageFormat::json});
  EXPECT_EQ(understand({"GET", "", "format=prometheus"}), PageRequest{PageFormat::prometheus});
}

TEST(Cgi, ReadsTheRangeOfTheHistory) {
  EXPECT_EQ(understand({"GET", "", "range=1h"}), (PageRequest{PageFormat::html, ChartRange::hour}));
  EXPECT_EQ(understand({"GET", "", "range=30d&format=html"}),
            (PageRequest{PageFormat::html, ChartRange::month}));
  EXPECT_EQ(understand({"GET", "", "format=csv"}), (PageRequest{PageFormat::csv, ChartRange::day}));
  EXPECT_EQ(understand({"GET", "", "format=csv&range=1h"}), (PageRequest{PageFormat::csv, ChartRange::hour}));
  EXPECT_EQ(PageRequest{PageFormat::json}.history(), std::nullopt) << "nothing is read that is not shown";
}

TEST(Cgi, RefusesOtherMethods) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "", "GET\r\nX: y"}) {
    const auto refused = understand({method, "", ""});
    ASSERT_FALSE(refused.has_value()) << method;
    EXPECT_EQ(refused.error().status, 405);
    EXPECT_EQ(refused.error().extra_headers, "Allow: GET, HEAD\r\n");
  }
}

TEST(Cgi, RefusesPathsAndParameters) {
  EXPECT_EQ(understand({"GET", "/etc/passwd", ""}).error().status, 404);
  EXPECT_EQ(understand({"GET", "/", ""}).error().status, 404);
  for (const char* query :
       {"a=<script>", "format=xml", "format=json&format=json", "format=", "FORMAT=json", "&", "range=2h",
        "range=", "range=1h&range=1h", "format=json&range=1h", "format=csv&", "range", "range=1h&x=y"}) {
    const auto refused = understand({"GET", "", query});
    ASSERT_FALSE(refused.has_value()) << query;
    EXPECT_EQ(refused.error().status, 400);
    EXPECT_THAT(refused.error().body, Not(HasSubstr("<script")));
  }
}

TEST(Cgi, RefusesInTheFormAskedFor) {
  const auto json = understand({"GET", "", "format=json&range=2h"}).error();
  EXPECT_EQ(json.status, 400);
  EXPECT_EQ(json.type, "application/json");
  EXPECT_THAT(json.body, HasSubstr("\"unavailable\": \"This page takes two parameters"));
  const auto method = understand({"POST", "", "format=json"}).error();
  EXPECT_EQ(method.extra_headers, "Allow: GET, HEAD\r\n");
  EXPECT_EQ(method.type, "application/json");
  for (const auto* query : {"format=csv&format=csv", "format=prometheus&x"}) {
    const auto text = understand({"GET", "", query}).error();
    EXPECT_EQ(text.type, "text/plain; charset=utf-8") << query;
    EXPECT_THAT(text.body, StartsWith("This page takes two parameters"));
  }
  EXPECT_EQ(understand({"GET", "/x", "format=csv"}).error().body,
            "There is one page, and nothing below it.\n");
}

TEST(Cgi, AnswersWithThePageOrSaysWhatStillWorks) {
  EXPECT_EQ(status_response(fakes::sample_snapshot(), {PageFormat::html}).status, 200);
  const auto failed = status_response(fail("Redis gave no answer within 1000 ms"), {PageFormat::html});
  EXPECT_EQ(failed.status, 503);
  EXPECT_THAT(failed.body, HasSubstr("Redis gave no answer within 1000 ms"));
  EXPECT_THAT(failed.body, HasSubstr("What still works"));
}

TEST(Cgi, AnswersInTheFormAskedFor) {
  const Result<StatusSnapshot> lost = fail("Redis gave no answer within 1000 ms");
  const auto json = status_response(fakes::sample_snapshot(), {PageFormat::json});
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(json.type, "application/json");
  EXPECT_THAT(json.body, StartsWith("{"));
  const auto no_json = status_response(lost, {PageFormat::json});
  EXPECT_EQ(no_json.status, 503);
  EXPECT_EQ(no_json.body,
            "{\n  \"version\": 1,\n  \"unavailable\": \"Redis gave no answer within 1000 ms\"\n}\n");
  const auto metrics = status_response(fakes::sample_snapshot(), {PageFormat::prometheus});
  EXPECT_EQ(metrics.status, 200);
  EXPECT_THAT(metrics.type, StartsWith("application/openmetrics-text; version=1.0.0"));
  const auto no_metrics = status_response(lost, {PageFormat::prometheus});
  EXPECT_EQ(no_metrics.status, 503);
  EXPECT_EQ(no_metrics.body, "Redis gave no answer within 1000 ms\n");
}

TEST(Cgi, GivesTheHistoryAsCsv) {
  auto snapshot = fakes::sample_snapshot();
  HistoryRecord record;
  record.up = std::chrono::seconds(60);
  record.probes = 60;
  record.lost = 3;
  record.rtt = record.rtt_most = std::chrono::microseconds(20'300);
  const HistoryTime begin = std::chrono::sys_days(std::chrono::year(2026) / 11 / 25);
  snapshot.uplinks[0].history[Family::v4].day = {HistoryStep::minute, begin, {{}, record}};
  const auto csv = status_response(snapshot, {PageFormat::csv});
  EXPECT_EQ(csv.status, 200);
  EXPECT_THAT(csv.type, StartsWith("text/csv"));
  EXPECT_EQ(csv.body,
            "time,uplink,family,length_s,up_s,suspect_s,down_s,unknown_s,probes,lost,rtt_ms,rtt_max_ms,"
            "jitter_ms\r\n"
            "2026-11-25T00:01:00.000Z,\"fibre\",4,60,60,0,0,0,60,3,20.3,20.3,0\r\n");
  EXPECT_EQ(status_response(fail("no"), {PageFormat::csv}).status, 503);
}

TEST(Cgi, SpeaksAsRfc3875Wants) {
  const CgiResponse response{503, "<p>body</p>", "Retry-After: 5\r\n"};
  const std::string wire = to_wire(response, "GET");
  EXPECT_THAT(wire, StartsWith("Status: 503 Service Unavailable\r\nContent-Type: text/html; charset=utf-8\r\n"
                               "Content-Length: 11\r\n"));
  EXPECT_THAT(wire, EndsWith("\r\nRetry-After: 5\r\n\r\n<p>body</p>"));
  EXPECT_THAT(wire, HasSubstr(cat("\r\nContent-Security-Policy: ", page_security_policy(), "\r\n")));
  for (const char* header : {"X-Content-Type-Options: nosniff", "X-Frame-Options: DENY",
                             "Cache-Control: no-store", "Referrer-Policy: no-referrer"}) {
    EXPECT_THAT(wire, HasSubstr(cat("\r\n", header, "\r\n")));
  }
}

TEST(Cgi, GivesHeadTheHeadersAlone) {
  const auto response = status_response(fakes::sample_snapshot(), {PageFormat::html});
  const std::string get = to_wire(response, "GET");
  EXPECT_EQ(get, to_wire(response, "HEAD") + response.body);
}

}  // namespace cgi_test
}  // namespace multilink
