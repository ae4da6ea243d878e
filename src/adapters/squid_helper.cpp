// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/squid_helper.hpp"

#include <getopt.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <exception>
#include <iostream>
#include <map>
#include <optional>
#include <vector>

#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/helper_stream.hpp"
#include "multilink/adapters/parent_pages.hpp"
#include "multilink/adapters/redis_store.hpp"
#include "multilink/adapters/spdlog_log.hpp"
#include "multilink/adapters/squid_warm_up.hpp"
#include "multilink/adapters/version.hpp"
#include "multilink/core/config_values.hpp"
#include "multilink/core/helper_arguments.hpp"
#include "multilink/core/squid_files.hpp"
#include "multilink/core/text.hpp"
#include "multilink/services/parent_picker.hpp"

namespace multilink {
namespace {

constexpr std::string_view kName = "multilink-squid-helper";
constexpr std::string_view kHelp =
    "multilink-squid-helper: tells Squid which parent a request goes to\n\n"
    "Usage: multilink-squid-helper [--syslog] --child PORT --redis URL --site NAME "
    "UPLINK:PORT[:metered]...\n\n"
    "  --syslog     log to syslog: Squid throws away what a helper says on stderr\n"
    "  --child PORT the port of the Squid that starts it, on loopback: it answers once that one knows its "
    "parents\n"
    "  --redis URL  where Redis is: unix:PATH or redis://host:port/db\n"
    "  --site NAME  the name of this gateway there\n"
    "  --version    print the version and exit\n"
    "  --help       print this and exit\n\n"
    "Squid starts it, as `multilinkctl proxy apply` has written into its configuration. A line \"ID -\" in "
    "is answered\n"
    "by a line \"ID OK use=UPLINK alt=UPLINK\". Ends at the end of its input.\n";

struct HelperOptions {
  RedisAddress redis = SuiteConfig{}.redis;
  std::string site = SuiteConfig{}.site;
  std::vector<ParentUplink> uplinks;
  std::map<std::string, std::uint16_t> ports;
  std::optional<std::uint16_t> child;
  LogPlace log = LogPlace::error_output;
};

/// Squid throws away what a helper says on stderr.
void complain(std::string_view what, int argc, char** argv) {
  std::cerr << kName << ": " << what << '\n';
  const bool has_syslog =
      std::any_of(argv, argv + argc, [](std::string_view word) { return word == "--syslog"; });
  if (has_syslog) SpdlogLog(kName, LogLevel::info, LogPlace::syslog).error(what);
}

/// The options, or the exit status with which to end at once.
tl::expected<HelperOptions, int> read_options(int argc, char** argv) {
  constexpr std::array<option, 7> kOptions{{{"syslog", no_argument, nullptr, 'l'},
                                            {"child", required_argument, nullptr, 'c'},
                                            {"redis", required_argument, nullptr, 'r'},
                                            {"site", required_argument, nullptr, 's'},
                                            {"version", no_argument, nullptr, 'v'},
                                            {"help", no_argument, nullptr, 'h'},
                                            {nullptr, 0, nullptr, 0}}};
  const auto usage_error = [&](std::string_view what) {
    complain(cat(what, "; see ", kName, " --help"), argc, argv);
    return tl::unexpected(kExitUsage);
  };
  HelperOptions out;
  opterr = 0;
  for (int key = 0; (key = getopt_long(argc, argv, ":", kOptions.data(), nullptr)) != -1;) {
    if (key == 'v' || key == 'h') {
      std::cout << (key == 'h' ? std::string(kHelp) : cat(kName, " (multilink) ", version(), '\n'));
      return tl::unexpected(kExitOk);
    }
    if (key == 'l') {
      out.log = LogPlace::syslog;
    } else if (key == 'c' && parse_number<std::uint16_t>(optarg)) {
      out.child = parse_number<std::uint16_t>(optarg);
    } else if (key == 's' && is_token(optarg)) {
      out.site = optarg;
    } else if (const auto redis = key == 'r' ? RedisAddress::parse(optarg) : fail("")) {
      out.redis = *redis;
    } else {
      return usage_error(cat("'", printable(argv[optind - 1]), "' is wrong"));
    }
  }
  for (int i = optind; i < argc; ++i) {
    const auto parent = parse_parent_argument(argv[i]);
    if (!parent || !out.ports.emplace(parent->uplink.name, parent->port).second) {
      return usage_error(cat("'", printable(argv[i]), "' is not UPLINK:PORT[:metered], for the first time"));
    }
    out.uplinks.push_back(parent->uplink);
  }
  return out;
}

/// What can be had without: the login, and the boot id.
template <class Value>
Value or_without(Result<Value> read, Log& log) {
  if (read) return *std::move(read);
  log.error(cat(read.error().message, "; goes on without"));
  return {};
}

void run(const HelperOptions& options) {
  EventLoop loop;
  SpdlogLog log(kName, LogLevel::info, options.log);
  RedisStore store(loop, log, options.redis, or_without(read_redis_login(), log), RedisStore::kStarting);
  ParentPages parents(loop, options.ports);
  ParentPicker picker({loop, store, log, parents}, options.site, options.uplinks,
                      or_without(read_boot_id(), log));
  HelperStream stream(
      loop, [&](std::string_view line) { return picker.answer(line); }, [&] { loop.stop(); });
  std::optional<SquidWarmUp> warm_up;
  std::vector<std::string> pages;
  for (const auto& [uplink, port] : options.ports) {
    for (auto& page : warm_up_urls(port)) pages.push_back(std::move(page));
  }
  loop.post([&] {
    picker.start();
    if (!options.child) return stream.start();
    warm_up.emplace(loop, *options.child, std::move(pages), [&] { stream.start(); });
  });
  for (bool is_over = false; !is_over;) {
    try {
      loop.run();
      is_over = true;
    } catch (const std::exception& error) {
      log.error(cat("goes on after an unexpected error: ", error.what()));
    }
  }
}

}  // namespace

int run_squid_helper(int argc, char** argv) {
  const auto options = read_options(argc, argv);
  if (!options) return options.error();
  signal(SIGPIPE, SIG_IGN);
  try {
    run(*options);
  } catch (const std::exception& error) {
    complain(error.what(), argc, argv);
    return kExitFailure;
  }
  return kExitOk;
}

}  // namespace multilink
