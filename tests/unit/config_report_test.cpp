// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_report.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace config_report_test {

std::string check(std::string_view text, const std::vector<std::string>& existing_devices) {
  return describe_check(parse_config(text, "f.conf"), existing_devices);
}

TEST(ConfigReport, TellsWhatAValidFileMeansAndWhatToMind) {
  EXPECT_EQ(
      check("[multilink]\nsite = office\ntargets = 192.0.2.1, 192.0.2.2, 2001:db8::1\nhash = flow\n"
            "[wwan0]\nname = lte\nmac = 02:00:5e:10:00:01\nenabled = no\nprecedence = 2\nmasquerade = yes\n"
            "[eth0]\nname = fibre\ngateway = 192.0.2.254\nprecedence = 1\nprobe_interval = 500ms\n"
            "[ppp0]\ntargets = 192.0.2.1, 192.0.2.2\n",
            {"lo", "eth0"}),
      "The configuration is valid. Site office, Redis at unix:/run/multilink/redis.sock, 3 uplinks, by "
      "precedence:\n"
      "  1. fibre: device eth0, gateway 192.0.2.254, weight 1, IPv4 probed at 2 targets, IPv6 probed at 1 "
      "target, every 500ms\n"
      "  2. lte: device with mac 02:00:5e:10:00:01, gateway learned, weight 1, IPv4 probed at 2 targets, "
      "IPv6 "
      "probed at 1 target, every 1s, not enabled\n"
      "  3. ppp0: device ppp0, gateway learned, weight 1, IPv4 probed at 2 targets, IPv6 not probed, every "
      "1s\n"
      "warning: f.conf:3: targets: '2001:db8::1' is the only IPv6 target and decides alone: when it is dead, "
      "the link counts as dead; give two or more\n"
      "warning: [ppp0]: there is no such device at present; the uplink is down until it appears\n");
}

TEST(ConfigReport, TellsEveryErrorOfARefusedFileAndTheirNumber) {
  EXPECT_EQ(check("[eth0]\nweight = x\nmetered = 1\n", {}),
            "f.conf:2: weight: 'x' is not a whole number from 1 to 256; write for example weight = 2\n"
            "f.conf:3: metered: '1' is not no, yes or a duration from 0s to 1d (units: ms, s, min, h, d); "
            "write for "
            "example metered = yes\n"
            "2 errors: the configuration is refused\n");
}

}  // namespace config_report_test
}  // namespace multilink
