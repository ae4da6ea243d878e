// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "multilink/core/text.hpp"
#include "multilink/ports/foreign_chains.hpp"

namespace multilink::fakes {

/// Chains in memory, by "ip filter FORWARD".
class FakeChains final : public ForeignChains {
 public:
  std::string text_of(std::string_view family, std::string_view table, std::string_view chain) override {
    const auto found = texts.find(cat(family, ' ', table, ' ', chain));
    return found == texts.end() ? std::string() : found->second;
  }

  std::map<std::string, std::string> texts;
};

}  // namespace multilink::fakes
