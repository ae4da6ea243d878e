// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "multilink/core/ip_address.hpp"
#include "multilink/core/result.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

/// Values of the configuration that are lists, with commas between their items.

inline constexpr std::size_t kMostInAList = 32;

/// An item of a list, as a value; or why it is none. An empty message: it is not what the key's rule says.
template <class Item>
using ParseItem = Result<Item> (*)(std::string_view text);

/// The items, none of them twice. `instead`: what to write instead of more than kMostInAList.
template <class Item>
Result<std::vector<Item>> read_list(std::string_view text, ParseItem<Item> parse, std::string_view instead) {
  std::vector<Item> out;
  for (const auto part : split(text, ',')) {
    const auto item = trim(part);
    if (item.empty()) return fail("");
    auto parsed = parse(item);
    if (!parsed) return tl::unexpected(parsed.error());
    if (std::find(out.begin(), out.end(), *parsed) != out.end()) {
      return fail(cat(quoted(item), " is given twice; keep one"));
    }
    out.push_back(*std::move(parsed));
  }
  if (out.size() <= kMostInAList) return out;
  return fail(
      cat(quoted(text), " has ", out.size(), " items, more than ", kMostInAList, "; write ", instead));
}

template <class Item, class Write>
std::string write_list(const std::vector<Item>& items, Write write) {
  std::vector<std::string> out;
  for (const auto& item : items) out.push_back(write(item));
  return join(out, ", ");
}

/// An address or a network. `all`: why it cannot be everything, with the remedy.
Result<IpPrefix> parse_network_item(std::string_view text, std::string_view all);

}  // namespace multilink
