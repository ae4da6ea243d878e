// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/init_command.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "multilink/adapters/config_file.hpp"
#include "multilink/adapters/daemon.hpp"
#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/lease_files.hpp"
#include "multilink/adapters/netlink_devices.hpp"
#include "multilink/adapters/netlink_query.hpp"
#include "multilink/adapters/quiet_log.hpp"
#include "multilink/core/text.hpp"
#include "multilink/core/uplink_search.hpp"

namespace multilink {
namespace {

auto refuse(int status, std::vector<std::string> lines) {
  return tl::unexpected(CommandFailure{status, std::move(lines)});
}

Result<UplinkSearch> search_host() {
  QuietLog log;
  const RoutingNumbers numbers;
  const auto state = NetlinkQuery(log, numbers).state();
  if (!state) return tl::unexpected<Error>(state.error());
  const auto kinds = read_device_kinds();
  if (!kinds) return tl::unexpected<Error>(kinds.error());
  EventLoop loop;
  const auto leases = in_force(LeaseFiles(loop, log).read(), loop.now().wall);
  return search_uplinks(*state, *kinds, leases, numbers);
}

std::vector<std::string> nothing_found(const UplinkSearch& search) {
  std::vector<std::string> out{
      "init: no uplink found: no default route of IPv4 or IPv6, learned by DHCP, from router advertisements "
      "or set by hand, leads out by a device, and no DHCP lease in force names a router"};
  if (search.left_out.empty()) out.emplace_back("there is no device at all but lo");
  const auto found = describe_search(search);
  for (const auto line : split(found, '\n')) {
    if (!line.empty()) out.emplace_back(line);
  }
  out.emplace_back(
      "set up the devices of the lines to the Internet first (a DHCP client, or an address and a route), or "
      "write the file by hand: man 5 interfaces.conf");
  return out;
}

std::string remedy_for(int code, const std::string& path) {
  if (code == ENOENT) return cat("make the folder with 'mkdir -p ", path.substr(0, path.rfind('/')), "'");
  if (code == EACCES || code == EPERM || code == EROFS)
    return "be root, or name another file with --output FILE; '--output -' shows it";
  return "name another file with --output FILE";
}

Result<void> write_text(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const auto written = write(fd, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(std::strerror(errno), errno);
    done += static_cast<std::size_t>(written);
  }
  return fsync(fd) == 0 || errno == EINVAL ? Result<void>{} : fail(std::strerror(errno), errno);
}

/// A whole new file; never one that is there.
Result<void> create(const std::string& path, const std::string& text) {
  constexpr mode_t kMode = 0644;
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
  if (fd < 0) return fail(std::strerror(errno), errno);
  auto done = write_text(fd, text);
  if (close(fd) != 0 && done) done = fail(std::strerror(errno), errno);
  if (!done) (void)unlink(path.c_str());
  return done;
}

/// The old file is there, under its own name or as FILE.old, at every moment.
Result<void> replace(const std::string& path, const std::string& text) {
  const auto fresh = path + ".new";
  (void)unlink(fresh.c_str());
  if (auto done = create(fresh, text); !done) return done;
  const auto old = path + ".old";
  (void)unlink(old.c_str());
  if ((link(path.c_str(), old.c_str()) == 0 || errno == ENOENT) &&
      std::rename(fresh.c_str(), path.c_str()) == 0)
    return {};
  const int code = errno;
  (void)unlink(fresh.c_str());
  return fail(std::strerror(code), code);
}

bool is_untouched(const std::string& path) {
  const auto mine = read_text_file(path);
  const auto packaged = read_text_file(kPackagedConfigPath);
  return mine && packaged && *mine == *packaged;
}

std::string next_steps(const std::string& path) {
  const auto option = path == kDefaultConfigPath ? std::string() : cat(" --config ", path);
  return cat("Look the file through, then:\n  pingd --check", option,
             "\n      says how it is understood\n  systemctl enable --now multilink.target\n      starts "
             "multilink, now and at each boot",
             option.empty() ? "" : cat(", with ", kDefaultConfigPath),
             "\n  multilinkctl doctor\n      says what is amiss on this host\n");
}

}  // namespace

tl::expected<InitResult, CommandFailure> run_init(const InitRequest& request) {
  const auto search = search_host();
  if (!search) return refuse(kExitFailure, {cat("init: ", search.error().message)});
  if (search->uplinks.empty()) return refuse(kExitNothingFound, nothing_found(*search));
  const bool to_output = request.output == "-";
  const auto text =
      render_found_config(*search, to_output ? std::string(kDefaultConfigPath) : request.output);
  const auto found = cat(search->uplinks.size(), search->uplinks.size() == 1 ? " uplink" : " uplinks",
                         ", best first:\n", describe_search(*search));
  if (to_output) return InitResult{text, cat("Found ", found)};

  const auto& path = request.output;
  const bool replaces = request.force || is_untouched(path);
  const auto written = replaces ? replace(path, text) : create(path, text);
  if (!written && written.error().code == EEXIST && !replaces) {
    return refuse(
        kExitFileExists,
        {cat("init: ", path, " is there already and was not touched; --force replaces it (and keeps it as ",
             path, ".old), '--output -' shows what would be written")});
  }
  if (!written) {
    return refuse(kExitFailure, {cat("init: ", path, ": cannot be written: ", written.error().message, "; ",
                                     remedy_for(written.error().code, path))});
  }
  return InitResult{cat("Wrote ", path, ": ", found, next_steps(path)), {}};
}

}  // namespace multilink
