// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim/trace_folder.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink::sim {
namespace {

namespace fs = std::filesystem;
using Joins = std::map<std::string, std::vector<double>>;

/// Series of the same drive carry the names PREFIX…INFIX….
struct GroupNames {
  std::string_view name;
  std::string_view prefix;
  std::string_view infix;
};
constexpr std::array<GroupNames, 2> kGroups{{
    {"pam2023 trip 3", "pam2023_trip_3_", ""},
    {"maine2024", "maine2024_", "_ping_"},
}};

Result<std::string> read_text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) return fail(cat(file.string(), ": cannot be read"));
  return text;
}

Result<Joins> read_joins(const fs::path& file) {
  if (!fs::exists(file)) return Joins{};
  const auto text = read_text(file);
  if (!text) return tl::unexpected(text.error());
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  const auto is_list = [](const auto& value) {
    return value.is_array() && std::ranges::all_of(value, [](const auto& item) { return item.is_number(); });
  };
  if (!json.is_object() || !std::ranges::all_of(json, is_list))
    return fail(cat(file.string(), ": is not an object of lists of seconds"));
  return json.get<Joins>();
}

/// "# link: KIND; source: …" gives KIND.
std::string link_kind(std::string_view text) {
  constexpr std::string_view kKey = "# link:";
  const auto line = text.substr(0, text.find('\n'));
  if (!line.starts_with(kKey)) return "";
  return std::string(trim(line.substr(kKey.size(), line.find(';') - kKey.size())));
}

std::vector<LinkTrace> cut(const LinkTrace& trace, const std::vector<double>& starts) {
  // Sample times have been read as decimals, and so have the joins: half a millisecond is for rounding.
  constexpr Duration kRounding = std::chrono::microseconds(500);
  std::vector<LinkTrace> segments(1);
  auto join = starts.begin();
  while (join != starts.end() && *join <= 0) ++join;
  for (auto sample : trace) {
    while (join != starts.end() && sample.at + kRounding >= Duration(std::llround(*join * 1e9))) {
      if (!segments.back().empty()) segments.emplace_back();
      ++join;
    }
    segments.back().push_back(sample);
  }
  for (auto& segment : segments) {
    const Duration first = segment.front().at;
    for (auto& sample : segment) sample.at -= first;
  }
  return segments;
}

Result<TraceSeries> read_series(const fs::path& file, const Joins& joins) {
  const auto text = read_text(file);
  if (!text) return tl::unexpected(text.error());
  const auto trace = parse_link_trace(*text, file.string());
  if (!trace) return tl::unexpected(trace.error());
  const auto starts = joins.find(file.filename().string());
  return TraceSeries{file.stem().string(), link_kind(*text),
                     cut(*trace, starts == joins.end() ? std::vector<double>{} : starts->second)};
}

bool belongs(const TraceSeries& series, const GroupNames& group) {
  return series.name.starts_with(group.prefix) && series.name.find(group.infix) != std::string::npos;
}

/// The usual distance of two probes.
Duration spacing(const LinkTrace& trace) {
  if (trace.size() < 2) return std::chrono::seconds(1);
  return length_of(trace) / static_cast<Duration::rep>(trace.size() - 1);
}

}  // namespace

Result<TraceFolder> read_trace_folder(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".csv") files.push_back(entry.path());
  }
  if (error) return fail(cat(folder.string(), ": ", error.message()));
  if (files.empty()) return fail(cat(folder.string(), ": holds no *.csv"));
  std::ranges::sort(files);

  const auto joins = read_joins(folder / "joins.json");
  if (!joins) return tl::unexpected(joins.error());
  TraceFolder out;
  for (const auto& file : files) {
    auto series = read_series(file, *joins);
    if (!series) return tl::unexpected(series.error());
    out.series.push_back(std::move(*series));
  }
  for (const auto& names : kGroups) {
    TraceGroup group{std::string(names.name), {}};
    for (std::size_t index = 0; index < out.series.size(); ++index) {
      if (belongs(out.series[index], names)) group.members.push_back(index);
    }
    if (group.members.size() > 1) out.groups.push_back(std::move(group));
  }
  return out;
}

Duration length_of(const LinkTrace& segment) {
  return segment.back().at;
}

std::vector<Session> sessions_of(const TraceFolder& folder, const TraceGroup& group) {
  const auto segments = [&](std::size_t member) -> const auto& {
    return folder.series[member].segments;
  };
  std::size_t count = segments(group.members.front()).size();
  for (const auto member : group.members) count = std::min(count, segments(member).size());

  std::vector<Session> sessions(count);
  for (std::size_t index = 0; index < count; ++index) {
    Duration length = Duration::max();
    for (const auto member : group.members) length = std::min(length, length_of(segments(member)[index]));
    for (const auto member : group.members) {
      auto segment = segments(member)[index];
      std::erase_if(segment, [&](const TraceSample& sample) { return sample.at > length; });
      sessions[index].push_back(std::move(segment));
    }
  }
  return sessions;
}

Session put_end_to_end(const std::vector<Session>& sessions) {
  Session run(sessions.front().size());
  Duration offset{};
  for (const auto& session : sessions) {
    Duration next = offset;
    for (std::size_t link = 0; link < session.size(); ++link) {
      for (auto sample : session[link]) {
        sample.at += offset;
        run[link].push_back(sample);
      }
      next = std::max(next, run[link].back().at + spacing(session[link]));
    }
    offset = next;
  }
  return run;
}

}  // namespace multilink::sim
