// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "multilink/ports/packet_filter.hpp"

namespace multilink {

/// What the PacketFilter's contract is tried in: the fake, or the adapter in a network namespace of its own. The
/// world holds what others do to the same ruleset.
class PacketFilterWorld {
 public:
  virtual ~PacketFilterWorld() = default;

  virtual PacketFilter& filter() = 0;
  /// Lets the loop run until `reached`, for at most 10 s; whether it was reached.
  virtual bool run_until(const std::function<bool()>& reached) = 0;
  /// Lets the loop run until all that has happened so far has been told of.
  virtual void settle() = 0;

  virtual bool has_table() = 0;
  virtual std::size_t resets() = 0;  ///< tuples in force
  virtual bool is_drilled(const std::string& device) = 0;
  virtual bool resets_orphans(Family family) = 0;
  virtual void flush_ruleset() = 0;    ///< as loading a ruleset anew does
  virtual void empty_a_chain() = 0;    ///< of ours
  virtual void change_a_policy() = 0;  ///< of one of our chains: now it drops
  virtual void add_a_chain() = 0;      ///< one that drops, to our table
  virtual void touch_another_table() = 0;
  virtual void lose_notifications() = 0;  ///< more happens than the kernel can hold, while nobody reads
};

std::unique_ptr<PacketFilterWorld> make_fake_packet_filter_world();
std::unique_ptr<PacketFilterWorld> make_real_packet_filter_world();

}  // namespace multilink
