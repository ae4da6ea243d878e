// SPDX-License-Identifier: GPL-2.0-or-later
// routed and the proxy's parents: by which uplink each leaves, whatever becomes of the file of their seats.
#include "services/route_service_fixture.hpp"

namespace multilink {
namespace route_parents_test {

using fakes::address;

using RouteParents = RouteServiceTest;

TEST_F(RouteParents, ParentsKeepTheirUplinkWhereTheirSeatsCannotBeRead) {
  config_.squid.enabled = true;
  start_with_both_up();
  const auto leaves_by = [&](std::uint32_t uid) {
    return kernel_.carrier_of({.destination = address(kInternet), .uid = uid});
  };
  ASSERT_EQ(leaves_by(902), "eth1");
  accounts_.fails = true;
  reload();
  EXPECT_EQ(leaves_by(902), "eth1");
  EXPECT_EQ(leaves_by(903), "") << "barred, as before";
  kill();
  start();
  EXPECT_EQ(leaves_by(902), "") << "it is not known whose parent that is";
  accounts_.fails = false;
  reload();
  EXPECT_EQ(leaves_by(902), "eth1");
}

}  // namespace route_parents_test
}  // namespace multilink
