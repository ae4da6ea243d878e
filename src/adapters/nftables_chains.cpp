// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/nftables_chains.hpp"

#include "multilink/core/text.hpp"

namespace multilink {

std::string NftablesChains::text_of(std::string_view family, std::string_view table, std::string_view chain) {
  return nft_.run(cat("list chain ", family, ' ', table, ' ', chain, '\n')).value_or("");
}

}  // namespace multilink
