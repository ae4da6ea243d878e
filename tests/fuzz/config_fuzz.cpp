// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration file.
#include "fuzz.hpp"
#include "multilink/core/config.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace multilink;
  const auto parsed = parse_config(as_text(data, size), "interfaces.conf");
  // Either a whole configuration, or a reason why not.
  must(parsed.config.has_value() == parsed.errors.empty());
  must(!parsed.config || !parsed.config->uplinks.empty());
  return 0;
}
