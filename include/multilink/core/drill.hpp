// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "multilink/core/records.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// `…:drill`: the black hole that multilinkctl was asked for.
struct DrillRecord {
  static constexpr Duration kShortest = std::chrono::seconds(1);
  static constexpr Duration kLongest = std::chrono::minutes(10);
  /// An older request is refused: whoever has asked has given up by then.
  static constexpr Duration kFresh = std::chrono::seconds(5);

  std::string uplink;
  std::string id;    ///< of the drill's events
  std::string boot;  ///< of the kernel where it was asked for
  MonoTime asked;
  Duration length{};    ///< from `asked` on
  bool force = false;   ///< also where no other uplink is usable
  std::string by = {};  ///< who has asked; may be empty

  /// Never later, whatever happens to the request on its way.
  MonoTime end() const { return asked + length; }

  Fields encode() const;
  /// Lengths that are refused are understood: the asker is to be told.
  static Result<DrillRecord> decode(const Fields& fields);
  bool operator==(const DrillRecord&) const = default;
};

/// What routed says of a drill that lasted as long as was asked for; of any other end it says something else.
inline constexpr std::string_view kDrillLasted = "its time is over";

/// An uplink as it matters to a drill.
struct DrillUplink {
  std::string name;
  std::string device;  ///< as the kernel calls it; empty: there is none
  bool enabled = true;
  std::set<Family> usable;  ///< in which it is up and its link can carry

  bool operator==(const DrillUplink&) const = default;
};

/// Why the drill may not be, for people; nullopt: it may. `running`: the uplink of the drill that is on.
std::optional<std::string> why_no_drill(const DrillRecord& asked, const std::vector<DrillUplink>& uplinks,
                                        const std::optional<std::string>& running, std::string_view boot,
                                        MonoTime now);

}  // namespace multilink
