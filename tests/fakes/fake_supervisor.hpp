// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "multilink/ports/supervisor.hpp"

namespace multilink::fakes {

/// Remembers what the service manager was told.
class FakeSupervisor final : public Supervisor {
 public:
  void ready() override { is_ready = true; }
  void status(std::string_view text) override { statuses.emplace_back(text); }

  bool is_ready = false;
  std::vector<std::string> statuses;
};

}  // namespace multilink::fakes
