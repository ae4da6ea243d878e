// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/redis_login.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace multilink {
namespace redis_login_test {

class RedisLoginFile : public testing::Test {
 protected:
  RedisLoginFile() {
    if (mkdtemp(directory_.data()) == nullptr) throw std::runtime_error(directory_);
    setenv("CREDENTIALS_DIRECTORY", directory_.c_str(), 1);
  }
  ~RedisLoginFile() override {
    unsetenv("CREDENTIALS_DIRECTORY");
    std::filesystem::remove_all(directory_);
  }
  void write(const std::string& content) { std::ofstream(directory_ + "/redis") << content; }

  std::string directory_ = "/tmp/multilink-login-XXXXXX";
};

TEST_F(RedisLoginFile, HoldsUserAndPassword) {
  for (const char* content : {"pingd s3cret:/%s", "pingd s3cret:/%s\n", " pingd s3cret:/%s \n"}) {
    write(content);
    const auto login = read_redis_login();
    ASSERT_TRUE(login) << login.error().message;
    EXPECT_EQ(*login, (RedisLogin{"pingd", "s3cret:/%s"})) << content;
  }
}

TEST_F(RedisLoginFile, NoneOrAnEmptyOneIsNoLogin) {
  EXPECT_EQ(read_redis_login(), std::nullopt);
  for (const char* blank : {"", "\n", " \r\n"}) {
    write(blank);
    EXPECT_EQ(read_redis_login(), std::nullopt);
  }
  unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_EQ(read_redis_login(), std::nullopt);
}

TEST_F(RedisLoginFile, AnythingElseIsRefusedWithoutShowingIt) {
  for (const std::string& content :
       {std::string("s3cret"), std::string("pingd s3cret more"), std::string("pingd  s3cret"),
        std::string("pingd s3cret\nhealthd s3cret\n"), std::string("pingd s3\0cret", 13),
        std::string(5000, 's')}) {
    write(content);
    const auto login = read_redis_login();
    ASSERT_FALSE(login) << content;
    EXPECT_NE(login.error().message.find(directory_ + "/redis"), std::string::npos) << login.error().message;
    EXPECT_EQ(login.error().message.find("s3"), std::string::npos) << login.error().message;
  }
}

TEST_F(RedisLoginFile, ADirectoryInItsPlaceIsAnError) {
  std::filesystem::create_directory(directory_ + "/redis");
  const auto login = read_redis_login();
  ASSERT_FALSE(login);
  EXPECT_NE(login.error().code, 0);
}

}  // namespace redis_login_test
}  // namespace multilink
