// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/ctl_line.hpp"

#include <getopt.h>

#include <array>
#include <cstddef>

namespace multilink {
namespace {

constexpr option flag(const char* name) {
  return {name, no_argument, nullptr, 0};
}

constexpr option with_value(const char* name) {
  return {name, required_argument, nullptr, 0};
}

constexpr std::array kOptions{with_value("config"),
                              with_value("from"),
                              with_value("iif"),
                              with_value("oif"),
                              with_value("proto"),
                              with_value("port"),
                              with_value("mark"),
                              with_value("uplink"),
                              with_value("file"),
                              with_value("set"),
                              with_value("hours"),
                              with_value("days"),
                              with_value("month"),
                              with_value("redis"),
                              with_value("for"),
                              with_value("output"),
                              with_value("against"),
                              with_value("count"),
                              with_value("timeout"),
                              flag("csv"),
                              flag("html"),
                              flag("json"),
                              flag("check"),
                              flag("no-start"),
                              flag("force"),
                              flag("follow"),
                              flag("wait"),
                              option{"watch", optional_argument, nullptr, 0},
                              flag("no-colour"),
                              flag("no-color"),
                              flag("help"),
                              flag("version"),
                              option{nullptr, 0, nullptr, 0}};

}  // namespace

std::string CtlLine::value(std::string_view option) const {
  const auto found = options.find(option);
  return found == options.end() ? std::string() : found->second.back();
}

std::optional<CtlLine> parse_ctl_line(int argc, char** argv) {
  CtlLine line;
  int index = 0;
  for (int found = 0; (found = getopt_long(argc, argv, "", kOptions.data(), &index)) != -1;) {
    if (found != 0) return std::nullopt;
    const std::string name = kOptions.at(static_cast<std::size_t>(index)).name;
    line.options[name == "no-color" ? "no-colour" : name].emplace_back(optarg != nullptr ? optarg : "");
  }
  line.words.assign(argv + optind, argv + argc);
  return line;
}

}  // namespace multilink
