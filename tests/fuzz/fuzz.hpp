// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace multilink {

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// What must hold of any input at all: libFuzzer takes the abort for a finding.
inline void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace multilink

/// libFuzzer's entry.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
