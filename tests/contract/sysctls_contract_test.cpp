// SPDX-License-Identifier: GPL-2.0-or-later
// Settings of the host, and the memory of what they were: on fakes, and on /proc/sys in a network namespace and a file.
#include <gmock/gmock.h>

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>

#include "contract/network_namespace.hpp"
#include "fakes/fake_sysctls.hpp"
#include "multilink/adapters/changed_settings_file.hpp"
#include "multilink/adapters/proc_sysctls.hpp"

namespace multilink {
namespace sysctls_contract_test {

class SettingsWorld {
 public:
  virtual ~SettingsWorld() = default;
  virtual Sysctls& sysctls() = 0;
  virtual void add_link(const std::string& name) = 0;
  virtual void remove_link(const std::string& name) = 0;
};

class FakeSettings final : public SettingsWorld {
 public:
  FakeSettings() {
    for (const auto setting : {KernelSetting::ipv4_hash_policy, KernelSetting::ipv6_hash_policy,
                               KernelSetting::ipv6_hash_fields}) {
      sysctls_.values[path_of(setting)] = 0;
    }
  }
  Sysctls& sysctls() override { return sysctls_; }
  void add_link(const std::string& name) override {
    sysctls_.values[ipv4_path(name, "rp_filter")] = 0;
    sysctls_.values[ipv6_path(name, "accept_ra")] = 1;
  }
  void remove_link(const std::string& name) override {
    sysctls_.values.erase(ipv4_path(name, "rp_filter"));
    sysctls_.values.erase(ipv6_path(name, "accept_ra"));
  }

 private:
  fakes::FakeSysctls sysctls_;
};

class RealSettings final : public SettingsWorld {
 public:
  Sysctls& sysctls() override { return sysctls_; }
  void add_link(const std::string& name) override {
    ip({"link", "add", name, "type", "veth", "peer", "name", name + "p"});
    EXPECT_TRUE(sysctls_.write(ipv4_path(name, "rp_filter"), 0));
  }
  void remove_link(const std::string& name) override { ip({"link", "delete", name}); }

 private:
  NetworkNamespace namespace_;
  ProcSysctls sysctls_;
};

struct SettingsKind {
  const char* name;
  std::unique_ptr<SettingsWorld> (*make)();
};

class SysctlsContract : public testing::TestWithParam<SettingsKind> {
 protected:
  std::unique_ptr<SettingsWorld> world_ = GetParam().make();
  Sysctls& sysctls_ = world_->sysctls();
};

TEST_P(SysctlsContract, WhatIsWrittenIsRead) {
  world_->add_link("e0.7");
  for (const auto setting : {KernelSetting::rp_filter, KernelSetting::accept_ra}) {
    for (const int value : {2, 0, 1}) {
      const auto written = sysctls_.write(path_of(setting, "e0.7"), value);
      ASSERT_TRUE(written) << written.error().message;
      EXPECT_EQ(sysctls_.read(path_of(setting, "e0.7")), value);
    }
  }
}

TEST_P(SysctlsContract, TheHostsOwnSettingsAreThere) {
  for (const auto setting :
       {KernelSetting::ipv4_hash_policy, KernelSetting::ipv6_hash_policy, KernelSetting::ipv6_hash_fields}) {
    for (const int value : {1, 3}) {
      const auto written = sysctls_.write(path_of(setting), value);
      ASSERT_TRUE(written) << written.error().message;
      EXPECT_EQ(sysctls_.read(path_of(setting)), value);
    }
  }
}

TEST_P(SysctlsContract, WhatHasGoneIsNotThere) {
  world_->add_link("e0");
  ASSERT_TRUE(sysctls_.read(ipv4_path("e0", "rp_filter")));
  world_->remove_link("e0");
  EXPECT_EQ(sysctls_.read(ipv4_path("e0", "rp_filter")).error().code, ENOENT);
  EXPECT_EQ(sysctls_.write(ipv4_path("e0", "rp_filter"), 1).error().code, ENOENT);
  EXPECT_THAT(sysctls_.read(ipv4_path("e0", "rp_filter")).error().message,
              testing::HasSubstr("net.ipv4.conf.e0.rp_filter: No such file"));
}

INSTANTIATE_TEST_SUITE_P(
    , SysctlsContract,
    testing::Values(
        SettingsKind{"Fake", [] { return std::unique_ptr<SettingsWorld>(std::make_unique<FakeSettings>()); }},
        SettingsKind{"Real",
                     [] { return std::unique_ptr<SettingsWorld>(std::make_unique<RealSettings>()); }}),
    [](const auto& kind) { return kind.param.name; });

TEST(ProcSysctls, WhatIsNoNumberIsRefused) {
  ProcSysctls sysctls;
  EXPECT_EQ(sysctls.read("kernel/ostype").error().code, EINVAL);
  EXPECT_EQ(sysctls.read("net/ipv4/conf").error().code, EISDIR);
}

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / "multilink-settings-XXXXXX") {
    std::string name = path_;
    path_ = mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

const std::vector<ChangedSetting> kChanged{{4, KernelSetting::rp_filter, 1, 2},
                                           {7, KernelSetting::accept_ra, 1, 2}};

void keeps_what_is_saved(ChangedSettings& memory) {
  EXPECT_EQ(memory.load(), std::vector<ChangedSetting>{});
  ASSERT_TRUE(memory.save(kChanged));
  EXPECT_EQ(memory.load(), kChanged);
  ASSERT_TRUE(memory.save({kChanged[1]}));
  EXPECT_EQ(memory.load(), std::vector{kChanged[1]});
  ASSERT_TRUE(memory.save({}));
  EXPECT_EQ(memory.load(), std::vector<ChangedSetting>{});
}

TEST(ChangedSettings, TheFakeKeepsWhatIsSaved) {
  fakes::FakeChangedSettings memory;
  keeps_what_is_saved(memory);
}

TEST(ChangedSettings, TheFileKeepsWhatIsSavedAlsoForTheNextProcess) {
  const Folder folder;
  const auto directory = folder.path() / "multilink" / "routed";
  ChangedSettingsFile memory(directory.native());
  keeps_what_is_saved(memory);
  ASSERT_TRUE(memory.save(kChanged));
  EXPECT_EQ(ChangedSettingsFile(directory.native()).load(), kChanged);
  const auto files = std::distance(std::filesystem::directory_iterator(directory), {});
  EXPECT_EQ(files, 1) << "nothing half written is left";
}

TEST(ChangedSettings, EachNetworkNamespaceHasItsOwnFile) {
  const Folder folder;
  ChangedSettingsFile here(folder.path().native());
  ASSERT_TRUE(here.save(kChanged));
  const NetworkNamespace other;
  EXPECT_EQ(ChangedSettingsFile(folder.path().native()).load(), std::vector<ChangedSetting>{});
}

TEST(ChangedSettings, AFileThatIsNoneIsRefusedWithTheRemedy) {
  const Folder folder;
  ChangedSettingsFile memory(folder.path().native());
  for (const auto& text : {std::string("garbage\n"), std::string(70'000, '\n')}) {
    std::ofstream(memory.path()) << text;
    const auto read = memory.load();
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().message, testing::HasSubstr("delete the file"));
  }
}

TEST(ChangedSettings, AFailureLeavesWhatWasThere) {
  const Folder folder;
  ChangedSettingsFile memory(folder.path().native());
  ASSERT_TRUE(memory.save(kChanged));
  std::filesystem::create_directory(memory.path() + ".new");
  EXPECT_FALSE(memory.save({}));
  EXPECT_EQ(memory.load(), kChanged);
}

}  // namespace sysctls_contract_test
}  // namespace multilink
