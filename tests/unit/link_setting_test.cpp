// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/link_setting.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace {

const std::vector<ChangedSetting> kChanged{{4, LinkSetting::rp_filter, 1, 2},
                                           {7, LinkSetting::accept_ra, 1, 2}};

TEST(LinkSetting, IsWhereTheKernelHasIt) {
  EXPECT_EQ(path_of(LinkSetting::rp_filter, "wan1"), "net/ipv4/conf/wan1/rp_filter");
  EXPECT_EQ(path_of(LinkSetting::accept_ra, "wan1"), "net/ipv6/conf/wan1/accept_ra");
  EXPECT_EQ(sysctl_name("net/ipv4/conf/wan1/rp_filter"), "net.ipv4.conf.wan1.rp_filter");
  EXPECT_EQ(sysctl_name("net/ipv4/conf/eth0.100/rp_filter"), "net/ipv4/conf/eth0.100/rp_filter");
}

TEST(LinkSetting, TheFormOfTheFile) {
  EXPECT_EQ(encode_changed_settings(kChanged), "4 rp_filter 1 2\n7 accept_ra 1 2\n");
  EXPECT_EQ(parse_changed_settings("4 rp_filter 1 2\n7 accept_ra 1 2\n"), kChanged);
  EXPECT_EQ(parse_changed_settings(""), std::vector<ChangedSetting>{});
}

TEST(LinkSetting, AFileThatIsNoneIsRefused) {
  for (const auto* text :
       {"4 rp_filter 1", "4 rp_filter 1 2 3", "0 rp_filter 1 2", "x rp_filter 1 2", "-1 rp_filter 1 2",
        "4 ../all/rp_filter 1 2", "4 ip_forward 1 2", "4 rp_filter 3 2", "4 rp_filter 1 -1",
        "4 rp_filter  1 2", "4\trp_filter 1 2", "\x01", "4 rp_filter 99999999999 2"}) {
    EXPECT_FALSE(parse_changed_settings(text)) << text;
  }
  EXPECT_EQ(parse_changed_settings("4 rp_filter 1 2\nx\n").error().message.substr(0, 11), "line 2: 'x'");
}

}  // namespace
}  // namespace multilink
