// SPDX-License-Identifier: GPL-2.0-or-later
#include "contract/prober_worlds.hpp"

#include <cerrno>
#include <set>

#include "contract/prober_network.hpp"
#include "fakes/fake_log.hpp"
#include "fakes/fake_prober.hpp"
#include "fakes/fake_scheduler.hpp"
#include "multilink/adapters/icmp_prober.hpp"

namespace multilink {
namespace {

class FakeProberWorld final : public ProberWorld {
 public:
  FakeProberWorld() {
    prober_.refuse(absent_link(), ENODEV);
    prober_.set_world([this](const OutgoingProbe& probe) {
      using End = fakes::ProbePath::End;
      if (probe.target == ProberNetwork::kNowhere || probe.target == ProberNetwork::kNowhere6) {
        return fakes::ProbePath{End::unreachable};
      }
      const bool lost = probe.target == ProberNetwork::kSwallowed ||
                        probe.target == ProberNetwork::kSwallowed6 || silent_.count(probe.link_index) != 0;
      return fakes::ProbePath{lost ? End::silent : End::answers};
    });
  }

  Scheduler& scheduler() override { return scheduler_; }
  Prober& prober() override { return prober_; }
  bool run_until(const std::function<bool()>& reached) override {
    for (int i = 0; i < 10'000 && !reached(); ++i) scheduler_.advance(std::chrono::milliseconds(1));
    return reached();
  }
  unsigned link(unsigned number) const override { return 2 + number; }
  unsigned absent_link() const override { return 99; }
  void silence(unsigned number) override { silent_.insert(link(number)); }
  void inject(unsigned, Family family, const std::vector<std::uint8_t>& message) override {
    const auto& source = family == Family::v4 ? ProberNetwork::kTarget : ProberNetwork::kTarget6;
    scheduler_.post([this, source, message] { prober_.deliver(source, message); });
  }

 private:
  fakes::FakeScheduler scheduler_;
  fakes::FakeProber prober_{scheduler_};
  std::set<unsigned> silent_;
};

class RealProberWorld final : public ProberWorld {
 public:
  Scheduler& scheduler() override { return loop_; }
  Prober& prober() override { return prober_; }
  bool run_until(const std::function<bool()>& reached) override {
    const MonoTime deadline = loop_.now().mono + std::chrono::seconds(10);
    while (!reached() && loop_.now().mono < deadline) {
      const auto turn = loop_.after(std::chrono::milliseconds(1), [this] { loop_.stop(); });
      loop_.run();
    }
    return reached();
  }
  unsigned link(unsigned number) const override { return network_.link(number); }
  unsigned absent_link() const override { return 999'999; }
  void silence(unsigned number) override { network_.silence(number); }
  void inject(unsigned number, Family family, const std::vector<std::uint8_t>& message) override {
    network_.inject(number, family, message);
  }

 private:
  ProberNetwork network_;
  EventLoop loop_;
  fakes::FakeLog log_;
  IcmpProber prober_{loop_, log_};
};

}  // namespace

std::unique_ptr<ProberWorld> make_fake_prober_world() {
  return std::make_unique<FakeProberWorld>();
}

std::unique_ptr<ProberWorld> make_real_prober_world() {
  return std::make_unique<RealProberWorld>();
}

}  // namespace multilink
