// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/docker_forwarding.hpp"

#include <gmock/gmock.h>

#include "fakes/fake_scheduler.hpp"
#include "fakes/routing_samples.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace docker_forwarding_test {

using testing::HasSubstr;
using testing::IsEmpty;

// As nft prints what Docker 24 has made of it.
constexpr const char* kForward = R"(table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
		counter jump DOCKER-USER
		counter jump DOCKER-ISOLATION-STAGE-1
		oifname "docker0" ct state related,established counter accept
		oifname "docker0" counter jump DOCKER
		iifname "docker0" oifname != "docker0" counter accept
		iifname "br-0123456789ab" oifname "br-0123456789ab" counter accept
	}
}
)";
constexpr const char* kUser = "table ip filter {\n\tchain DOCKER-USER {\n\t\tcounter return\n\t}\n}\n";

class DockerForwarding : public testing::Test {
 protected:
  DockerForwarding() { fakes::add_two_uplinks_and_lan(kernel_); }

  std::string said(std::string_view forward, std::string_view user = kUser) {
    return docker_stops_lan(config_, kernel_.read().value(), forward, user);
  }
  static std::string with(std::string text, std::string_view rule) {
    return text.insert(text.find("\t\tcounter"), cat("\t\t", rule, "\n"));
  }

  fakes::FakeScheduler scheduler_;
  fakes::FakeKernel kernel_{scheduler_};
  Config config_ = fakes::two_uplinks();
};

TEST_F(DockerForwarding, IsToldWithTheRemedy) {
  EXPECT_THAT(said(kForward), HasSubstr("no rule lets lan through"));
  EXPECT_THAT(said(kForward, ""), HasSubstr("iptables -I DOCKER-USER -i lan -j ACCEPT"));
}

TEST_F(DockerForwarding, WhatTheAdministratorHasLetThroughIsAllRight) {
  EXPECT_THAT(said(kForward, with(kUser, "iifname \"lan\" counter accept")), IsEmpty());
  EXPECT_THAT(said(with(kForward, "iifname \"lan\" counter accept")), IsEmpty());
  EXPECT_THAT(said(with(kForward, "counter jump ufw-before-forward")), IsEmpty());
}

TEST_F(DockerForwarding, WithoutDockersChainOrItsPolicyThereIsNothingToTell) {
  EXPECT_THAT(said("", ""), IsEmpty());
  std::string text = kForward;
  EXPECT_THAT(said(text.replace(text.find("policy drop"), 11, "policy accept")), IsEmpty());
  EXPECT_THAT(said("type filter hook forward priority filter; policy drop;\n"), IsEmpty());
}

TEST_F(DockerForwarding, WithoutALanThereIsNothingToTell) {
  kernel_.remove_link("lan");
  EXPECT_THAT(said(kForward), IsEmpty());
}

}  // namespace docker_forwarding_test
}  // namespace multilink
