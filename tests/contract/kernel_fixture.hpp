// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "contract/kernel_worlds.hpp"
#include "multilink/core/route_operation.hpp"

namespace multilink {

struct KernelWorldKind {
  const char* name;
  std::unique_ptr<KernelWorld> (*make)();
};

inline std::ostream& operator<<(std::ostream& out, const KernelWorldKind& kind) {
  return out << kind.name;
}

/// For what a failing test prints.
inline void PrintTo(const Rule& rule, std::ostream* out) {
  *out << to_string(AddRule{rule}, {});
}

/// Two uplinks, e0 with 192.0.2.2/24 and e1 with 198.51.100.2/24, each with a gateway .1, and no default.
class KernelFixture : public testing::TestWithParam<KernelWorldKind> {
 protected:
  static constexpr std::uint8_t kOurs = 109;
  static constexpr std::uint8_t kForeign = 16;  // DHCP
  static constexpr std::uint32_t kTable = 7001;
  static constexpr std::string_view kGateway0 = "192.0.2.1";
  static constexpr std::string_view kGateway1 = "198.51.100.1";

  KernelFixture();

  static IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
  /// A default in `main`, IPv4 or IPv6 as the gateway is.
  static Route via(unsigned link, std::string_view gateway, std::uint32_t metric,
                   std::uint8_t protocol = kOurs);
  static Route unreachable(std::uint32_t table);  ///< ours, with a large metric
  Route over_both(std::uint32_t metric, unsigned weight0, unsigned weight1) const;

  void apply(const RouteOperation& operation);  ///< which must succeed
  KernelState read();
  std::vector<Route> routes_of(std::uint32_t table);
  std::vector<Route> defaults(Family family = Family::v4);  ///< of `main`, in the kernel's order
  std::vector<Route> connected_routes(std::string_view prefix);
  unsigned index_of(std::string_view link);
  std::string carrier_of(std::string_view destination);

  std::unique_ptr<KernelWorld> world_ = GetParam().make();
  unsigned e0_ = 0, e1_ = 0;
};

/// For INSTANTIATE_TEST_SUITE_P.
inline auto both_kernel_worlds() {
  return testing::Values(KernelWorldKind{"Fake", make_fake_kernel_world},
                         KernelWorldKind{"Real", make_real_kernel_world});
}
inline std::string world_name(const testing::TestParamInfo<KernelWorldKind>& kind) {
  return kind.param.name;
}

}  // namespace multilink
