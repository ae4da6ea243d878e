// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/squid_folder.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include "multilink/adapters/program.hpp"
#include "multilink/core/squid_files.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<void> write_file(const std::string& path, const std::string& text) {
  errno = 0;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return {};
  return fail(cat(path, ": cannot be written: ", std::strerror(errno != 0 ? errno : EIO)), errno);
}

/// The lines in which Squid says what is wrong, without the time before them.
std::string complaints_in(const std::string& output) {
  std::vector<std::string> out;
  for (const auto line : split(output, '\n')) {
    const auto at = std::min(line.find("FATAL"), line.find("ERROR"));
    if (at != std::string_view::npos) out.push_back(printable(line.substr(at), 300));
  }
  return out.empty() ? printable(output, 300) : join(out, "; ");
}

Result<void> validate(const std::string& path) {
  const auto end = run_program({kSquidPath, "-k", "parse", "-f", path});
  if (!end) {
    return fail(cat(end.error().message,
                    "; install it with 'apt install squid', and 'systemctl disable --now squid', which would "
                    "take the port"),
                end.error().code);
  }
  if (end->status == 0) return {};
  return fail(cat(path, ": Squid refuses it: ", complaints_in(end->output)));
}

}  // namespace

Result<void> write_whole(const std::string& path, const std::string& text) {
  const auto fresh = path + ".new";
  if (auto done = write_file(fresh, text); !done) return done;
  std::error_code error;
  fs::rename(fresh, path, error);
  return error ? fail(cat(path, ": cannot be replaced: ", error.message()), error.value()) : Result<void>{};
}

std::set<std::string> SquidFolder::names() const {
  std::set<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path_, error)) {
    if (entry.path().extension() == ".conf") out.insert(entry.path().stem().string());
  }
  return out;
}

Result<SquidFileChanges> SquidFolder::replace(const std::map<std::string, std::string>& files) {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) return fail(cat(path_, ": cannot be made: ", error.message()), error.value());
  SquidFileChanges out;
  std::set<std::string> changed;
  Result<void> done;
  for (const auto& [name, text] : files) {
    const auto before = content_of(path_of(name));
    if (before == text) continue;
    changed.insert(name);
    (before && without_fallback(*before) == without_fallback(text) ? out.noted : out.changed).insert(name);
    const auto fresh = path_of(name) + ".new";
    if (done) done = write_file(fresh, text);
    if (done) done = validate(fresh);
  }
  for (const auto& name : changed) {
    const auto fresh = path_of(name) + ".new";
    if (done) {
      fs::rename(fresh, path_of(name), error);
      if (error) done = fail(cat(path_of(name), ": cannot be replaced: ", error.message()), error.value());
    } else {
      fs::remove(fresh, error);
    }
  }
  if (!done) return tl::unexpected(done.error());
  for (const auto& name : names()) {
    if (!files.contains(name)) fs::remove(path_of(name), error);
  }
  return out;
}

void SquidFolder::clear() {
  std::error_code error;
  fs::remove_all(path_, error);
}

}  // namespace multilink
