// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/instance_lock.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

struct AbstractAddress {
  explicit AbstractAddress(std::string_view text) {
    name.sun_family = AF_UNIX;
    const auto used = text.copy(name.sun_path + 1, sizeof name.sun_path - 1);  // behind a null byte
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + used);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }

  sockaddr_un name{};
  socklen_t size = 0;
};

int open_socket() {
  return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/// " (process 4711 of user 0)" of who listens there, or "" when that cannot be told.
std::string holder(const AbstractAddress& address) {
  const int fd = open_socket();
  ucred who{};
  socklen_t size = sizeof who;
  const bool told = connect(fd, address.get(), address.size) == 0 &&
                    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.pid > 0;
  close(fd);
  return told ? cat(" (process ", who.pid, " of user ", who.uid, ')') : std::string();
}

}  // namespace

Result<InstanceLock> InstanceLock::take(std::string_view daemon, std::string_view site) {
  const AbstractAddress address(cat("multilink/", daemon, '/', site));
  InstanceLock lock(open_socket());
  if (bind(lock.fd_, address.get(), address.size) == 0 && listen(lock.fd_, 1) == 0) return lock;
  const int code = errno;
  if (code == EADDRINUSE) {
    return fail(cat("another ", daemon, " of site '", site, "' runs in this network namespace",
                    holder(address), "; stop that one first (systemctl stop ", daemon, ')'),
                code);
  }
  return fail(cat("cannot tell whether another ", daemon, " of site '", site,
                  "' runs here: ", std::strerror(code), "; see to it that none does"),
              code);
}

InstanceLock::InstanceLock(InstanceLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

InstanceLock::~InstanceLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace multilink
