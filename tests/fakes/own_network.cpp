// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/own_network.hpp"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

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

}  // namespace multilink::fakes
