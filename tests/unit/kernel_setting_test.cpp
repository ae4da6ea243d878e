// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/kernel_setting.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace kernel_setting_test {

const std::vector<ChangedSetting> kChanged{{4, KernelSetting::rp_filter, 1, 2},
                                           {7, KernelSetting::accept_ra, 1, 2},
                                           {0, KernelSetting::ipv6_hash_fields, 7, 3}};

TEST(KernelSetting, IsWhereTheKernelHasIt) {
  EXPECT_EQ(path_of(KernelSetting::rp_filter, "wan1"), "net/ipv4/conf/wan1/rp_filter");
  EXPECT_EQ(path_of(KernelSetting::accept_ra, "wan1"), "net/ipv6/conf/wan1/accept_ra");
  EXPECT_EQ(path_of(KernelSetting::ipv4_hash_policy), "net/ipv4/fib_multipath_hash_policy");
  EXPECT_EQ(path_of(KernelSetting::ipv6_hash_policy), "net/ipv6/fib_multipath_hash_policy");
  EXPECT_EQ(path_of(KernelSetting::ipv6_hash_fields), "net/ipv6/fib_multipath_hash_fields");
  EXPECT_EQ(sysctl_name("net/ipv4/conf/wan1/rp_filter"), "net.ipv4.conf.wan1.rp_filter");
  EXPECT_EQ(sysctl_name("net/ipv4/conf/eth0.100/rp_filter"), "net/ipv4/conf/eth0.100/rp_filter");
}

TEST(KernelSetting, TheFormOfTheFile) {
  EXPECT_EQ(encode_changed_settings(kChanged), "4 rp_filter 1 2\n7 accept_ra 1 2\n0 ipv6_hash_fields 7 3\n");
  EXPECT_EQ(parse_changed_settings(encode_changed_settings(kChanged)), kChanged);
  EXPECT_EQ(parse_changed_settings(""), std::vector<ChangedSetting>{});
}

TEST(KernelSetting, AFileThatIsNoneIsRefused) {
  for (const auto* text :
       {"4 rp_filter 1", "4 rp_filter 1 2 3", "0 rp_filter 1 2", "x rp_filter 1 2", "-1 rp_filter 1 2",
        "4 ../all/rp_filter 1 2", "4 ip_forward 1 2", "4 rp_filter 3 2", "4 rp_filter 1 -1",
        "4 rp_filter  1 2", "4\trp_filter 1 2", "4 ipv4_hash_policy 0 1", "0 ipv4_hash_policy 0 4",
        "0 ipv6_hash_fields 7 4096", "\x01", "4 rp_filter 99999999999 2"}) {
    EXPECT_FALSE(parse_changed_settings(text)) << text;
  }
  EXPECT_EQ(parse_changed_settings("4 rp_filter 1 2\nx\n").error().message.substr(0, 11), "line 2: 'x'");
}

}  // namespace kernel_setting_test
}  // namespace multilink
