// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/own_network.hpp"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "fakes/program.hpp"
#include "multilink/core/text.hpp"

namespace multilink::fakes {

void enter_own_network() {
  if (unshare(CLONE_NEWNET) != 0) throw std::system_error(errno, std::generic_category(), "unshare");
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::string_view("lo").copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP;
  const int failed = ioctl(fd, SIOCSIFFLAGS, &request);
  const int error = errno;
  close(fd);
  if (failed != 0) throw std::system_error(error, std::generic_category(), "lo up");
}

std::string ip(std::string_view arguments) {
  std::vector<std::string> argv{"/sbin/ip"};
  for (const auto word : split(arguments, ' ')) argv.emplace_back(word);
  const auto result = run_program({argv});
  if (result.status != 0) throw std::runtime_error(cat("ip ", arguments, ": ", result.err));
  return result.out;
}

void add_device(std::string_view name) {
  ip(cat("link add ", name, " type veth peer name ", name, 'p'));
  ip(cat("link set ", name, " up"));
  ip(cat("link set ", name, "p up"));
}

}  // namespace multilink::fakes
