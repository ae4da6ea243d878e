// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "multilink/adapters/nft.hpp"
#include "multilink/ports/foreign_chains.hpp"

namespace multilink {

/// Those of the network namespace this object is made in.
class NftablesChains final : public ForeignChains {
 public:
  std::string text_of(std::string_view family, std::string_view table, std::string_view chain) override;

 private:
  Nft nft_{"nftables"};
};

}  // namespace multilink
