// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/lost_addresses.hpp"

#include <gmock/gmock.h>

namespace multilink {
namespace lost_addresses_test {

using testing::ElementsAre;
using testing::IsEmpty;

const IpAddress kFirst = *IpAddress::parse("192.0.2.2");
const IpAddress kSecond = *IpAddress::parse("192.0.2.3");
const IpAddress kSixth = *IpAddress::parse("2001:db8::2");

UplinkAddresses of(std::set<IpAddress> v4, std::set<IpAddress> v6 = {kSixth}) {
  return {{{Family::v4, 1}, std::move(v4)}, {{Family::v6, 1}, std::move(v6)}};
}

TEST(LostAddresses, WhatIsThereFromTheBeginningIsNotLost) {
  LostAddresses lost;
  EXPECT_THAT(lost.see({}).begins, IsEmpty());
  EXPECT_THAT(lost.see(of({kFirst})).begins, IsEmpty());
  EXPECT_THAT(lost.see(of({kFirst, kSecond})).begins, IsEmpty());
}

TEST(LostAddresses, AnAddressThatGoesIsToldOnceAndItsReturnToo) {
  LostAddresses lost;
  lost.see(of({kFirst}));
  const auto gone = lost.see(of({}));
  EXPECT_THAT(gone.begins, ElementsAre(Family::v4));
  EXPECT_THAT(gone.ends, IsEmpty());
  EXPECT_THAT(lost.see(of({})).begins, IsEmpty());
  const auto back = lost.see(of({kFirst}));
  EXPECT_THAT(back.begins, IsEmpty());
  EXPECT_THAT(back.ends, ElementsAre(Family::v4));
  EXPECT_THAT(lost.see(of({kFirst})).ends, IsEmpty());
}

TEST(LostAddresses, WhoHasAnAddressAgainOrOneMoreIsToldOnce) {
  LostAddresses lost;
  EXPECT_THAT(lost.see(of({kFirst})).appears, IsEmpty());
  EXPECT_THAT(lost.see(of({})).appears, IsEmpty());
  EXPECT_THAT(lost.see(of({kFirst})).appears, ElementsAre(AddressOwner{Family::v4, 1}));
  EXPECT_THAT(lost.see(of({kFirst})).appears, IsEmpty());
  EXPECT_THAT(lost.see(of({kFirst, kSecond})).appears, ElementsAre(AddressOwner{Family::v4, 1}));
  EXPECT_THAT(lost.see(of({kSecond})).appears, IsEmpty());
}

TEST(LostAddresses, AnotherAddressIsNoReturn) {
  LostAddresses lost;
  lost.see(of({kFirst}));
  const auto changed = lost.see(of({kSecond}));
  EXPECT_THAT(changed.begins, ElementsAre(Family::v4));
  EXPECT_THAT(changed.ends, IsEmpty());
}

TEST(LostAddresses, AllOfAFamilyMustBeBack) {
  LostAddresses lost;
  auto both = of({kFirst});
  both[{Family::v4, 2}] = {kSecond};
  lost.see(both);
  EXPECT_THAT(lost.see({}).begins, ElementsAre(Family::v4, Family::v6));
  EXPECT_THAT(lost.see(of({kFirst})).ends, ElementsAre(Family::v6));
  EXPECT_THAT(lost.see(both).ends, ElementsAre(Family::v4));
}

}  // namespace lost_addresses_test
}  // namespace multilink
