// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/complaints.hpp"

#include <gtest/gtest.h>

#include "fakes/fake_log.hpp"

namespace multilink {
namespace complaints_test {

using namespace std::chrono_literals;

class ComplaintsTest : public testing::Test {
 protected:
  fakes::FakeLog log_;
  Complaints complaints_{log_};
  MonoTime now_{1h};
};

TEST_F(ComplaintsTest, SaysAFaultOnce) {
  for (int i = 0; i < 1000; ++i) complaints_.refuse("key", "bad", now_ += 1s);
  EXPECT_EQ(log_.count("key: bad", LogLevel::warning), 1U);
}

TEST_F(ComplaintsTest, SaysAnotherFaultButNotInAFlood) {
  for (int i = 0; i < 1000; ++i) complaints_.refuse("key", i % 2 == 0 ? "bad" : "worse", now_ += 100ms);
  EXPECT_GE(log_.count("key: "), 9U);
  EXPECT_LE(log_.count("key: "), 11U);
}

TEST_F(ComplaintsTest, ASubjectInOrderMakesItsNextFaultNews) {
  complaints_.refuse("key", "bad", now_);
  complaints_.accept("key");
  complaints_.refuse("key", "bad", now_ + 1s);
  EXPECT_EQ(log_.count("key: bad"), 1U) << "not in a flood";
  complaints_.refuse("key", "bad", now_ + 11s);
  EXPECT_EQ(log_.count("key: bad"), 2U);
}

TEST_F(ComplaintsTest, SubjectsAreApart) {
  complaints_.refuse("one", "bad", now_);
  complaints_.refuse("other", "bad", now_);
  EXPECT_EQ(log_.lines.size(), 2U);
}

}  // namespace complaints_test
}  // namespace multilink
