// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/ini.hpp"

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

std::string_view without_comment(std::string_view line) {
  for (std::size_t at = 0; at < line.size(); ++at) {
    const bool starts = line[at] == '#' || line[at] == ';';
    if (starts && (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t')) return line.substr(0, at);
  }
  return line;
}

/// What may be shown of a line that could not be understood: it may hold a password, so only its first word.
std::string_view first_word(std::string_view line) {
  return line.substr(0, line.find_first_of(" \t"));
}

class IniReader {
 public:
  IniFile read(std::string_view text) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    for (const auto line : split(text, '\n')) {
      ++line_;
      read_line(line);
    }
    return std::move(file_);
  }

 private:
  void problem(std::string message) { file_.problems.push_back({line_, std::move(message)}); }

  void read_line(std::string_view raw) {
    if (raw.find('\0') != std::string_view::npos) return refuse_binary();
    const auto line = trim(without_comment(raw));
    if (raw.size() > kLongestIniLine && !line.empty()) {
      return problem(cat("the line is ", raw.size(), " bytes long; at most ", kLongestIniLine,
                         " are read, write it shorter"));
    }
    if (line.empty()) return;
    if (line.front() == '[') return read_header(line);
    read_entry(line);
  }

  /// Said once: in a file that is not text at all (UTF-16) every line would repeat it.
  void refuse_binary() {
    if (!binary_) problem("the line holds a NUL byte; save the file as plain UTF-8 text");
    binary_ = true;
  }

  /// A header that is not quite right still begins a section, or its keys would be taken for the last one's.
  void read_header(std::string_view line) {
    const auto close = line.find(']');
    if (close == std::string_view::npos) {
      problem(cat(quoted(line), " has no closing bracket; write for example [eth0]"));
    } else if (close + 1 != line.size()) {
      problem(
          cat(quoted(line.substr(0, close + 1)),
              " has something behind it; put a key on a line of its own, a comment behind a blank and #"));
    }
    const auto inner = close == std::string_view::npos ? line.substr(1) : line.substr(1, close - 1);
    file_.sections.push_back({std::string(trim(inner)), line_, {}});
  }

  void read_entry(std::string_view line) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
      return problem(cat("the line that begins with ", quoted(first_word(line)),
                         " is neither [section] nor key = value; write one of the two (no line continues "
                         "another), or begin it with #"));
    }
    const auto key = trim(line.substr(0, equals));
    if (key.empty()) return problem("a value stands without a key; write key = value");
    if (file_.sections.empty()) {
      return problem(cat(quoted(first_word(key)),
                         " stands before the first section; put it under [multilink] or under an uplink's "
                         "[device]"));
    }
    file_.sections.back().entries.push_back(
        {std::string(key), std::string(trim(line.substr(equals + 1))), line_});
  }

  IniFile file_;
  unsigned line_ = 0;
  bool binary_ = false;
};

}  // namespace

IniFile parse_ini(std::string_view text) {
  return IniReader().read(text);
}

}  // namespace multilink
