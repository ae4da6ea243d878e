// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "multilink/core/config.hpp"

namespace multilink {

/// What every daemon's work looks like to the runner around it.
class Service {
 public:
  virtual ~Service() = default;

  /// Begins. Called once, from the loop.
  virtual void start() = 0;
  /// A new, valid configuration is in force from now on. State of what did not change is kept.
  virtual void reload(const Config& config) = 0;
  /// The daemon is about to end in order: says so where others should know (Redis), changes nothing else.
  virtual void stop() = 0;
};

}  // namespace multilink
