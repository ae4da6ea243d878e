// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace multilink::fakes {

/// Moves the calling thread, and what it starts from then on, into a new network namespace with nothing in it
/// but a loopback that is up. There is no way back; the namespace goes with its last process. Needs root.
void enter_own_network();

/// Runs ip(8) with these words there, and gives its output; throws std::runtime_error with what it says when it fails.
std::string ip(std::string_view arguments);
/// A pair of veths that is up, the uplink's or LAN's end of this name (the other with "p" behind it).
void add_device(std::string_view name);

}  // namespace multilink::fakes
