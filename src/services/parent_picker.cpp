// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/parent_picker.hpp"

#include <algorithm>
#include <utility>

#include "multilink/core/helper_protocol.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

ParentPicker::ParentPicker(PickerPorts ports, std::string_view site, std::vector<ParentUplink> uplinks,
                           std::string boot)
    : ports_(ports),
      uplinks_(std::move(uplinks)),
      boot_(std::move(boot)),
      keys_(site),
      reader_(ports_.scheduler, ports_.store, ports_.log, keys_, boot_,
              [this](const HealthRecords& records, const Now&) { hear(records); }),
      reporter_(ports_.scheduler, ports_.store, ports_.log, keys_, [this] { return records(); }) {}

void ParentPicker::start() {
  since_ = ports_.scheduler.now().wall;
  Config names;
  for (const auto& uplink : uplinks_) names.uplinks.emplace_back().name = uplink.name;
  ports_.store.start({keys_.status_channel()},
                     {[this] {
                        reader_.on_ready();
                        reporter_.on_ready();
                      },
                      [](const Error&) {},
                      [this](std::string_view, std::string_view payload) { reader_.on_hint(payload); }});
  reader_.set_uplinks(names);
  reporter_.start();
  watch_parents();
}

void ParentPicker::hear(const HealthRecords& records) {
  for (const auto& [name, record] : records) {
    if (record.boot == boot_) health_[name] = record;
  }
  choose_among();
}

void ParentPicker::choose_among() {
  auto candidates = parent_candidates(uplinks_, health_);
  const auto is_silent = [this](const ParentCandidate& each) {
    const auto counts = counts_.find(each.name);
    return counts != counts_.end() && counts->second.is_silent;
  };
  if (!std::all_of(candidates.begin(), candidates.end(), is_silent)) std::erase_if(candidates, is_silent);
  const auto names = [](const std::vector<ParentCandidate>& some) {
    std::vector<std::string> out;
    for (const auto& each : some) out.push_back(each.name);
    return join(out, ", ");
  };
  if (names(candidates) != names(candidates_)) {
    ports_.log.info(candidates.empty() ? "no uplink is usable: Squid chooses by itself"
                                       : cat("requests go by ", names(candidates)));
  }
  candidates_ = std::move(candidates);
}

std::optional<std::string> ParentPicker::answer(std::string_view line) {
  const auto id = question_id(line);
  if (!id) return std::nullopt;
  const auto chosen = choice_.choose(candidates_);
  if (chosen) {
    ++counts_[chosen->use].choices;
    if (chosen->alternative) ++counts_[*chosen->alternative].alternatives;
  }
  return helper_answer(*id, chosen);
}

void ParentPicker::watch_parents() {
  watch_timer_ = ports_.scheduler.after(kWatch, [this] { watch_parents(); });
  silence_timer_ = ports_.scheduler.after(kSilence, [this] {
    for (const auto& uplink : uplinks_) {
      if (counts_[uplink.name].asked) note_silence(uplink.name, true);
    }
  });
  for (const auto& uplink : uplinks_) {
    if (!counts_[uplink.name].asked) ask(uplink.name);
  }
}

void ParentPicker::ask(const std::string& uplink) {
  const auto begun = ports_.scheduler.now().mono;
  counts_[uplink].asked = begun;
  ports_.parents.ask(uplink, [this, uplink, begun](const std::optional<ParentFigures>& figures) {
    auto& counts = counts_[uplink];
    counts.parent = figures;
    counts.asked.reset();
    note_silence(uplink, !figures && ports_.scheduler.now().mono - begun >= kSilence);
  });
}

void ParentPicker::note_silence(const std::string& uplink, bool is_silent) {
  if (std::exchange(counts_[uplink].is_silent, is_silent) == is_silent) return;
  if (is_silent) {
    ports_.log.warning(cat("the parent of ", uplink,
                           " takes requests and does not answer; see 'systemctl status multilink-squid@",
                           uplink, "'"));
  } else {
    ports_.log.info(cat("the parent of ", uplink, " answers again"));
  }
  choose_among();
}

ProxyReporter::Records ParentPicker::records() const {
  ProxyReporter::Records out;
  const auto shares = shares_of(candidates_);
  for (const auto& uplink : uplinks_) {
    auto& record = out[uplink.name];
    record.since = since_;
    if (const auto health = health_.find(uplink.name); health != health_.end()) {
      record.weight = health->second.weight;
    }
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      if (candidates_[i].name != uplink.name) continue;
      record.usable = true;
      record.share = shares[i];
      record.rtt = candidates_[i].rtt;
    }
    const auto counts = counts_.find(uplink.name);
    if (counts == counts_.end()) continue;
    record.choices = counts->second.choices;
    record.alternatives = counts->second.alternatives;
    record.parent = counts->second.parent;
  }
  return out;
}

}  // namespace multilink
