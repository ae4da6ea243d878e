// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/proc_sysctls.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

class Descriptor {
 public:
  Descriptor(std::string_view path, int flags)
      : fd_(open(cat("/proc/sys/", path).c_str(), flags | O_CLOEXEC | O_NOFOLLOW)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> failure(std::string_view path, int code) {
  return fail(cat(sysctl_name(path), ": ", std::strerror(code)), code);
}

}  // namespace

Result<int> ProcSysctls::read(std::string_view path) {
  const Descriptor file(path, O_RDONLY);
  std::array<char, 32> text{};
  const ssize_t size = file.get() < 0 ? -1 : ::read(file.get(), text.data(), text.size());
  if (size < 0) return failure(path, errno);
  std::string_view word(text.data(), static_cast<std::size_t>(size));
  if (word.ends_with('\n')) word.remove_suffix(1);
  const auto value = parse_number<int>(word);
  if (!value) return failure(path, EINVAL);
  return *value;
}

Result<void> ProcSysctls::write(std::string_view path, int value) {
  const Descriptor file(path, O_WRONLY);
  const std::string text = cat(value, '\n');
  if (file.get() < 0 || ::write(file.get(), text.data(), text.size()) < 0) return failure(path, errno);
  return {};
}

}  // namespace multilink
