// SPDX-License-Identifier: GPL-2.0-or-later
// The files that are shipped, and the folder of files that each break one rule.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "multilink/core/config.hpp"
#include "multilink/core/config_keys.hpp"
#include "multilink/core/notify_keys.hpp"
#include "multilink/core/policy_keys.hpp"
#include "multilink/core/squid_keys.hpp"

namespace multilink {
namespace config_files_test {

namespace fs = std::filesystem;

const fs::path kSource = MULTILINK_SOURCE_DIR;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string first_error(const ParsedConfig& parsed) {
  return parsed.errors.empty() ? std::string() : parsed.errors.front().to_string() + "\n";
}

/// The shipped file with every setting that is commented out taken in.
std::string uncommented(const std::string& text) {
  std::string out;
  for (const auto line : split(text, '\n')) {
    const bool setting = line.size() > 1 && line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';
    out += cat(setting ? line.substr(1) : line, '\n');
  }
  return out;
}

/// The comments of the shipped file as one running text.
std::string prose(const std::string& text) {
  std::string out;
  for (const auto line : split(text, '\n')) {
    if (line.starts_with("# ")) out += cat(line.substr(2), ' ');
  }
  return out;
}

TEST(ConfigFiles, EveryBadFileIsRefusedForItsOneReason) {
  unsigned files = 0;
  for (const auto& entry : fs::directory_iterator(kSource / "tests/data/bad-config")) {
    if (entry.path().extension() != ".conf") continue;
    ++files;
    const auto name = entry.path().filename().string();
    const auto parsed = parse_config(read_file(entry.path()), name);
    EXPECT_FALSE(parsed.config) << name;
    EXPECT_EQ(parsed.errors.size(), 1U) << name;
    EXPECT_EQ(first_error(parsed), read_file(fs::path(entry.path()).replace_extension(".expected")));
    EXPECT_EQ(first_error(parsed).find("do-not-show-me"), std::string::npos) << name;
  }
  EXPECT_GE(files, 45U);
}

TEST(ConfigFiles, EveryKeyHasABadFile) {
  std::string expected;
  for (const auto& entry : fs::directory_iterator(kSource / "tests/data/bad-config")) {
    if (entry.path().extension() == ".expected") expected += read_file(entry.path());
  }
  for (const auto& key : config_keys()) {
    EXPECT_NE(expected.find(cat(": ", key.name, ": '")), std::string::npos) << key.name;
  }
  for (const auto& key : notify_keys()) {
    EXPECT_NE(expected.find(cat(": ", key.name, ": '")), std::string::npos) << key.name;
  }
  for (const auto& key : policy_keys()) {
    EXPECT_NE(expected.find(cat(": ", key.name, ": '")), std::string::npos) << key.name;
  }
  for (const auto& key : squid_keys()) {
    EXPECT_NE(expected.find(cat(": ", key.name, ": '")), std::string::npos) << key.name;
  }
}

TEST(ConfigFiles, TheShippedFileIsValid) {
  const auto parsed = parse_config(read_file(kSource / "config/interfaces.conf"), "interfaces.conf");
  EXPECT_EQ(first_error(parsed), "");
  ASSERT_TRUE(parsed.config);
  EXPECT_EQ(parsed.config->uplinks.size(), 2U);
  EXPECT_TRUE(parsed.warnings.empty());
}

TEST(ConfigFiles, TheShippedFileShowsEveryKeyAtItsDefault) {
  const auto text = read_file(kSource / "config/interfaces.conf");
  const auto as_shipped = parse_config(text, "interfaces.conf");
  auto all_set = parse_config(uncommented(text), "interfaces.conf");
  EXPECT_EQ(first_error(all_set), "");
  ASSERT_TRUE(all_set.config && as_shipped.config);
  EXPECT_EQ(all_set.config->uplinks.at(1).mac, "02:00:5e:10:00:01");  // an example: it has no default
  all_set.config->uplinks.at(1).mac.reset();
  EXPECT_EQ(*all_set.config, *as_shipped.config);
  for (const auto& key : config_keys()) {
    if (key.name == "name") continue;  // set in both sections
    EXPECT_NE(text.find(cat("\n#", key.name, " = ", key.fallback)), std::string::npos) << key.name;
  }
}

TEST(ConfigFiles, TheShippedFileExplainsEveryRule) {
  const auto text = read_file(kSource / "config/interfaces.conf");
  const auto explained = prose(text);
  for (const auto& key : config_keys()) {
    if (key.name == "redis") continue;  // its rule is the grammar of an address
    auto rule = key.value.rule.substr(0, key.value.rule.find(" (units"));
    rule = rule.substr(0, rule.find(" with its percent"));
    EXPECT_NE(explained.find(rule), std::string::npos) << key.name << ": " << rule;
  }
}

TEST(ConfigFiles, TheShippedFileShowsAndExplainsEveryKeyOfTheProxy) {
  const auto text = read_file(kSource / "config/interfaces.conf");
  const auto explained = prose(text);
  for (const auto& key : squid_keys()) {
    EXPECT_NE(text.find(cat("\n#", key.name, " = ", key.fallback)), std::string::npos) << key.name;
    const auto rule = key.rule.substr(0, key.rule.find(" (units"));
    EXPECT_NE(explained.find(rule), std::string::npos) << key.name << ": " << rule;
  }
}

/// The lines that are indented within the comments: the examples.
std::string examples(const std::string& text) {
  std::string out;
  for (const auto line : split(text, '\n')) {
    constexpr std::string_view kIndent = "#     ";
    if (line.starts_with(kIndent)) out += cat(line.substr(kIndent.size()), '\n');
  }
  return out;
}

TEST(ConfigFiles, TheShippedFilesExamplesAreValid) {
  const auto text = read_file(kSource / "config/interfaces.conf");
  const auto parsed = parse_config(cat(text, examples(text)), "interfaces.conf");
  EXPECT_EQ(first_error(parsed), "");
  ASSERT_TRUE(parsed.config);
  EXPECT_GE(parsed.config->policies.size(), 2U);
  EXPECT_TRUE(parsed.config->notify.has_receiver());
  EXPECT_TRUE(parsed.warnings.empty());
}

/// What stands between "```ini" and "```".
std::vector<std::string> blocks(const std::string& text) {
  constexpr std::string_view kOpen = "\n```ini\n";
  std::vector<std::string> out;
  for (auto at = text.find(kOpen); at != std::string::npos; at = text.find(kOpen, at + 1)) {
    const auto begin = at + kOpen.size();
    out.push_back(text.substr(begin, text.find("\n```\n", begin) + 1 - begin));
  }
  return out;
}

TEST(ConfigFiles, TheExamplesOfTheGuideToLoadBalancingAreValid) {
  const auto examples_there = blocks(read_file(kSource / "docs/load-balancing.md"));
  EXPECT_EQ(examples_there.size(), 3U);
  for (const auto& example : examples_there) {
    const auto parsed = parse_config(example, "load-balancing.md");
    EXPECT_EQ(first_error(parsed), "") << example;
    EXPECT_TRUE(parsed.warnings.empty()) << example << parsed.warnings.front().to_string();
  }
}

TEST(ConfigFiles, TheShippedFileExplainsEveryRuleOfAPolicysKeysAndOfAlerts) {
  const auto explained = prose(read_file(kSource / "config/interfaces.conf"));
  for (const auto& key : notify_keys()) {
    EXPECT_NE(explained.find(cat(key.name, ": ", key.rule)), std::string::npos)
        << key.name << ": " << key.rule;
  }
  for (const auto& key : policy_keys()) {
    EXPECT_NE(explained.find(cat(key.name, ": ", key.rule)), std::string::npos)
        << key.name << ": " << key.rule;
  }
}

}  // namespace config_files_test
}  // namespace multilink
