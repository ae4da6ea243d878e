// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/history_record.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

using std::chrono::microseconds;

/// Bytes of the fields, in their order.
struct Layout {
  std::size_t time;
  std::size_t count;
  std::size_t length = 3;
};

constexpr Layout layout_of(HistoryStep step) {
  return step == HistoryStep::minute ? Layout{1, 2} : Layout{2, 3};
}

void append(std::string& out, std::uint64_t value, std::size_t bytes) {
  value = std::min(value, (std::uint64_t{1} << (8 * bytes)) - 1);
  while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 0xFF);
}

std::uint64_t take(std::string_view& bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (const char byte : bytes.substr(0, count)) value = value << 8 | static_cast<unsigned char>(byte);
  bytes.remove_prefix(count);
  return value;
}

std::uint64_t in_microseconds(Duration length) {
  return static_cast<std::uint64_t>(std::max(length, Duration{}) / microseconds(1));
}

std::uint64_t rounded_ticks(Duration length) {
  return static_cast<std::uint64_t>((std::max(length, Duration{}) + kHistoryTick / 2) / kHistoryTick);
}

/// up, suspect, down: rounded, and so that all of them are what was watched, rounded; at most `most`.
std::array<std::uint64_t, 3> ticks_of(const HistoryRecord& record, std::uint64_t most) {
  const auto all = std::min(rounded_ticks(record.watched()), most);
  auto down = std::min(rounded_ticks(record.down), all);
  auto suspect = std::min(rounded_ticks(record.suspect), all - down);
  auto up = all - down - suspect;
  if (record.up == Duration{}) (record.down > record.suspect ? down : suspect) += std::exchange(up, 0);
  return {up, suspect, down};
}

bool is_consistent(HistoryStep step, const HistoryRecord& record) {
  const bool has_answers = record.probes > record.lost;
  return record.watched() <= length_of(step) && record.lost <= record.probes &&
         record.rtt <= record.rtt_most && record.jitter <= record.rtt_most &&
         (has_answers || record.rtt_most == Duration{});
}

}  // namespace

double HistoryRecord::loss() const {
  return probes == 0 ? 0 : static_cast<double>(lost) / probes;
}

std::chrono::minutes length_of(HistoryStep step) {
  return step == HistoryStep::minute ? std::chrono::minutes(1) : std::chrono::hours(1);
}

std::size_t bytes_of(HistoryStep step) {
  const auto layout = layout_of(step);
  return 3 * layout.time + 2 * layout.count + 3 * layout.length;
}

std::string encode_history(HistoryStep step, const HistoryRecord& record) {
  assert(record.lost <= record.probes && record.rtt <= record.rtt_most && record.jitter <= record.rtt_most);
  const auto layout = layout_of(step);
  std::string out;
  for (const auto ticks :
       ticks_of(record, static_cast<std::uint64_t>(Duration(length_of(step)) / kHistoryTick))) {
    append(out, ticks, layout.time);
  }
  append(out, record.probes, layout.count);
  append(out, record.lost, layout.count);
  // Where the counts are cut so that no answer is left, there is no time of one either.
  const auto most = (std::uint64_t{1} << (8 * layout.count)) - 1;
  const bool has_answers = record.lost < std::min<std::uint64_t>(record.probes, most);
  for (const auto length : {record.rtt, record.rtt_most, record.jitter}) {
    append(out, has_answers ? in_microseconds(length) : 0, layout.length);
  }
  return out;
}

Result<HistoryRecord> decode_history(HistoryStep step, std::string_view bytes) {
  if (bytes.size() != bytes_of(step)) {
    return fail(cat("a record of the history has ", bytes_of(step), " bytes, not ", bytes.size()));
  }
  const auto layout = layout_of(step);
  const auto time = [&] { return kHistoryTick * static_cast<std::int64_t>(take(bytes, layout.time)); };
  const auto count = [&] { return static_cast<std::uint32_t>(take(bytes, layout.count)); };
  const auto length = [&] { return microseconds(static_cast<std::int64_t>(take(bytes, layout.length))); };
  HistoryRecord record;
  record.up = time();
  record.suspect = time();
  record.down = time();
  record.probes = count();
  record.lost = count();
  record.rtt = length();
  record.rtt_most = length();
  record.jitter = length();
  if (!is_consistent(step, record)) return fail("a record of the history contradicts itself");
  return record;
}

HistoryRecord merge_history(std::span<const HistoryRecord> pieces) {
  HistoryRecord out;
  Duration rtt_sum{};
  Duration jitter_sum{};
  for (const auto& piece : pieces) {
    out.up += piece.up;
    out.suspect += piece.suspect;
    out.down += piece.down;
    out.probes += piece.probes;
    out.lost += piece.lost;
    out.rtt_most = std::max(out.rtt_most, piece.rtt_most);
    rtt_sum += piece.rtt * piece.answers();
    jitter_sum += piece.jitter * piece.answers();
  }
  if (out.answers() > 0) {
    out.rtt = std::chrono::floor<microseconds>(rtt_sum / out.answers());
    out.jitter = std::chrono::floor<microseconds>(jitter_sum / out.answers());
  }
  return out;
}

}  // namespace multilink
