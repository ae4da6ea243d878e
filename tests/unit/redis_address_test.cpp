// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/redis_address.hpp"

#include <gtest/gtest.h>

namespace multilink {
namespace redis_address_test {

TEST(RedisAddress, ReadsAUnixSocket) {
  const auto address = RedisAddress::parse("unix:/run/user@1/redis.sock");
  ASSERT_TRUE(address);
  EXPECT_EQ(*address, (RedisAddress{"/run/user@1/redis.sock", "", 6379, 0}));
}

TEST(RedisAddress, ReadsHostPortAndDatabaseEachWithItsDefault) {
  const auto read = [](std::string_view url) { return RedisAddress::parse(url).value(); };
  EXPECT_EQ(read("redis://redis.example:7000/3"), (RedisAddress{"", "redis.example", 7000, 3}));
  EXPECT_EQ(read("redis://redis.example"), (RedisAddress{"", "redis.example", 6379, 0}));
  EXPECT_EQ(read("redis://192.0.2.1/2"), (RedisAddress{"", "192.0.2.1", 6379, 2}));
  EXPECT_EQ(read("redis://[2001:db8::1]:7000/"), (RedisAddress{"", "2001:db8::1", 7000, 0}));
  EXPECT_EQ(read("redis://[2001:db8::1]"), (RedisAddress{"", "2001:db8::1", 6379, 0}));
}

TEST(RedisAddress, WritesWhatItReadsBackAsTheSame) {
  for (const auto text : {"unix:/run/multilink/redis.sock", "redis://redis.example:7000/3",
                          "redis://[2001:db8::1]:6379/0", "redis://192.0.2.1:6379/15"}) {
    const auto address = RedisAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(RedisAddress, RefusesEverythingElse) {
  for (const auto bad : {"",
                         "unix:",
                         "unix:redis.sock",
                         "unix:/a b",
                         "redis:/x",
                         "redis://",
                         "redis:///0",
                         "redis://h:",
                         "redis://h:0",
                         "redis://h:65536",
                         "redis://h:x",
                         "redis://h/x",
                         "redis://h/-1",
                         "redis://h/0/0",
                         "redis://h/65536",
                         "redis://h?db=1",
                         "redis://[::1",
                         "redis://[192.0.2.1]",
                         "redis://[::1]x",
                         "redis://2001:db8::1",
                         "redis://2001:db8::1:6379",
                         "redis://h h",
                         "rediss://h",
                         "http://h",
                         "h:6379"}) {
    EXPECT_FALSE(RedisAddress::parse(bad)) << bad;
  }
}

TEST(RedisAddress, NeverShowsWhatMayBeAPassword) {
  for (const auto url : {"redis://user:hunter2@host", "redis://:hunter2@host/0", "redis://us?er:hunter2@host",
                         "redis://user:x@hunter2@host", "redis://host?password=hunter2",
                         "redis://host:6379 hunter2", "rediss://user:hunter2@host", "user:hunter2@host"}) {
    const auto address = RedisAddress::parse(url);
    ASSERT_FALSE(address) << url;
    EXPECT_EQ(address.error().message.find("hunter2"), std::string::npos) << address.error().message;
  }
}

}  // namespace redis_address_test
}  // namespace multilink
