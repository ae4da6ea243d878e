// SPDX-License-Identifier: GPL-2.0-or-later
// Recorded probes, as `multilinkctl replay --file` reads them.
#include "fuzz.hpp"
#include "multilink/core/link_trace.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace multilink;
  const auto trace = parse_link_trace(as_text(data, size), "trace.csv");
  if (!trace) {
    must(!trace.error().message.empty());
    return 0;
  }
  must(!trace->empty());
  TracePlayer player(*trace);
  for (Duration at{}; at < std::chrono::seconds(20); at += std::chrono::milliseconds(700)) {
    const auto rtt = player.carry(at);
    must(!rtt || *rtt >= Duration::zero());
  }
  return 0;
}
