// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "multilink/core/record_fields.hpp"
#include "multilink/core/records.hpp"

namespace multilink {
namespace event_id_test {

TEST(EventId, IsTheBootAndTheMomentInHex) {
  const auto id = EventRecord::make_id("0123abcd", MonoTime(std::chrono::nanoseconds(0xdeadbeef)));
  EXPECT_EQ(id, "0123abcd-deadbeef");
  EXPECT_TRUE(is_event_id(id));
  EXPECT_TRUE(is_event_id(EventRecord::make_id("0123abcd", MonoTime::max())));
}

}  // namespace event_id_test
}  // namespace multilink
