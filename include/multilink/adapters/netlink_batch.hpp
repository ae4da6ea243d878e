// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace multilink {

/// Netlink requests to be sent together, written one after another into one piece of memory: thousands cost what one
/// costs. Attributes have at most 64 kB.
class NetlinkBatch {
 public:
  /// Begins the next request; `header` is that of the message's family. Every request has NLM_F_REQUEST.
  template <class Header>
  requires std::is_trivially_copyable_v<Header>
  void begin(std::uint16_t type, std::uint16_t flags, const Header& header) {
    begin_request(type, flags, as_bytes(header));
  }
  /// Attributes of the request that was begun last, in host byte order.
  template <class Value>
  requires std::is_trivially_copyable_v<Value>
  void put(std::uint16_t attribute, const Value& value) { put_bytes(attribute, as_bytes(value)); }
  void put_be16(std::uint16_t attribute, std::uint16_t value);
  void put_be32(std::uint16_t attribute, std::uint32_t value);
  void put_bytes(std::uint16_t attribute, std::span<const std::byte> value);
  /// What is put while `fill` runs becomes one nested attribute.
  template <class Fill>
  void nest(std::uint16_t attribute, Fill fill) {
    const std::size_t begun = begin_nest(attribute);
    fill();
    end_nest(begun);
  }

  std::size_t size() const { return requests_.size(); }
  void clear();
  /// Requests [first, last), ready to be sent: numbered from `sequence` on, the last one with NLM_F_ACK.
  std::span<std::byte> prepare(std::size_t first, std::size_t last, std::uint32_t sequence);

 private:
  template <class Value>
  static std::span<const std::byte> as_bytes(const Value& value) {
    return std::as_bytes(std::span(&value, 1));
  }
  void begin_request(std::uint16_t type, std::uint16_t flags, std::span<const std::byte> header);
  std::size_t begin_nest(std::uint16_t attribute);
  void end_nest(std::size_t begun);
  void append(std::span<const std::byte> bytes);  ///< and padding; the request's length grows with it

  std::vector<std::byte> bytes_;
  std::vector<std::size_t> requests_;  ///< where each begins
};

}  // namespace multilink
