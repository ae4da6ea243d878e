// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/cgi.hpp"

#include <gmock/gmock.h>

#include "fakes/status_sample.hpp"
#include "multilink/core/status_page.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Cgi, ReadsThePageWithGetAndHead) {
  EXPECT_FALSE(refuse({"GET", "", ""}).has_value());
  EXPECT_FALSE(refuse({"HEAD", "", ""}).has_value());
}

TEST(Cgi, RefusesOtherMethods) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "", "GET\r\nX: y"}) {
    const auto refused = refuse({method, "", ""});
    ASSERT_TRUE(refused.has_value()) << method;
    EXPECT_EQ(refused->status, 405);
    EXPECT_EQ(refused->extra_headers, "Allow: GET, HEAD\r\n");
  }
}

TEST(Cgi, RefusesPathsAndParameters) {
  EXPECT_EQ(refuse({"GET", "/etc/passwd", ""})->status, 404);
  EXPECT_EQ(refuse({"GET", "/", ""})->status, 404);
  EXPECT_EQ(refuse({"GET", "", "a=<script>"})->status, 400);
  EXPECT_THAT(refuse({"GET", "", "a=<script>"})->body, Not(HasSubstr("<script")));
}

TEST(Cgi, AnswersWithThePageOrSaysWhatStillWorks) {
  EXPECT_EQ(status_response(fakes::sample_snapshot()).status, 200);
  const auto failed = status_response(fail("Redis gave no answer within 1000 ms"));
  EXPECT_EQ(failed.status, 503);
  EXPECT_THAT(failed.body, HasSubstr("Redis gave no answer within 1000 ms"));
  EXPECT_THAT(failed.body, HasSubstr("What still works"));
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
  const auto response = status_response(fakes::sample_snapshot());
  const std::string get = to_wire(response, "GET");
  EXPECT_EQ(get, to_wire(response, "HEAD") + response.body);
}

}  // namespace
}  // namespace multilink
