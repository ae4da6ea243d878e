// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace multilink {

/// The nftables chains of others, which are only looked at. Synchronous; some milliseconds where there are many rules.
class ForeignChains {
 public:
  virtual ~ForeignChains() = default;

  /// The chain in the words of nft(8), without counters, a rule a line; empty where there is no such chain, or it cannot be
  /// read. `family` and the names are words of nft's language.
  virtual std::string text_of(std::string_view family, std::string_view table, std::string_view chain) = 0;
};

}  // namespace multilink
