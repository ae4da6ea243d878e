// SPDX-License-Identifier: GPL-2.0-or-later
// The lease files of DHCP clients.
#include "fuzz.hpp"
#include "multilink/core/dhcp_lease.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace multilink;
  const auto text = as_text(data, size);
  constexpr std::size_t kMost = 4;
  const auto leases = parse_dhclient_leases(text, kMost);
  must(leases.size() <= kMost);
  must(in_force(leases, WallTime()).size() <= leases.size());
  constexpr unsigned kLink = 3;
  for (const auto& lease : {parse_networkd_lease(text, kLink), parse_networkmanager_device(text, kLink)}) {
    must(!lease || lease->link_index == kLink);
  }
  return 0;
}
