// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/proxy_record.hpp"

#include <gmock/gmock.h>

#include "multilink/core/proxy_report.hpp"

namespace multilink {
namespace proxy_record_test {

using testing::HasSubstr;

ProxyRecord sample() {
  ProxyRecord record;
  record.usable = true;
  record.share = 0.75;
  record.weight = 3;
  record.rtt = std::chrono::microseconds(20123);
  record.since = WallTime(std::chrono::milliseconds(1'767'225'600'000));
  record.choices = 300;
  record.alternatives = 100;
  record.parent = ParentFigures{301, 2, 20480};
  return record;
}

TEST(ProxyRecord, IsReadAsItIsWritten) {
  EXPECT_EQ(ProxyRecord::decode(sample().encode()), sample());
  auto silent = sample();
  silent.parent.reset();
  EXPECT_EQ(ProxyRecord::decode(silent.encode()), silent);
  EXPECT_EQ(ProxyRecord::decode(ProxyRecord{}.encode()), ProxyRecord{});
}

TEST(ProxyRecord, AFieldThatIsWrongOrMissingIsNamed) {
  for (const auto& [field, value] : Fields{{"usable", "yes"},
                                           {"share", "1.5"},
                                           {"weight", "0"},
                                           {"rtt_us", "-1"},
                                           {"since", "x"},
                                           {"choices", "-1"},
                                           {"alternatives", ""},
                                           {"parent.requests", "1.5"},
                                           {"parent.errors", "x"},
                                           {"parent.memory_kib", "-"}}) {
    auto fields = sample().encode();
    fields[field] = value;
    const auto wrong = ProxyRecord::decode(fields);
    ASSERT_FALSE(wrong) << field;
    EXPECT_THAT(wrong.error().message, HasSubstr(field));
    fields.erase(field);
    EXPECT_FALSE(ProxyRecord::decode(fields)) << field;
  }
}

TEST(ProxyRecord, TakesTheFiguresOutOfSquidsPages) {
  const std::string counters =
      "HTTP/1.1 200 OK\r\n\r\nsample_time = 1.0\nclient_http.requests = 42\nclient_http.errors = 3\n";
  const std::string info = "Squid Object Cache: Version 5.7\n\tTotal space in arena:   61824 KB\n";
  EXPECT_EQ(parse_parent_pages(counters, info), (ParentFigures{42, 3, 61824}));
  EXPECT_EQ(parse_parent_pages(counters, ""), std::nullopt);
  EXPECT_EQ(parse_parent_pages("", info), std::nullopt);
  EXPECT_EQ(parse_parent_pages("client_http.requests = x\n", info), std::nullopt);
  EXPECT_EQ(parse_parent_pages(counters, "\tMaximum Resident Size: 17408 KB\n")->memory_kib, 17408U);
}

TEST(ProxyReport, ShowsWhatIsKnownAndSaysWhatIsNot) {
  const std::vector<ProxyLine> lines{{"wan1", sample()}, {"wan2", fail("the helper does not report")}};
  EXPECT_EQ(render_proxy_text(lines),
            "UPLINK  USED  SHARE  WEIGHT  RTT      CHOSEN  REQUESTS  ERRORS  MEMORY\n"
            "wan1    yes   75%    3       20.1 ms  300     301       2       20 MB\n"
            "wan2    -     -      -       -        -       -         -       the helper does not report\n");
  const auto json = render_proxy_json(lines);
  EXPECT_THAT(json, HasSubstr("\"share\": 0.75"));
  EXPECT_THAT(json, HasSubstr("\"problem\": \"the helper does not report\""));
}

}  // namespace proxy_record_test
}  // namespace multilink
