// SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <cmath>
#include <cstdint>

#include "multilink/core/record_fields.hpp"
#include "multilink/core/records.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::size_t kMaxMember = 128;  // the longest well-formed one has 113 bytes

/// The parts of a member by the names that the schema gives them, so that one reader checks them all.
std::optional<Fields> take_apart(std::string_view member) {
  constexpr std::array<std::string_view, 7> kNames{"boot",   "sequence", "outcome", "rtt_us",
                                                   "family", "kind",     "sent_ns"};
  if (member.size() > kMaxMember) return std::nullopt;
  Fields parts;
  for (const auto name : kNames) {
    const auto end = member.find(':');
    if (end == std::string_view::npos) return std::nullopt;
    parts[std::string(name)] = member.substr(0, end);
    member.remove_prefix(end + 1);
  }
  parts["target"] = member;  // last, since IPv6 addresses have colons
  return parts;
}

char letter(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::regular:
      return 'r';
    case ProbeKind::burst:
      return 'b';
    case ProbeKind::urgent:
      return 'u';
  }
  return 'r';
}

std::optional<ProbeKind> parse_kind(std::string_view text) {
  if (text == "r") return ProbeKind::regular;
  if (text == "b") return ProbeKind::burst;
  if (text == "u") return ProbeKind::urgent;
  return std::nullopt;
}

}  // namespace

std::optional<MonoTime> ProbeRecord::settled() const {
  if (outcome == Outcome::answered) return sent + rtt;
  return waited == Duration::zero() ? std::nullopt : std::optional(sent + waited);
}

std::string ProbeRecord::encode() const {
  const Duration length = outcome == Outcome::lost ? waited : rtt;
  return cat(boot, ':', sequence, ':', static_cast<unsigned>(outcome), ':', encode_microseconds(length), ':',
             to_string(target.family()), ':', letter(kind), ':', sent.time_since_epoch().count(), ':',
             target.to_string());
}

Result<ProbeRecord> ProbeRecord::decode(std::string_view member, double score) {
  const auto parts = take_apart(member);
  if (!parts) {
    return fail(
        cat("probe: '", printable(member), "' is not boot:sequence:outcome:rtt:family:kind:sent:target"));
  }
  FieldReader reader("probe", *parts);
  ProbeRecord out;
  out.boot = reader.boot("boot");
  out.sequence = reader.number<std::uint64_t>("sequence", 0, UINT64_MAX);
  out.outcome = reader.flag("outcome") ? Outcome::answered : Outcome::lost;
  (out.outcome == Outcome::lost ? out.waited : out.rtt) = reader.microseconds("rtt_us");
  out.kind = reader.parsed("kind", "r, b or u", parse_kind);
  out.sent = reader.mono("sent_ns");
  out.target = reader.parsed("target", "an address", IpAddress::parse);
  if (reader.parsed("family", "4 or 6", parse_family) != out.target.family()) {
    reader.refuse("family", "that of the target");
  }
  if (!(score >= 0 && score <= static_cast<double>(kMaxWallMs)) || std::trunc(score) != score) {
    return fail(cat("probe: score ", format_decimal(score, 3), " is not a time in whole milliseconds"));
  }
  out.sent_wall = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(score)));
  return reader.finish(std::move(out));
}

}  // namespace multilink
