// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "multilink/core/status_snapshot.hpp"

namespace multilink {

inline constexpr std::string_view kMetricsContentType =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The snapshot for monitoring systems, in OpenMetrics 1.0 (which Prometheus' text format reads as well): gauges in base
/// units (seconds, ratios), names by the conventions of Prometheus; docs/metrics.md lists them. What is not known has no
/// sample, so that an alert on its absence can be told from one on a bad value.
std::string render_status_metrics(const StatusSnapshot& snapshot);

}  // namespace multilink
