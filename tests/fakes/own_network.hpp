// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace multilink::fakes {

/// Moves the calling thread, and what it starts from then on, into a new network namespace with nothing in it
/// but a loopback that is up. There is no way back; the namespace goes with its last process. Needs root.
void enter_own_network();

}  // namespace multilink::fakes
