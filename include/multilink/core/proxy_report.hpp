// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "multilink/core/proxy_record.hpp"

namespace multilink {

/// The state of one parent; no record: the helper says nothing of it.
struct ProxyLine {
  std::string uplink;
  Result<ProxyRecord> record;
};

/// What `multilinkctl proxy` prints: a table, or JSON (docs/load-balancing.md), each with a newline at the end. `lines` in the
/// order of the configuration.
std::string render_proxy_text(const std::vector<ProxyLine>& lines);
std::string render_proxy_json(const std::vector<ProxyLine>& lines);

}  // namespace multilink
