// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/prefix_translation.hpp"

#include "multilink/core/text.hpp"

namespace multilink {

std::string PrefixTranslation::to_string() const {
  return cat(inside.to_string(), " > ", outside.to_string());
}

}  // namespace multilink
