// SPDX-License-Identifier: GPL-2.0-or-later
// The completion of multilinkctl in a real bash.
#include <gmock/gmock.h>

#include <regex>
#include <string>
#include <vector>

#include "fakes/program.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

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

TEST(Completion, KnowsEveryOptionAndCommandOfTheHelp) {
  const auto help = fakes::run_program({{MULTILINK_BIN_DIR "/multilinkctl", "--help"}}).out;
  const auto file = fakes::run_program({{"/bin/cat", MULTILINK_SOURCE_DIR "/config/multilinkctl.bash"}}).out;
  const std::regex option("--[a-z][a-z-]*"), command("multilinkctl ([a-z]+)");
  for (auto at = std::sregex_iterator(help.begin(), help.end(), option); at != std::sregex_iterator(); ++at) {
    if (at->str() == "--no-color" || at->str() == "--check" || at->str() == "--interface") continue;
    EXPECT_NE(file.find(at->str()), std::string::npos) << at->str();
  }
  for (auto at = std::sregex_iterator(help.begin(), help.end(), command); at != std::sregex_iterator(); ++at)
    EXPECT_THAT(complete({""}), Contains((*at)[1].str()));
}

}  // namespace
}  // namespace multilink
