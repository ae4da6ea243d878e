// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/squid_units.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "multilink/adapters/program.hpp"
#include "multilink/adapters/squid_folder.hpp"
#include "multilink/core/config_values.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnits = "/run/systemd/system/";
constexpr std::string_view kParentUnit = "multilink-squid@";
constexpr std::string_view kDropIns = ".service.d";

/// Of this boot only, like the units that systemd makes by itself: the seats outlive it.
std::string drop_in_folder(const std::string& uplink) {
  return cat(kUnits, kParentUnit, uplink, kDropIns);
}

Result<void> systemctl(std::vector<std::string> words) {
  words.insert(words.begin(), "systemctl");
  const auto end = run_program(words);
  if (!end) return tl::unexpected(end.error());
  if (end->status == 0) return {};
  return fail(cat("'", join(words, " "), "' failed: ", printable(trim(end->output), 400)));
}

}  // namespace

bool SquidUnits::has_systemd() {
  std::error_code error;
  return fs::is_directory("/run/systemd/system", error);
}

std::string SquidUnits::unit_of(const std::string& uplink) {
  return cat(kParentUnit, uplink, ".service");
}

Result<bool> SquidUnits::set_user(const std::string& uplink, const std::string& user) {
  const auto text = cat("[Service]\nUser=", user, '\n');
  const auto path = cat(drop_in_folder(uplink), "/user.conf");
  std::ifstream file(path, std::ios::binary);
  if (file.is_open() && std::string(std::istreambuf_iterator<char>(file), {}) == text) return false;
  std::error_code error;
  fs::create_directories(drop_in_folder(uplink), error);
  const auto written = write_whole(path, text);
  return written ? Result<bool>(true) : tl::unexpected(written.error());
}

void SquidUnits::forget_user(const std::string& uplink) {
  std::error_code error;
  fs::remove_all(drop_in_folder(uplink), error);
}

std::set<std::string> SquidUnits::known() const {
  std::set<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(kUnits, error)) {
    const auto file = entry.path().filename().string();
    std::string_view name = file;
    if (!name.starts_with(kParentUnit) || !name.ends_with(kDropIns)) continue;
    name.remove_prefix(kParentUnit.size());
    name.remove_suffix(kDropIns.size());
    if (is_token(name)) out.emplace(name);
  }
  return out;
}

Result<void> SquidUnits::load() {
  return systemctl({"daemon-reload"});
}

Result<void> SquidUnits::run(const std::string& unit, bool changed) {
  return systemctl({changed ? "reload-or-restart" : "start", unit});
}

Result<void> SquidUnits::restart(const std::string& unit) {
  return systemctl({"restart", unit});
}

Result<void> SquidUnits::stop(const std::string& unit) {
  return systemctl({"stop", unit});
}

}  // namespace multilink
