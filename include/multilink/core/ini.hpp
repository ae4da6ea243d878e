// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace multilink {

/// The grammar of a configuration file, without the meaning of a key: lines of `[section]`, `key = value`,
/// blanks and comments. '#' and ';' begin a comment at the start of a line or after a blank, so that a value
/// may hold them. Indentation means nothing: no line continues another. A UTF-8 byte order mark, CR LF and a
/// missing newline at the end are fine.

struct IniEntry {
  std::string key;
  std::string value;  ///< may be empty
  unsigned line = 0;  ///< 1-based
};

struct IniSection {
  std::string name;  ///< what stands between the brackets, trimmed; not checked
  unsigned line = 0;
  std::vector<IniEntry> entries;
};

/// A finding about a line.
struct LineProblem {
  unsigned line = 0;  ///< 1-based; 0 where it is about the file as a whole
  std::string message;
};

/// Everything that could be read, also where something else could not: one pass finds all errors.
struct IniFile {
  std::vector<IniSection> sections;   ///< in file order; a repeated name is two sections
  std::vector<LineProblem> problems;  ///< in file order
};

inline constexpr std::size_t kLongestIniLine = 1024;  ///< bytes, without the line's end

IniFile parse_ini(std::string_view text);

}  // namespace multilink
