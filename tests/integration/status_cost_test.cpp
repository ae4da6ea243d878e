// SPDX-License-Identifier: GPL-2.0-or-later
// What a view of the page costs, the whole of status.cgi over a real Redis with a full history.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <iostream>

#include "fakes/history_sample.hpp"
#include "fakes/program.hpp"
#include "fakes/real_redis.hpp"
#include "fakes/status_sample.hpp"
#include "multilink/core/history_place.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace status_cost_test {

using namespace std::chrono;

constexpr int kViews = 10;

double cpu_of_children() {
  rusage used{};
  getrusage(RUSAGE_CHILDREN, &used);
  const auto ms = [](const timeval& time) {
    return 1e3 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_usec);
  };
  return ms(used.ru_utime) + ms(used.ru_stime);
}

void write_history(const fakes::RealRedis& redis, HistoryStep step, const std::string& uplink, Family family,
                   unsigned seed) {
  const auto end = history_time(step, floor<milliseconds>(system_clock::now()));
  const auto records = step == HistoryStep::minute ? 1440U : 720U;
  const auto series = fakes::history_sample(step, end, records, seed);
  auto record = series.records.begin();
  for (const auto& range : history_ranges(step, series.begin, series.end())) {
    std::string bytes;
    for (auto at = range.begin; at < range.end; at += length_of(step))
      bytes += encode_history(step, *record++);
    redis.execute({"SETRANGE", range.string.key(RedisKeys("local"), uplink, family),
                   cat(range.string.offset(range.begin)), bytes});
  }
}

/// So many uplinks, each with both families, a full history, and the last events.
void fill(const fakes::RealRedis& redis, std::size_t uplinks) {
  auto snapshot = fakes::sample_snapshot();
  auto uplink = snapshot.uplinks.front();
  uplink.link->families[Family::v6].addresses = {*IpAddress::parse("2001:db8::2")};
  uplink.health->families[Family::v6] = uplink.health->families[Family::v4];
  snapshot.uplinks.clear();
  unsigned seed = 0;
  for (std::size_t i = 0; i < uplinks; ++i) {
    uplink.name = cat("uplink", i);
    snapshot.uplinks.push_back(uplink);
    for (const Family family : kFamilies) {
      write_history(redis, HistoryStep::minute, uplink.name, family, ++seed);
      write_history(redis, HistoryStep::hour, uplink.name, family, ++seed);
    }
  }
  while (snapshot.events.size() < 20) snapshot.events.push_back(snapshot.events.front());
  for (const auto& command : fakes::commands_to_write(snapshot)) redis.execute(command);
}

struct View {
  std::size_t bytes = 0;
  std::size_t gzipped = 0;
  double cpu_ms = 0;
};

View view(const fakes::RealRedis& redis, const std::string& query) {
  const fakes::ProgramCall call{
      {MULTILINK_BIN_DIR "/status.cgi"},
      {{"REQUEST_METHOD", "GET"}, {"QUERY_STRING", query}, {"MULTILINK_REDIS", redis.address().to_string()}}};
  View out;
  const auto before = cpu_of_children();
  std::string page;
  for (int i = 0; i < kViews; ++i) page = fakes::run_program(call).out;
  out.cpu_ms = (cpu_of_children() - before) / kViews;
  EXPECT_EQ(page.substr(0, 12), "Status: 200 ");
  out.bytes = page.size();
  const fakes::OwnDirectory directory;
  const auto file = directory.write("page", page.substr(page.find("\r\n\r\n") + 4));
  const auto size = fakes::run_program({{"/bin/sh", "-c", "gzip -6c \"$1\" | wc -c", "sh", file}});
  out.gzipped =
      parse_number<std::size_t>(trim(std::string_view(size.out).substr(0, size.out.find('\n')))).value_or(0);
  std::cout << query << ": " << out.bytes << " bytes, " << out.gzipped << " gzipped, " << out.cpu_ms
            << " ms of CPU a view\n";
  return out;
}

#ifdef __SANITIZE_ADDRESS__
constexpr double kSlowness = 10;
#else
constexpr double kSlowness = 1;
#endif

TEST(StatusCost, OfTwoUplinksWithAFullHistory) {
  const fakes::RealRedis redis;
  fill(redis, 2);
  for (const auto* query : {"range=1h", "range=24h", "range=30d"}) {
    const auto cost = view(redis, query);
    EXPECT_LE(cost.bytes, 100'000U);
    EXPECT_LE(cost.gzipped, 20'000U);
    EXPECT_LE(cost.cpu_ms, 30 * kSlowness);
  }
}

TEST(StatusCost, OfFiftyUplinksWithAFullHistory) {
  const fakes::RealRedis redis;
  fill(redis, 50);
  for (const auto* query : {"range=24h", "range=30d"}) EXPECT_LE(view(redis, query).cpu_ms, 150 * kSlowness);
}

}  // namespace status_cost_test
}  // namespace multilink
