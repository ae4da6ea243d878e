// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/status_page.hpp"

#include <gmock/gmock.h>

#include "fakes/history_sample.hpp"
#include "fakes/status_sample.hpp"
#include "multilink/core/page_frame.hpp"
#include "multilink/core/status_summary.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace status_page_test {

using fakes::failed_over_snapshot;
using fakes::sample_snapshot;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kAttack = "</td><script>alert(\"1\")</script><img src='x' onerror='y'>\n&";
constexpr const char* kEscaped =
    "&lt;/td&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&lt;img src=&#39;x&#39; "
    "onerror=&#39;y&#39;&gt; &amp;";

std::size_t count(const std::string& text, std::string_view piece) {
  std::size_t found = 0;
  for (auto at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++found;
  return found;
}

TEST(StatusPage, ShowsEachUplinkInWords) {
  const std::string page = render_status_page(failed_over_snapshot());
  EXPECT_THAT(page, HasSubstr("<p class=\"verdict attention\">fibre is down. lte carries the traffic.</p>"));
  EXPECT_THAT(page, HasSubstr("<strong>fibre</strong> <span class=\"faint\">eth0</span>"));
  EXPECT_THAT(page, HasSubstr("<span class=\"state failed\">down</span>"));
  EXPECT_THAT(page, HasSubstr("<span class=\"state ok\">up</span>"));
  EXPECT_THAT(page, HasSubstr("loss 24 % over 60 s exceeds loss_down 20 %"));
  EXPECT_THAT(page, HasSubstr("data-label=\"Loss\"><span>5 %</span>"));
  EXPECT_THAT(page, HasSubstr("data-label=\"RTT\"><span>20.3 ms</span>"));
  EXPECT_THAT(page, HasSubstr("data-label=\"Status\"><span>FALSE</span>"));
  EXPECT_THAT(page, HasSubstr("data-label=\"Traffic\"><span>carries</span>"));
  EXPECT_THAT(page, HasSubstr("data-label=\"Traffic\"><span>none</span>")) << "fibre is down";
  EXPECT_THAT(page, HasSubstr("answered, 1 s ago"));
  EXPECT_THAT(page, HasSubstr("unknown → up"));
}

TEST(StatusPage, TellsOfWeightsWhereUplinksShareTheTraffic) {
  auto snapshot = sample_snapshot();
  EXPECT_THAT(render_status_page(snapshot), HasSubstr("data-label=\"Precedence\"><span>2</span>"));
  snapshot.uplinks[1].health->precedence = 1;
  snapshot.uplinks[1].health->weight = 3;
  EXPECT_THAT(render_status_page(snapshot), HasSubstr("data-label=\"Precedence\"><span>1, weight 3</span>"));
}

TEST(StatusPage, ShowsTheSharesOfTheWebProxy) {
  auto snapshot = sample_snapshot();
  EXPECT_THAT(render_status_page(snapshot), Not(HasSubstr("Web proxy")));
  ProxyRecord proxy;
  proxy.usable = true;
  proxy.share = 0.25;
  proxy.parent = ParentFigures{1'000, 7, 30'000};
  snapshot.uplinks[0].proxy = proxy;
  const auto page = render_status_page(snapshot);
  EXPECT_THAT(page, HasSubstr("<h2>Web proxy</h2>"));
  EXPECT_THAT(page, HasSubstr("data-label=\"Share\"><span>25 %</span>"));
  EXPECT_THAT(page, HasSubstr("data-label=\"Requests\"><span>1000</span>"));
  snapshot.uplinks[0].proxy->parent.reset();
  EXPECT_THAT(render_status_page(snapshot), HasSubstr("it does not answer"));
}

TEST(StatusPage, SaysWhatEachMeasuredTimeIs) {
  auto snapshot = sample_snapshot();
  auto& event = snapshot.events[0];
  event.took = std::chrono::milliseconds(148);
  EXPECT_THAT(render_status_page(snapshot), HasSubstr("<span>noticed after 148 ms</span>"));
  const std::vector<std::pair<std::chrono::microseconds, std::string_view>> others{
      {std::chrono::microseconds(9'876), "9.876 ms"},
      {std::chrono::microseconds(10'456), "10 ms"},
      {std::chrono::microseconds(999'400), "999 ms"},
      {std::chrono::microseconds(999'600), "1 s"},
      {std::chrono::microseconds(3'064'455), "3.1 s"}};
  for (const auto& [took, words] : others) {
    event.took = took;
    EXPECT_THAT(render_status_page(snapshot), HasSubstr(cat("<span>noticed after ", words, "</span>")));
  }
  event.kind = "route";
  event.took = std::chrono::microseconds(250);
  EXPECT_THAT(
      render_status_page(snapshot),
      HasSubstr("<span>route switched in 0.25 ms; in the kernel 0.64 ms after the deciding probe</span>"));
  event.kind = "flows";
  EXPECT_THAT(render_status_page(snapshot), HasSubstr("<span>flows moved in 0.25 ms</span>"));
}

TEST(StatusPage, ShowsTheHistoryOfEachFamily) {
  auto snapshot = sample_snapshot();
  EXPECT_THAT(render_status_page(snapshot), HasSubstr("<p>None yet.</p>"));
  const HistoryTime end = std::chrono::sys_days(std::chrono::year(2026) / 11 / 5);
  snapshot.uplinks[0].name = kAttack;
  snapshot.uplinks[0].history[Family::v4].day = fakes::history_sample(HistoryStep::minute, end, 1440);
  const auto page = render_status_page(snapshot, ChartRange::hour);
  EXPECT_EQ(count(page, "<svg class=\"strip\""), 1U);
  EXPECT_EQ(count(page, "<svg class=\"chart\""), 3U);
  EXPECT_EQ(count(page, "role=\"img\"><title>"), 4U) << "each has its words";
  EXPECT_THAT(page, HasSubstr("<a href=\"?range=1h\" aria-current=\"page\">"));
  EXPECT_THAT(page, HasSubstr("<a href=\"?format=csv&amp;range=1h\">"));
  EXPECT_EQ(count(page, "<script"), 1U);
}

TEST(StatusPage, ShowsByWhichUplinkEachPolicyGoes) {
  auto snapshot = sample_snapshot();
  EXPECT_THAT(render_status_page(snapshot), Not(HasSubstr("Policies")));
  snapshot.routing->families[Family::v4].policies = {{"voice", "lte"}, {"backup", ""}};
  const std::string page = render_status_page(snapshot);
  EXPECT_THAT(page, HasSubstr("<h2>Policies</h2>"));
  EXPECT_THAT(page, HasSubstr("<span>voice</span></th><td data-label=\"Family\"><span>IPv4</span></td>"
                              "<td data-label=\"Uplink\"><span>lte</span></td>"));
  EXPECT_THAT(page, HasSubstr("<span class=\"state failed\">refused</span>"));
  EXPECT_THAT(page, HasSubstr("policy backup: no uplink of its list can carry IPv4; its traffic is refused"));
}

TEST(StatusPage, NeedsNothingFromElsewhere) {
  const std::string page = render_status_page(sample_snapshot());
  for (const auto* piece : {"<link", "<img", "src=", "url(", "@import", "http://", "//", "onclick"}) {
    EXPECT_THAT(page, Not(HasSubstr(piece)));
  }
  EXPECT_EQ(count(page, "href="), count(page, "href=\"?")) << "links to itself alone";
  const std::string policy(page_security_policy());
  EXPECT_THAT(policy, HasSubstr(std::string(page_style_hash())));
  EXPECT_THAT(policy, HasSubstr(page_script_hashes()));
  EXPECT_EQ(count(page, "<script>"), 1U);
  EXPECT_EQ(count(page, "style>"), 2U);
  EXPECT_EQ(count(page, "style="), 0U) << "the policy forbids style attributes";
}

TEST(StatusPage, IsLoadedAnewOnlyWhereItsScriptDoesNotRun) {
  const std::string refresh = "<meta http-equiv=\"refresh\" content=\"5\"/>";
  EXPECT_THAT(render_status_page(sample_snapshot()), HasSubstr("<noscript>" + refresh + "</noscript>"));
  EXPECT_THAT(render_unavailable_page("x"), HasSubstr("<noscript>" + refresh + "</noscript>"));
}

TEST(StatusPage, EscapesEveryTextFromRedis) {
  auto snapshot = failed_over_snapshot();
  snapshot.site = kAttack;
  snapshot.routing->families[Family::v4].policies = {{kAttack, kAttack}};
  for (auto& uplink : snapshot.uplinks) {
    uplink.name = kAttack;
    uplink.link->device = std::string(kAttack) + "2";
    uplink.health->families[Family::v4].reason = kAttack;
  }
  snapshot.routing->sync = kAttack;
  snapshot.routing->warnings = {kAttack};
  snapshot.daemons[0].name = kAttack;
  snapshot.daemons[0].record->version = kAttack;
  snapshot.daemons[1].record = fail(kAttack);
  auto& event = snapshot.events[0];
  event.kind = event.uplink = event.from = event.to = event.reason = kAttack;
  snapshot.problems = {{kAttack, kAttack}};
  const std::string page = render_status_page(snapshot);
  EXPECT_EQ(count(page, "<script"), 1U) << "its own";
  EXPECT_EQ(count(page, "<img"), 0U);
  EXPECT_GE(count(page, kEscaped), 17U);
}

TEST(StatusPage, ShowsWarningsAboutTheHostWithoutRaisingAlarm) {
  auto snapshot = fakes::sample_snapshot();
  EXPECT_THAT(render_status_page(snapshot), Not(HasSubstr("Warnings")));
  const auto level = summarize(snapshot).level;
  snapshot.routing->warnings = {"net.ipv4.ip_forward is 0"};
  EXPECT_THAT(render_status_page(snapshot),
              HasSubstr("<h2>Warnings about this host</h2>\n<ul>\n<li>net.ipv4.ip_forward is 0</li>"));
  EXPECT_EQ(summarize(snapshot).level, level);
}

TEST(StatusPage, EscapesWhyItIsUnavailable) {
  const std::string page = render_unavailable_page(kAttack);
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, HasSubstr(kEscaped));
  EXPECT_THAT(page, HasSubstr("the kernel keeps the routes"));
  EXPECT_THAT(render_message_page(kAttack, kAttack), Not(HasSubstr("<script")));
}

TEST(StatusPage, StaysSmallWhateverIsInRedis) {
  auto snapshot = sample_snapshot();
  const std::string small = render_status_page(snapshot);
  snapshot.events[0].reason = std::string(10'240, 'x');
  snapshot.uplinks[0].health->families[Family::v4].reason = std::string(10'240, '<');
  EXPECT_LT(render_status_page(snapshot).size(), small.size() + 4'000);
}

TEST(StatusPage, ShowsMissingAndRefusedRecordsAsSuch) {
  auto snapshot = sample_snapshot();
  auto& fibre = snapshot.uplinks[0];
  fibre.health = fail("no record yet");
  fibre.link = fail("no record yet");
  fibre.usable_in[Family::v4] = fail("'MAYBE' is neither TRUE nor FALSE");
  fibre.recent.clear();
  snapshot.routing = fail("health record: since: not a number");
  snapshot.problems = {{"multilink:local:routing", "health record: since: not a number"}};
  const std::string page = render_status_page(snapshot);
  EXPECT_THAT(page, HasSubstr("<span class=\"state unknown\">unknown</span>"));
  EXPECT_THAT(page, HasSubstr("data-label=\"Status\"><span>unknown</span>"));
  EXPECT_THAT(page, HasSubstr("data-label=\"Traffic\"><span>unknown</span>"));
  EXPECT_THAT(page, HasSubstr("<h2>Refused records</h2>\n<ul>\n<li>multilink:local:routing: health record"));
}

TEST(StatusPage, HasALineForIpv6OnlyWhereTheUplinkHasIt) {
  auto snapshot = sample_snapshot();
  EXPECT_THAT(render_status_page(snapshot), Not(HasSubstr("IPv6")));
  snapshot.uplinks[0].link->families[Family::v6].addresses = {*IpAddress::parse("2001:db8::2")};
  EXPECT_THAT(render_status_page(snapshot), HasSubstr("<strong>fibre</strong> IPv6"));
}

TEST(StatusPage, SaysThatNothingIsKnownYet) {
  StatusSnapshot empty;
  empty.routing = fail("no record yet");
  EXPECT_THAT(render_status_page(empty), HasSubstr("No uplink is known"));
}

}  // namespace status_page_test
}  // namespace multilink
