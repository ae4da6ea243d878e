// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/nearest.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace nearest_test {

TEST(Nearest, FindsTheWordThatWasMeant) {
  const std::vector<std::string_view> words{"name", "mac", "weight", "loss_up", "loss_down"};
  EXPECT_EQ(nearest("weight", words), "weight");
  EXPECT_EQ(nearest("wieght", words), "weight");
  EXPECT_EQ(nearest("WEIGHT", words), "weight");
  EXPECT_EQ(nearest("loss_dow", words), "loss_down");
  EXPECT_EQ(nearest("loss-up", words), "loss_up");
  EXPECT_EQ(nearest("nmae", words), "name");
}

TEST(Nearest, IsSilentWhenNothingIsNear) {
  const std::vector<std::string_view> words{"name", "mac", "weight", "of"};
  EXPECT_EQ(nearest("password", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest("xy", words), "");
  EXPECT_EQ(nearest("weight", {}), "");
}

}  // namespace nearest_test
}  // namespace multilink
