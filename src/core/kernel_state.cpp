// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/kernel_state.hpp"

#include <algorithm>

namespace multilink {

const Link* KernelState::link_named(std::string_view name) const {
  const auto found = std::find_if(links.begin(), links.end(), [&](const Link& l) { return l.name == name; });
  return found == links.end() ? nullptr : &*found;
}

const Link* KernelState::link_at(unsigned index) const {
  const auto found =
      std::find_if(links.begin(), links.end(), [&](const Link& l) { return l.index == index; });
  return found == links.end() ? nullptr : &*found;
}

}  // namespace multilink
