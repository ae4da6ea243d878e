// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/link_trace.hpp"

#include <cctype>
#include <cmath>
#include <string>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr double kMostSeconds = 9e9;  // time of day since 1970 is one way to write it
constexpr double kMostRtt = 3.6e6;    // an hour, in ms

std::optional<double> parse_within(std::string_view text, double most) {
  const auto value = parse_decimal(text);
  return value && *value >= 0 && *value <= most ? value : std::nullopt;
}

Duration from_seconds(double seconds) {
  return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

Result<TraceSample> parse_sample(std::string_view line) {
  const auto fields = split(line, ',');
  if (fields.size() != 2)
    return fail(cat(quoted(line), " is not 'seconds,rtt_ms' (an empty rtt_ms for a lost probe)"));
  const auto seconds = parse_within(trim(fields[0]), kMostSeconds);
  if (!seconds) return fail(cat("seconds: ", quoted(fields[0]), " is not a number from 0 to 9000000000"));
  const auto text = trim(fields[1]);
  if (text.empty()) return TraceSample{from_seconds(*seconds), std::nullopt};
  const auto rtt = parse_within(text, kMostRtt);
  if (!rtt) {
    return fail(
        cat("rtt_ms: ", quoted(text), " is not a number from 0 to 3600000; leave it empty for a lost probe"));
  }
  return TraceSample{from_seconds(*seconds), from_seconds(*rtt / 1000)};
}

bool is_names(std::string_view line) {
  return !line.empty() && std::isalpha(static_cast<unsigned char>(line.front())) != 0;
}

}  // namespace

Result<LinkTrace> parse_link_trace(std::string_view text, std::string_view file) {
  LinkTrace trace;
  Duration first{};
  std::size_t number = 0;
  bool may_be_names = true;
  if (text.starts_with("\xef\xbb\xbf"))
    text.remove_prefix(3);  // the mark that some editors begin a file with
  for (const auto line : split(text, '\n')) {
    ++number;
    const auto content = trim(line);
    if (content.empty() || content.front() == '#') continue;
    if (std::exchange(may_be_names, false) && is_names(content)) continue;
    auto sample = parse_sample(content);
    if (!sample) return fail(cat(file, ":", number, ": ", sample.error().message));
    if (trace.empty()) first = sample->at;
    sample->at -= first;
    if (!trace.empty() && sample->at < trace.back().at) {
      return fail(cat(file, ":", number, ": seconds run backwards; sort the lines by the time of sending"));
    }
    trace.push_back(*sample);
  }
  if (trace.empty()) return fail(cat(file, ": holds no probe; one line each is expected, 'seconds,rtt_ms'"));
  return trace;
}

bool TracePlayer::is_in_silence(std::size_t index) const {
  return is_lost(index) &&
         ((index > 0 && is_lost(index - 1)) || (index + 1 < trace_.size() && is_lost(index + 1)));
}

std::optional<Duration> TracePlayer::interpolate(Duration at) const {
  const auto before = is_lost(index_) && index_ > 0 ? index_ - 1 : index_;
  const auto after = index_ + 1 < trace_.size() ? index_ + 1 : index_;
  const auto& from = trace_[before];
  const auto& to = trace_[after];
  if (!from.rtt || !to.rtt) return from.rtt ? from.rtt : to.rtt;
  if (at <= from.at || to.at <= from.at) return from.rtt;
  if (at >= to.at) return to.rtt;
  const double share =
      static_cast<double>((at - from.at).count()) / static_cast<double>((to.at - from.at).count());
  return *from.rtt + Duration(std::llround(share * static_cast<double>((*to.rtt - *from.rtt).count())));
}

std::optional<Duration> TracePlayer::carry(Duration at) {
  while (index_ + 1 < trace_.size() && trace_[index_ + 1].at <= at) ++index_;
  if (is_in_silence(index_)) return std::nullopt;
  if (is_lost(index_) && used_ != index_) {
    used_ = index_;
    return std::nullopt;
  }
  return interpolate(at);
}

}  // namespace multilink
