// SPDX-License-Identifier: GPL-2.0-or-later
#include <utility>  // before asio: Boost 1.74 forgets it for std::exchange
//
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "multilink/adapters/icmp_filter.hpp"
#include "multilink/adapters/icmp_prober.hpp"
#include "multilink/adapters/start_failure.hpp"
#include "multilink/core/rate_limit.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace asio = boost::asio;
namespace {

constexpr std::size_t kBatch = 32;          // messages of one system call
constexpr int kMostBatches = 128;           // read in one turn of the loop: no fewer than a turn may send
constexpr std::size_t kMostMessage = 2048;  // bytes, IP header included; RFC 1812 asks for 576 at most
constexpr int kReceiveBuffer = 4 * 1024 * 1024;
constexpr int kSendBuffer = 1024 * 1024;
constexpr Duration kMostAge = std::chrono::seconds(1);
constexpr std::size_t kIcmpHeader = 8;

int open_socket() {
  const int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
  if (fd < 0) {
    throw StartFailure(cat("cannot open a raw ICMP socket: ", std::strerror(errno),
                           "; that takes CAP_NET_RAW: start it as root, or by its unit"));
  }
  return fd;
}

template <class Value>
int set_option(int fd, int level, int name, const Value& value) {
  return setsockopt(fd, level, name, &value, sizeof value);
}

/// The size that was asked for where CAP_NET_ADMIN allows it, else as much as rmem_max and wmem_max let.
void set_buffer(int fd, int forced, int plain, int bytes) {
  if (set_option(fd, SOL_SOCKET, forced, bytes) != 0) set_option(fd, SOL_SOCKET, plain, bytes);
}

Duration read_clock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

/// One place of a receiving batch: where the kernel puts a packet and what it says about it.
struct Slot {
  std::array<std::uint8_t, kMostMessage> bytes;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec)) + CMSG_SPACE(sizeof(std::uint32_t))> control;
  iovec part;
};

struct PacketNotes {
  Duration age{};                           ///< since the kernel received it
  std::optional<std::uint32_t> overflow{};  ///< packets that the full socket has dropped so far
};

PacketNotes read_notes(msghdr& header, Duration real_now) {
  PacketNotes notes;
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET) continue;
    if (item->cmsg_type == SCM_TIMESTAMPNS) {
      timespec at{};
      std::memcpy(&at, CMSG_DATA(item), sizeof at);
      notes.age = real_now - std::chrono::seconds(at.tv_sec) - std::chrono::nanoseconds(at.tv_nsec);
      if (notes.age < Duration::zero() || notes.age > kMostAge) notes.age = Duration::zero();
    } else if (item->cmsg_type == SO_RXQ_OVFL) {
      std::uint32_t count = 0;
      std::memcpy(&count, CMSG_DATA(item), sizeof count);
      notes.overflow = count;
    }
  }
  return notes;
}

/// Takes the IP header off; nullopt for what is too short to be ICMP over IPv4.
std::optional<ArrivedMessage> read_packet(const std::uint8_t* bytes, std::size_t size, MonoTime at) {
  if (size < 20) return std::nullopt;
  const std::size_t header = std::size_t{bytes[0] & 0x0fU} * 4;
  if (header < 20 || size < header + kIcmpHeader) return std::nullopt;
  std::array<std::uint8_t, 4> source{};
  std::copy_n(bytes + 12, source.size(), source.begin());
  return ArrivedMessage{IpAddress::from_v4(source), at, {bytes + header, bytes + size}};
}

/// One place of a sending batch.
struct Letter {
  sockaddr_in to{};
  iovec part{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control{};
};

void write_letter(Letter& letter, msghdr& header, const OutgoingProbe& probe) {
  letter.to.sin_family = AF_INET;
  std::memcpy(&letter.to.sin_addr, probe.target.bytes().data(), sizeof letter.to.sin_addr);
  // sendmmsg does not write to what an iovec points at.
  letter.part = {const_cast<std::uint8_t*>(probe.message.data()), probe.message.size()};
  header = {};
  header.msg_name = &letter.to;
  header.msg_namelen = sizeof letter.to;
  header.msg_iov = &letter.part;
  header.msg_iovlen = 1;
  header.msg_control = letter.control.data();
  header.msg_controllen = letter.control.size();
  cmsghdr* const item = CMSG_FIRSTHDR(&header);
  item->cmsg_level = IPPROTO_IP;
  item->cmsg_type = IP_PKTINFO;
  item->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
  in_pktinfo device{};
  device.ipi_ifindex = static_cast<int>(probe.link_index);
  std::memcpy(CMSG_DATA(item), &device, sizeof device);
}

}  // namespace

struct IcmpProber::Impl {
  Impl(EventLoop& event_loop, Log& the_log)
      : loop(event_loop), log(the_log), socket(event_loop.context(), open_socket()), slots(kBatch) {}

  void prepare();
  void wait();
  void read_all();
  int read_batch(std::vector<ArrivedMessage>& arrivals);
  void note_overflow(std::uint32_t dropped);
  void send_some(std::span<const OutgoingProbe> probes, std::vector<Result<MonoTime>>& results);

  EventLoop& loop;
  Log& log;
  asio::posix::stream_descriptor socket;
  std::function<void(std::span<const ArrivedMessage>)> on_arrivals;
  std::vector<Slot> slots;
  std::uint32_t dropped_before = 0;
  RateLimit drop_log{std::chrono::seconds(10)};
};

void IcmpProber::Impl::prepare() {
  const int fd = socket.native_handle();
  // Deaf until listen(): the empty range admits nothing.
  const auto filtered = attach_icmp_filter(fd, {});
  if (!filtered) throw std::system_error(filtered.error().code, std::generic_category(), "ICMP filter");
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, kReceiveBuffer);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, kSendBuffer);
  if (set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1) != 0 || set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1) != 0) {
    throw std::system_error(errno, std::generic_category(), "options of the ICMP socket");
  }
}

void IcmpProber::Impl::wait() {
  socket.async_wait(asio::posix::stream_descriptor::wait_read,
                    [this](const boost::system::error_code& error) {
                      if (error) return;  // the socket is being closed
                      read_all();
                      wait();
                    });
}

void IcmpProber::Impl::read_all() {
  std::vector<ArrivedMessage> arrivals;
  for (int batch = 0; batch < kMostBatches; ++batch) {
    if (read_batch(arrivals) < static_cast<int>(kBatch)) break;
  }
  if (!arrivals.empty() && on_arrivals) on_arrivals(arrivals);
}

int IcmpProber::Impl::read_batch(std::vector<ArrivedMessage>& arrivals) {
  std::array<mmsghdr, kBatch> headers{};
  for (std::size_t i = 0; i < kBatch; ++i) {
    slots[i].part = {slots[i].bytes.data(), slots[i].bytes.size()};
    headers[i].msg_hdr.msg_iov = &slots[i].part;
    headers[i].msg_hdr.msg_iovlen = 1;
    headers[i].msg_hdr.msg_control = slots[i].control.data();
    headers[i].msg_hdr.msg_controllen = slots[i].control.size();
  }
  const int count = recvmmsg(socket.native_handle(), headers.data(), kBatch, MSG_DONTWAIT, nullptr);
  const Duration real_now = read_clock(CLOCK_REALTIME);
  const MonoTime now = loop.now().mono;
  for (int i = 0; i < count; ++i) {
    auto& header = headers[static_cast<std::size_t>(i)];
    const auto notes = read_notes(header.msg_hdr, real_now);
    if (notes.overflow) note_overflow(*notes.overflow);
    if ((header.msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;  // no answer to a probe is so long
    auto arrival =
        read_packet(slots[static_cast<std::size_t>(i)].bytes.data(), header.msg_len, now - notes.age);
    if (arrival) arrivals.push_back(*std::move(arrival));
  }
  return count;
}

void IcmpProber::Impl::note_overflow(std::uint32_t dropped) {
  if (dropped == dropped_before || !drop_log.admit(loop.now().mono)) return;
  log.warning(cat("the ICMP socket was full: ", dropped - dropped_before,
                  " answers were dropped (raise net.core.rmem_max, or probe less often)"));
  dropped_before = dropped;
}

void IcmpProber::Impl::send_some(std::span<const OutgoingProbe> probes,
                                 std::vector<Result<MonoTime>>& results) {
  std::array<Letter, kBatch> letters{};
  std::array<mmsghdr, kBatch> headers{};
  for (std::size_t i = 0; i < probes.size(); ++i) write_letter(letters[i], headers[i].msg_hdr, probes[i]);
  for (std::size_t done = 0; done < probes.size();) {
    const MonoTime before = loop.now().mono;
    const int sent = sendmmsg(socket.native_handle(), headers.data() + done,
                              static_cast<unsigned>(probes.size() - done), MSG_DONTWAIT);
    const int code = errno;
    if (sent < 0 && code == EINTR) continue;
    if (sent <= 0) {  // the first of them is refused; the others may still go
      results.emplace_back(fail(std::strerror(code), code));
      ++done;
      continue;
    }
    // The call takes about as long for each of them.
    const Duration each = (loop.now().mono - before) / sent;
    for (int i = 0; i < sent; ++i) results.emplace_back(before + i * each);
    done += static_cast<std::size_t>(sent);
  }
}

IcmpProber::IcmpProber(EventLoop& loop, Log& log) : impl_(std::make_unique<Impl>(loop, log)) {
  impl_->prepare();
  impl_->wait();
}

IcmpProber::~IcmpProber() = default;

Result<void> IcmpProber::listen(const ProbeIdentity& identity,
                                std::function<void(std::span<const ArrivedMessage>)> on_arrivals) {
  const int fd = impl_->socket.native_handle();
  if (set_option(fd, SOL_SOCKET, SO_MARK, identity.mark) != 0) {
    const int code = errno;
    return fail(cat("the mark of probes: ", std::strerror(code), " (it needs CAP_NET_RAW)"), code);
  }
  auto filtered = attach_icmp_filter(fd, identity);
  if (filtered) impl_->on_arrivals = std::move(on_arrivals);
  return filtered;
}

std::vector<Result<MonoTime>> IcmpProber::send(std::span<const OutgoingProbe> probes) {
  std::vector<Result<MonoTime>> results;
  results.reserve(probes.size());
  while (!probes.empty()) {
    // What has no device or another family would leave by a route of the kernel's own choice, or not at all.
    const auto is_fit = [](const OutgoingProbe& probe) {
      return probe.link_index != 0 && probe.target.family() == Family::v4;
    };
    const auto unfit = std::find_if_not(probes.begin(), probes.end(), is_fit);
    const auto fit = std::min(static_cast<std::size_t>(unfit - probes.begin()), kBatch);
    if (fit == 0) {
      const int code = probes[0].link_index == 0 ? ENODEV : EAFNOSUPPORT;
      results.emplace_back(fail(std::strerror(code), code));
      probes = probes.subspan(1);
      continue;
    }
    impl_->send_some(probes.first(fit), results);
    probes = probes.subspan(fit);
  }
  return results;
}

}  // namespace multilink
