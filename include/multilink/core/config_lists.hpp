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

/// Of several problems with one value each is a line of the Error's message.
inline constexpr std::string_view kBetweenProblems = "\n";

/// The message of an Error about the value of `key`: "key: problem", a line each.
inline std::string problems_of_key(std::string_view key, std::string_view problems) {
  std::vector<std::string> out;
  for (const auto problem : split(problems, kBetweenProblems.front())) out.push_back(cat(key, ": ", problem));
  return join(out, kBetweenProblems);
}

/// The items, none of them twice. `instead`: what to write instead of more than kMostInAList. The Error names every bad item.
template <class Item>
Result<std::vector<Item>> read_list(std::string_view text, ParseItem<Item> parse, std::string_view instead) {
  std::vector<Item> out;
  std::vector<std::string> problems;
  for (const auto part : split(text, ',')) {
    const auto item = trim(part);
    if (item.empty()) return fail("");
    auto parsed = parse(item);
    if (!parsed) {
      if (parsed.error().message.empty()) return tl::unexpected(parsed.error());
      problems.push_back(parsed.error().message);
    } else if (std::find(out.begin(), out.end(), *parsed) != out.end()) {
      problems.push_back(cat(quoted(item), " is given twice; keep one"));
    } else {
      out.push_back(*std::move(parsed));
    }
  }
  if (!problems.empty()) return fail(join(problems, kBetweenProblems));
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
