// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "multilink/adapters/event_loop.hpp"
#include "multilink/ports/parent_watch.hpp"

namespace multilink {

/// The ParentWatch that reads two pages of each parent's cache manager, over loopback.
class ParentPages final : public ParentWatch {
 public:
  /// `ports`: where each uplink's parent listens. `loop` outlives this.
  ParentPages(EventLoop& loop, std::map<std::string, std::uint16_t> ports);

  void ask(const std::string& uplink, Told told) override;

 private:
  EventLoop& loop_;
  std::map<std::string, std::uint16_t> ports_;
};

}  // namespace multilink
