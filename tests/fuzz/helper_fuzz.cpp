// SPDX-License-Identifier: GPL-2.0-or-later
// What Squid writes to multilink-squid-helper, in pieces of any length; the first line also as its arguments.
#include <algorithm>

#include "fuzz.hpp"
#include "multilink/core/helper_arguments.hpp"
#include "multilink/core/helper_protocol.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace multilink;
  const auto text = as_text(data, size);
  const auto argument = text.substr(0, text.find('\n'));
  if (const auto parsed = parse_parent_argument(argument)) {
    must(parse_parent_argument(to_string(*parsed)) == parsed);
  }
  LineCutter whole;
  LineCutter pieces;
  whole.add(text);
  for (std::size_t at = 0, length = 1; at < text.size(); at += length, length = length % 7 + 1) {
    pieces.add(text.substr(at, length));
  }
  while (const auto line = whole.take()) {
    must(pieces.take() == line);
    must(line->find('\n') == std::string::npos && line->size() <= LineCutter::kLongest);
    const auto id = question_id(*line);
    if (!id) continue;
    const auto answer = helper_answer(*id, std::nullopt);
    must(std::count(answer.begin(), answer.end(), '\n') == 1);
  }
  must(!pieces.take());
  return 0;
}
