// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "multilink/ports/parent_accounts.hpp"

namespace multilink {

/// Where what must outlive a boot is kept: $STATE_DIRECTORY, else /var/lib/multilink.
std::string state_directory();

/// The file of the seats, below the state directory. `multilinkctl proxy apply` writes it.
inline constexpr std::string_view kSeatsFile = "/squid-seats";

/// What the file says; nobody has a seat where there is none. The Error names the file.
Result<ParentSeats> read_seats(const std::string& path);

/// The accounts by the seats file and the host's user database.
class SystemAccounts final : public ParentAccounts {
 public:
  explicit SystemAccounts(std::string seats_path = state_directory() + std::string(kSeatsFile));

  Result<ParentUsers> look_up(const Config& config) override;
  std::vector<UidRange> everybody() override;

 private:
  std::string seats_path_;
};

}  // namespace multilink
