// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/services/complaints.hpp"

#include "multilink/core/text.hpp"

namespace multilink {

void Complaints::refuse(std::string_view subject, std::string_view fault, MonoTime now) {
  auto known = said_.find(subject);
  if (known != said_.end() && (known->second.fault == fault || now - known->second.at < kPause)) return;
  if (known == said_.end()) known = said_.emplace(subject, Said{}).first;
  known->second = {std::string(fault), now};
  log_.warning(cat(subject, ": ", fault));
}

void Complaints::accept(std::string_view subject) {
  const auto known = said_.find(subject);
  if (known != said_.end()) known->second.fault.clear();
}

}  // namespace multilink
