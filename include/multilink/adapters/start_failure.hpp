// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <stdexcept>

namespace multilink {

/// The host refuses what a daemon cannot do without. Nothing unexpected: what() is the whole message, with the
/// remedy.
class StartFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace multilink
