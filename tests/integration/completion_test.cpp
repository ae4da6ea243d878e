// SPDX-License-Identifier: GPL-2.0-or-later
// The completion of multilinkctl in a real bash.
#include <gmock/gmock.h>

#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "fakes/program.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace completion_test {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// What bash offers for the last of these words, which may be empty.
std::vector<std::string> complete(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) line += cat("'", word, "' ");
  const auto script = cat("source '" MULTILINK_SOURCE_DIR
                          "/config/multilinkctl.bash'\n"
                          "COMP_WORDS=(multilinkctl ",
                          line,
                          ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_multilinkctl\n"
                          "printf '%s\\n' \"${COMPREPLY[@]}\"\n");
  const auto result =
      fakes::run_program({{"/bin/bash", "--norc", "-eu", "-c", script}, {{"PATH", "/usr/bin:/bin"}}});
  EXPECT_THAT(result.err, IsEmpty()) << script;
  std::vector<std::string> out;
  for (const auto word : split(result.out, '\n')) {
    if (!word.empty()) out.emplace_back(word);
  }
  return out;
}

TEST(Completion, KnowsTheCommandsAndTheirOptions) {
  EXPECT_THAT(complete({"e"}), UnorderedElementsAre("explain", "events", "enable"));
  EXPECT_THAT(complete({""}), AllOf(Contains("status"), Contains("init"), Contains("--config")));
  EXPECT_THAT(complete({"events", "--f"}), ElementsAre("--follow"));
  EXPECT_THAT(complete({"--config", "x", "config", "d"}), ElementsAre("diff"));
  EXPECT_THAT(complete({"config", "check", "--a"}), IsEmpty());
  EXPECT_THAT(complete({"config", "diff", "--a"}), ElementsAre("--against"));
  EXPECT_THAT(complete({"proxy", "a"}), ElementsAre("apply"));
  EXPECT_THAT(complete({"explain", "--proto", "u"}), ElementsAre("udp"));
  EXPECT_THAT(complete({"status", "--redis", ""}), IsEmpty());
}

TEST(Completion, KnowsTheUplinksOfTheConfiguration) {
  const fakes::OwnDirectory directory;
  const auto config =
      directory.write("interfaces.conf",
                      "[multilink]\n# [no]\n[eth0] # best\nname = fibre ; fast\n[eth1]\nweight = 2\n"
                      "[policy voice]\nname = x\nuse = fibre\n[squid]\n[notify]\n[wwan0]\nname=lte\n");
  EXPECT_THAT(complete({"report", "--config", config, "--uplink", ""}), ElementsAre("fibre", "eth1", "lte"));
  EXPECT_THAT(complete({"report", "--config", config, "--uplink", "f"}), ElementsAre("fibre"));
  EXPECT_THAT(complete({"report", "--config", directory.path() + "/none", "--uplink", ""}), IsEmpty());
  EXPECT_THAT(complete({"config", "check", directory.path() + "/inter"}), ElementsAre(config));
}

fakes::ProgramResult multilinkctl(std::vector<std::string> words) {
  words.insert(words.begin(), MULTILINK_BIN_DIR "/multilinkctl");
  return fakes::run_program({words});
}

std::set<std::string> options_in(const std::string& text) {
  const std::regex option("--[a-z-]+");
  std::set<std::string> out;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), option); at != std::sregex_iterator(); ++at)
    out.insert(at->str());
  return out;
}

struct Usage {
  std::vector<std::string> words;  ///< of the command
  std::set<std::string> options;
};

/// The commands as the first lines of the help show them, each with its options.
std::vector<Usage> usages() {
  const std::regex command("multilinkctl ([a-z]+( apply| check| diff)?)");
  const auto help = multilinkctl({"--help"}).out;
  const auto end = help.find("\n\n");
  std::vector<Usage> out;
  for (const auto line : split(std::string_view(help).substr(0, end), '\n')) {
    const std::string text(line);
    std::smatch found;
    if (std::regex_search(text, found, command)) {
      out.emplace_back();
      const auto words = found[1].str();
      for (const auto word : split(words, ' ')) out.back().words.emplace_back(word);
    }
    out.back().options.merge(options_in(text));
  }
  return out;
}

TEST(Completion, OffersWhatTheHelpShowsOfEachCommandAndNothingElse) {
  const auto all = usages();
  ASSERT_GE(all.size(), 16U);
  for (const auto& usage : all) {
    EXPECT_THAT(complete({""}), Contains(usage.words.front()));
    auto words = usage.words;
    words.emplace_back("--");
    auto expected = usage.options;
    expected.insert({"--config", "--redis", "--help", "--version"});
    const auto offered = complete(words);
    EXPECT_EQ(std::set(offered.begin(), offered.end()), expected) << join(usage.words, " ");
  }
}

TEST(Help, OfACommandNamesEachOfItsOptionsAndNoOther) {
  const std::map<std::string, std::string> spoken_of{
      {"status", "--no-color"}, {"explain", "--interface"}, {"config check", "--check"}};
  for (const auto& usage : usages()) {
    const auto name = join(usage.words, " ");
    auto words = usage.words;
    words.emplace_back("--help");
    const auto help = multilinkctl(words);
    EXPECT_EQ(help.status, 0) << name;
    EXPECT_THAT(help.out, testing::StartsWith(cat("Usage: multilinkctl ", name)));
    EXPECT_THAT(help.out, testing::HasSubstr("Exit status: 0 done, 1 "));
    EXPECT_THAT(help.out, testing::EndsWith("\nmultilinkctl --help shows all commands.\n"));
    auto expected = usage.options;
    expected.insert({"--config", "--redis", "--help", "--version"});
    if (name == "proxy") expected.insert("--no-start");  // of its other form
    if (const auto found = spoken_of.find(name); found != spoken_of.end()) expected.insert(found->second);
    EXPECT_EQ(options_in(help.out), expected) << help.out;
  }
}

TEST(Help, OfACommandOfSeveralFormsShowsThem) {
  EXPECT_THAT(multilinkctl({"config", "--help"}).out,
              AllOf(testing::HasSubstr("Usage: multilinkctl config check [FILE]"),
                    testing::HasSubstr("\n       multilinkctl config diff [FILE]"),
                    testing::HasSubstr("; of config diff 2 there are differences"),
                    testing::Not(testing::HasSubstr("doctor"))));
  EXPECT_THAT(multilinkctl({"proxy", "--help"}).out,
              AllOf(testing::HasSubstr("Usage: multilinkctl proxy [--json]\n"),
                    testing::HasSubstr("\n       multilinkctl proxy apply [--no-start]\n")));
  EXPECT_THAT(multilinkctl({"proxy", "apply", "--help"}).out,
              testing::Not(testing::HasSubstr("proxy [--json]")));
  EXPECT_THAT(multilinkctl({"drain", "--help"}).out,
              AllOf(testing::HasSubstr("of drain --wait 3 flows are left"),
                    testing::Not(testing::HasSubstr("black hole"))));
  EXPECT_EQ(multilinkctl({"nothing", "--help"}).out, multilinkctl({"--help"}).out);
}

TEST(Completion, AnOptionThatIsNotOfTheCommandIsRefused) {
  std::set<std::string> options;
  for (const auto& usage : usages()) options.insert(usage.options.begin(), usage.options.end());
  const std::set<std::string> flags{"--json",   "--csv",   "--html", "--no-start", "--force",
                                    "--follow", "--watch", "--wait", "--check",    "--no-colour"};
  for (const auto& usage : usages()) {
    for (const auto& option : options) {
      if (usage.options.contains(option)) continue;
      auto words = usage.words;
      words.push_back(option);
      if (!flags.contains(option)) words.emplace_back("1");
      const auto done = multilinkctl(words);
      EXPECT_EQ(done.status, 64) << join(words, " ") << '\n' << done.out;
      EXPECT_THAT(done.err,
                  testing::HasSubstr(cat(join(usage.words, " "), ": ", option, " has no meaning here")));
    }
  }
}

}  // namespace completion_test
}  // namespace multilink
