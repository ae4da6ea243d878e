// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "multilink/core/records.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/time.hpp"

namespace multilink {

/// What a parent says of itself.
struct ParentFigures {
  std::uint64_t requests = 0;  ///< it was sent, CONNECT too, since it began
  std::uint64_t errors = 0;    ///< of these, what it could answer by an error page only
  std::uint64_t memory_kib = 0;

  bool operator==(const ParentFigures&) const = default;
};

/// `…:proxy:<uplink>`: written by multilink-squid-helper, with a short TTL. docs/redis-schema.md gives the grammar.
struct ProxyRecord {
  bool usable = false;  ///< requests are sent to it now
  double share = 0;     ///< what part of them, [0,1]
  unsigned weight = 1;
  Duration rtt{};  ///< by which the share goes; 0: not measured
  WallTime since;  ///< of the helper's start
  std::uint64_t choices = 0;
  std::uint64_t alternatives = 0;            ///< requests for which it was the second choice
  std::optional<ParentFigures> parent = {};  ///< none: it does not answer

  Fields encode() const;
  static Result<ProxyRecord> decode(const Fields& fields);
  bool operator==(const ProxyRecord&) const = default;
};

/// The figures in the pages `counters` and `info` of Squid's cache manager; no value: they do not hold them.
std::optional<ParentFigures> parse_parent_pages(std::string_view counters, std::string_view info);

}  // namespace multilink
