// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "multilink/adapters/event_loop.hpp"

namespace multilink {

/// Sends "GET `url`" to 127.0.0.1:`port`, as to a proxy. Calls `done` once, from the loop, within `patience`, with all that came:
/// head and body, at most 64 KiB; empty: nothing did. `loop` outlives the request.
void request_on_loopback(EventLoop& loop, std::uint16_t port, const std::string& url, Duration patience,
                         std::function<void(const std::string& answer)> done);

}  // namespace multilink
