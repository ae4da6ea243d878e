// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "multilink/core/config.hpp"
#include "multilink/core/parent_seats.hpp"
#include "multilink/core/result.hpp"

namespace multilink {

/// The system users of the web proxy's parents.
class ParentAccounts {
 public:
  virtual ~ParentAccounts() = default;

  /// Who they are for this configuration: the seats as they were allotted last, and those for who is new. Nobody where the
  /// proxy is not enabled. The Error: there are no such users, or what is known of the seats cannot be read; with the
  /// remedy. Synchronous: a file and the user database.
  virtual Result<ParentUsers> look_up(const Config& config) = 0;

  /// The ids of all these users that there are, whoever has a seat.
  virtual std::vector<UidRange> everybody() = 0;
};

}  // namespace multilink
