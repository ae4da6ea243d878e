// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/squid_files.hpp"

#include <gmock/gmock.h>

#include "multilink/core/text.hpp"

namespace multilink {
namespace squid_files_test {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class SquidFilesTest : public testing::Test {
 protected:
  SquidFilesTest() {
    const auto parsed = parse_config(
        "[squid]\nenabled = yes\nlisten = 3128, 192.168.1.1:8080\nallow = 192.168.1.0/24\n"
        "[eth0]\nname = fibre\nweight = 3\n[eth1]\nname = dsl\n[wwan0]\nname = lte\nmetered = yes\n",
        "test");
    config_ = *parsed.config;
    seats_ = allot_seats(config_, {});
    host_.helper = "/usr/sbin/multilink-squid-helper";
    host_.addresses = {*IpAddress::parse("192.168.1.1"), *IpAddress::parse("127.0.0.1"),
                       *IpAddress::parse("2001:db8::2")};
  }

  SquidFiles render() const { return render_squid_files(config_, seats_, host_); }
  static std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> out;
    for (const auto line : split(text, '\n')) out.emplace_back(line);
    return out;
  }
  /// Where a line stands; the number of lines where it does not.
  static std::size_t place(const std::vector<std::string>& lines, std::string_view begin) {
    const auto found = std::find_if(lines.begin(), lines.end(),
                                    [&](const std::string& line) { return line.starts_with(begin); });
    return static_cast<std::size_t>(found - lines.begin());
  }

  Config config_;
  ParentSeats seats_;
  SquidHost host_;
};

TEST_F(SquidFilesTest, EachUplinkHasAParentThatServesThisHostOnly) {
  const auto files = render();
  ASSERT_EQ(files.parents.size(), 3U);
  EXPECT_EQ(files.parents[1].uplink, "dsl");
  EXPECT_EQ(files.parents[1].seat, 2U);
  const auto lines = lines_of(files.parents[1].configuration);
  EXPECT_THAT(lines, Contains("http_port 127.0.0.1:3222"));
  EXPECT_THAT(lines, Contains("cache deny all"));
  EXPECT_THAT(lines, Contains("http_access deny !localhost"));
  EXPECT_THAT(lines, Not(Contains(StartsWith("dns_nameservers"))));
}

TEST_F(SquidFilesTest, NobodyIsLedToThisHostOrToItsServices) {
  for (const auto& text : {render().child, render().parents[0].configuration}) {
    const auto lines = lines_of(text);
    const auto host = place(lines, "acl this_host dst");
    ASSERT_LT(host, lines.size());
    EXPECT_THAT(lines[host], HasSubstr(" 127.0.0.0/8 "));
    EXPECT_THAT(lines[host], HasSubstr(" 192.168.1.1"));
    EXPECT_THAT(lines[host], HasSubstr(" 2001:db8::2"));
    EXPECT_LT(place(lines, "http_access deny !web_ports"), place(lines, "http_access allow all"));
    EXPECT_LT(place(lines, "http_access deny this_host"), lines.size());
  }
}

TEST_F(SquidFilesTest, OnlyTheAllowedGetAnyFurther) {
  const auto lines = lines_of(render().child);
  EXPECT_THAT(lines, Contains("acl allowed src 192.168.1.0/24"));
  const auto barrier = place(lines, "http_access deny !localhost !allowed");
  EXPECT_LT(barrier, place(lines, "http_access allow"));
  EXPECT_THAT(lines, Contains("http_port 3128"));
  EXPECT_THAT(lines, Contains("http_port 192.168.1.1:8080"));
  EXPECT_EQ(lines[lines.size() - 2], "forward_max_tries 4");
}

TEST_F(SquidFilesTest, TheHelperIsToldOfTheParents) {
  EXPECT_THAT(render().child, HasSubstr(" %DATA /usr/sbin/multilink-squid-helper --syslog --child 3220 "
                                        "--redis unix:/run/multilink/redis.sock "
                                        "--site local fibre:3221 dsl:3222 lte:3223:metered\n"));
}

TEST_F(SquidFilesTest, WithoutTheHelperSquidGoesByTheWeights) {
  const auto lines = lines_of(render().child);
  EXPECT_THAT(lines, Contains(HasSubstr("name=alt:1 weighted-round-robin basetime=-1000 weight=3")));
  EXPECT_THAT(lines, Contains("cache_peer_access alt:1 allow !is_chosen !warm_up"));
  EXPECT_THAT(lines, Not(Contains("cache_peer_access alt:3 allow !is_chosen !warm_up"))) << "it is paid for";
  config_.uplinks[0].enabled = false;
  config_.uplinks[1].metered = Duration::zero();
  EXPECT_THAT(lines_of(render().child), Contains("cache_peer_access alt:3 allow !is_chosen !warm_up"))
      << "like all the others";
}

TEST_F(SquidFilesTest, NamesThatSquidTakesForTheSameStayApart) {
  config_.uplinks[1].name = "FIBRE";
  seats_ = allot_seats(config_, {});
  const auto lines = lines_of(render().child);
  EXPECT_THAT(lines, Contains("acl use_1 note use fibre"));
  EXPECT_THAT(lines, Contains("acl use_2 note use FIBRE"));
  EXPECT_THAT(lines, Contains("cache_peer_access use:2 allow use_2"));
}

TEST_F(SquidFilesTest, AWeightAndWhoIsEnabledAreNoReasonToReadItAnew) {
  const auto before = render().child;
  config_.uplinks[0].weight = 7;
  config_.uplinks[1].enabled = false;
  EXPECT_NE(render().child, before);
  EXPECT_EQ(without_fallback(render().child), without_fallback(before));
  config_.uplinks[1].metered = Duration::zero();
  EXPECT_NE(without_fallback(render().child), without_fallback(before)) << "the helper is told of it";
}

TEST_F(SquidFilesTest, ParentsAskTheNameServersThatTheyAreGiven) {
  host_.nameservers = {*IpAddress::parse("9.9.9.9"), *IpAddress::parse("2620:fe::fe")};
  EXPECT_THAT(lines_of(render().parents[0].configuration), Contains("dns_nameservers 9.9.9.9 2620:fe::fe"));
}

}  // namespace squid_files_test
}  // namespace multilink
