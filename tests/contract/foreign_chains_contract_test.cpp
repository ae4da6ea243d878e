// SPDX-License-Identifier: GPL-2.0-or-later
// The chains of others: the fake, and the kernel's in a network namespace.
#include <gmock/gmock.h>

#include <functional>
#include <memory>

#include "contract/network_namespace.hpp"
#include "fakes/fake_chains.hpp"
#include "multilink/adapters/nftables_chains.hpp"

namespace multilink {
namespace foreign_chains_contract_test {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ChainsWorld {
 public:
  virtual ~ChainsWorld() = default;
  virtual ForeignChains& chains() = 0;
  /// Table `ip filter`, chain FORWARD of policy drop, with a rule that counts and jumps to DOCKER-USER.
  virtual void add_docker() = 0;
};

class FakeWorld final : public ChainsWorld {
 public:
  ForeignChains& chains() override { return chains_; }
  void add_docker() override {
    chains_.texts["ip filter FORWARD"] = "policy drop;\ncounter jump DOCKER-USER\n";
  }

 private:
  fakes::FakeChains chains_;
};

class RealWorld final : public ChainsWorld {
 public:
  ForeignChains& chains() override { return chains_; }
  void add_docker() override {
    nft("add table ip filter; add chain ip filter DOCKER-USER; "
        "add chain ip filter FORWARD { type filter hook forward priority filter; policy drop; }; "
        "add rule ip filter FORWARD counter packets 7 bytes 7 jump DOCKER-USER");
  }

 private:
  NetworkNamespace namespace_;
  NftablesChains chains_;
};

struct Kind {
  const char* name;
  std::function<std::unique_ptr<ChainsWorld>()> make;
};

class ForeignChainsContract : public testing::TestWithParam<Kind> {};

TEST_P(ForeignChainsContract, AreReadAsTheyAreNow) {
  const auto world = GetParam().make();
  EXPECT_THAT(world->chains().text_of("ip", "filter", "FORWARD"), IsEmpty());
  world->add_docker();
  const auto text = world->chains().text_of("ip", "filter", "FORWARD");
  EXPECT_THAT(text, HasSubstr("policy drop"));
  EXPECT_THAT(text, HasSubstr("counter jump DOCKER-USER"));
  EXPECT_THAT(text, Not(HasSubstr("packets")));
  EXPECT_THAT(world->chains().text_of("ip", "filter", "nobody"), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Worlds, ForeignChainsContract,
                         testing::Values(Kind{"Fake", [] { return std::make_unique<FakeWorld>(); }},
                                         Kind{"Real", [] { return std::make_unique<RealWorld>(); }}),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace foreign_chains_contract_test
}  // namespace multilink
