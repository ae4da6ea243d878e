// SPDX-License-Identifier: GPL-2.0-or-later
//
// A wall clock that can be stepped for some processes alone: preloaded (LD_PRELOAD), it adds to CLOCK_REALTIME what the
// file named by LAB_CLOCK holds, whole nanoseconds as a machine word. No namespace of the kernel has a wall clock of
// its own. The monotonic clock is left as it is.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
const volatile std::int64_t* step = nullptr;

__attribute__((constructor)) void map_step() {
  const char* path = std::getenv("LAB_CLOCK");
  const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  void* page = mmap(nullptr, sizeof *step, PROT_READ, MAP_SHARED, fd, 0);
  if (page != MAP_FAILED) step = static_cast<const std::int64_t*>(page);
  close(fd);
}

timespec wall_clock() {
  timespec now{};
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  if (step == nullptr) return now;
  const std::int64_t total = now.tv_sec * kSecond + now.tv_nsec + *step;
  return {total / kSecond, total % kSecond};
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* out) noexcept {
  if (clock != CLOCK_REALTIME) return static_cast<int>(syscall(SYS_clock_gettime, clock, out));
  *out = wall_clock();
  return 0;
}

int gettimeofday(timeval* __restrict out, void* __restrict) noexcept {
  const timespec now = wall_clock();
  *out = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* out) noexcept {
  const time_t now = wall_clock().tv_sec;
  if (out != nullptr) *out = now;
  return now;
}
}
