// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/proxy_report.hpp"

#include <nlohmann/json.hpp>

#include "multilink/core/quantity.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/time_text.hpp"

namespace multilink {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kKibOfMib = 1024;
constexpr double kPercent = 100;

Json json_of(const ProxyLine& line) {
  Json out{{"uplink", line.uplink}};
  if (!line.record) {
    out["problem"] = line.record.error().message;
    return out;
  }
  const auto& record = *line.record;
  out["usable"] = record.usable;
  out["share"] = record.share;
  out["weight"] = record.weight;
  out["rtt_us"] = std::chrono::duration_cast<std::chrono::microseconds>(record.rtt).count();
  out["since_ms"] = record.since.time_since_epoch().count();
  out["choices"] = record.choices;
  out["alternatives"] = record.alternatives;
  out["parent"] = nullptr;
  if (const auto& parent = record.parent) {
    out["parent"] = {
        {"requests", parent->requests}, {"errors", parent->errors}, {"memory_kib", parent->memory_kib}};
  }
  return out;
}

}  // namespace

std::string render_proxy_text(const std::vector<ProxyLine>& lines) {
  std::vector<std::vector<std::string>> rows{
      {"UPLINK", "USED", "SHARE", "WEIGHT", "RTT", "CHOSEN", "REQUESTS", "ERRORS", "MEMORY"}};
  for (const auto& [uplink, record] : lines) {
    if (!record) {
      rows.push_back(
          {printable(uplink), "-", "-", "-", "-", "-", "-", "-", printable(record.error().message, 200)});
      continue;
    }
    std::vector<std::string> row{printable(uplink),
                                 record->usable ? "yes" : "no",
                                 cat(format_decimal(record->share * kPercent, 1), '%'),
                                 cat(record->weight),
                                 record->rtt > Duration::zero() ? format_milliseconds(record->rtt) : "-",
                                 cat(record->choices)};
    if (const auto& parent = record->parent) {
      row.insert(row.end(),
                 {cat(parent->requests), cat(parent->errors), cat(parent->memory_kib / kKibOfMib, " MB")});
    } else {
      row.insert(row.end(), {"-", "-", "the parent does not answer"});
    }
    rows.push_back(std::move(row));
  }
  return align_columns(rows);
}

std::string render_proxy_json(const std::vector<ProxyLine>& lines) {
  constexpr int kIndent = 2;
  Json out{{"version", 1}, {"parents", Json::array()}};
  for (const auto& line : lines) out["parents"].push_back(json_of(line));
  return out.dump(kIndent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace multilink
