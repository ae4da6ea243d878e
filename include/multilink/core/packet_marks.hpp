// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <bit>
#include <cassert>
#include <cstdint>
#include <optional>

#include "multilink/core/kernel_state.hpp"

namespace multilink {

/// The marks of packets and connections within `mark_mask`, one run of bits of 32 that is ours alone: 0 is nobody's,
/// the index of an uplink (uplink_index.hpp) says that the packet belongs to it, and all ones are the probes', that no
/// pin and no tracking touches. The other bits of a mark are the business of others.
class PacketMarks {
 public:
  /// At least two bits, all beside one another, as the configuration takes no other.
  explicit constexpr PacketMarks(std::uint32_t mask) : mask_(mask) {}

  constexpr std::uint32_t mask() const { return mask_; }
  /// How many uplinks there may be: the highest index.
  constexpr std::uint64_t uplinks() const { return uplinks_in(std::popcount(mask_)); }
  static constexpr std::uint64_t uplinks_in(int bits) {
    return (std::uint64_t{1} << static_cast<unsigned>(bits)) - 2;
  }

  /// `index` is one from 1 to uplinks().
  constexpr std::uint32_t of_uplink(unsigned index) const {
    assert(index >= 1 && index <= uplinks());
    return index << static_cast<unsigned>(std::countr_zero(mask_));
  }
  constexpr std::uint32_t of_probes() const { return mask_; }
  /// What selects the packets of the uplink, whatever marks of others they bear.
  constexpr MarkMatch match(unsigned index) const { return {of_uplink(index), mask_}; }
  constexpr MarkMatch match_probes() const { return {of_probes(), mask_}; }

  /// The uplink that a mark of a packet or connection names. None: no uplink's.
  constexpr std::optional<unsigned> uplink_of(std::uint32_t mark) const {
    const std::uint32_t ours = mark & mask_;
    if (ours == 0 || ours == mask_) return std::nullopt;
    return ours >> static_cast<unsigned>(std::countr_zero(mask_));
  }

 private:
  std::uint32_t mask_;
};

}  // namespace multilink
