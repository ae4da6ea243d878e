// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/config_override.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace config_override_test {

using namespace std::chrono_literals;

UplinkConfig uplink() {
  return parse_config("[multilink]\nloss_down = 30%\n[eth0]\n[wwan0]\nname = lte\nlatency_down = 400ms\n",
                      "f")
      .config->uplinks[1];
}

std::string error_of(std::string_view assignment) {
  const auto changed = with_settings(uplink(), {std::string(assignment)});
  return changed ? "accepted" : changed.error().message;
}

TEST(ConfigOverride, ChangesTheOneSetting) {
  auto expected = uplink();
  expected.loss_down = 0.4;
  EXPECT_EQ(with_settings(uplink(), {"loss_down=40%"}).value(), expected);
  EXPECT_EQ(with_settings(uplink(), {" loss_down = 40% "}).value(), expected);
  expected = uplink();
  expected.latency_down.reset();
  EXPECT_EQ(with_settings(uplink(), {"latency_down=off"}).value(), expected);
}

TEST(ConfigOverride, AreJudgedTogetherWhateverTheirOrder) {
  EXPECT_TRUE(with_settings(uplink(), {"loss_up=40%", "loss_down=50%"}));
  EXPECT_TRUE(with_settings(uplink(), {"loss_down=50%", "loss_up=40%"}));
}

TEST(ConfigOverride, TheRulesOfTheFileHold) {
  EXPECT_EQ(error_of("loss_down="), "'loss_down=' is not key=value");
  EXPECT_EQ(error_of("loss_down"), "'loss_down' is not key=value");
  EXPECT_NE(error_of("loss_down=x").find("loss_down: 'x'"), std::string::npos) << error_of("loss_down=x");
  EXPECT_NE(error_of("loss_up=50%").find("is not below"), std::string::npos) << error_of("loss_up=50%");
  EXPECT_NE(error_of("name=x").find("'name' cannot be changed here; there is: probe_interval, "),
            std::string::npos);
  EXPECT_NE(error_of("los_down=1%").find("cannot be changed here"), std::string::npos);
}

}  // namespace config_override_test
}  // namespace multilink
