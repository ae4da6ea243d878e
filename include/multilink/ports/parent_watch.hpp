// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "multilink/core/proxy_record.hpp"

namespace multilink {

/// The parents, as they tell of themselves.
class ParentWatch {
 public:
  using Told = std::function<void(const std::optional<ParentFigures>& figures)>;

  virtual ~ParentWatch() = default;

  /// Asks the parent of this uplink. Calls `told` once, from the loop, within some seconds; no value: it gave no answer.
  virtual void ask(const std::string& uplink, Told told) = 0;
};

}  // namespace multilink
