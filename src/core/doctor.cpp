// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/doctor.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::size_t kMostText = 600;  ///< of untrusted text on a line

std::string safe(std::string_view text) {
  return printable(text, kMostText);
}

std::string counted(std::size_t count, std::string_view what) {
  return cat(count, ' ', what, count == 1 ? "" : "s");
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::note:
      return "note";
    case Verdict::problem:
      break;
  }
  return "problem";
}

std::size_t count_of(const Checks& checks, Verdict verdict) {
  return static_cast<std::size_t>(std::count_if(
      checks.begin(), checks.end(), [&](const Check& check) { return check.verdict == verdict; }));
}

std::string render_checks_text(const Checks& checks) {
  std::string out;
  for (const auto& check : checks) {
    std::string verdict(to_string(check.verdict));
    verdict.append(to_string(Verdict::problem).size() - verdict.size(), ' ');
    out += cat(verdict, "  ", safe(check.name), ": ", safe(check.finding),
               check.remedy.empty() ? "" : cat("; ", safe(check.remedy)), '\n');
  }
  const auto problems = count_of(checks, Verdict::problem);
  const auto notes = count_of(checks, Verdict::note);
  return cat(out, problems == 0 ? "No problem found" : cat(counted(problems, "problem"), " found"),
             notes == 0 ? "" : cat(", ", counted(notes, "note")), ".\n");
}

std::string render_checks_json(const Checks& checks) {
  using Json = nlohmann::ordered_json;
  Json out{{"version", 1},
           {"problems", count_of(checks, Verdict::problem)},
           {"notes", count_of(checks, Verdict::note)},
           {"checks", Json::array()}};
  for (const auto& check : checks) {
    out["checks"].push_back({{"name", check.name},
                             {"verdict", to_string(check.verdict)},
                             {"finding", check.finding},
                             {"remedy", check.remedy.empty() ? Json() : Json(check.remedy)}});
  }
  return cat(out.dump(2, ' ', false, Json::error_handler_t::replace), '\n');
}

}  // namespace multilink
