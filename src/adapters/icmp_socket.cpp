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
#include <cassert>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "multilink/adapters/icmp_filter.hpp"
#include "multilink/adapters/icmp_socket.hpp"
#include "multilink/adapters/start_failure.hpp"
#include "multilink/core/rate_limit.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace asio = boost::asio;
namespace {

constexpr std::size_t kBatch = IcmpSocket::kMostAtOnce;  // messages of one system call
constexpr int kMostBatches = 128;  // read in one turn of the loop: no fewer than a turn may send
constexpr std::size_t kMostMessage =
    2048;  // bytes, IP header included; RFC 1812 asks for 576 at most, RFC 4443 for 1280
constexpr int kReceiveBuffer = 4 * 1024 * 1024;
constexpr int kSendBuffer = 1024 * 1024;
constexpr Duration kMostAge = std::chrono::seconds(1);
constexpr std::size_t kIcmpHeader = 8;

std::string_view protocol_of(Family family) {
  return family == Family::v4 ? "ICMP" : "ICMPv6";
}

/// Negative: this kernel has no such family.
int open_socket(Family family) {
  constexpr int kKind = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const int fd =
      family == Family::v4 ? socket(AF_INET, kKind, IPPROTO_ICMP) : socket(AF_INET6, kKind, IPPROTO_ICMPV6);
  if (fd < 0 && errno != EAFNOSUPPORT) {
    throw StartFailure(cat("cannot open a raw ", protocol_of(family), " socket: ", std::strerror(errno),
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
  sockaddr_in6 source;  ///< of IPv6 packets; IPv4 ones come with their header
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
std::optional<ArrivedMessage> read_v4(const std::uint8_t* bytes, std::size_t size, MonoTime at) {
  if (size < 20) return std::nullopt;
  const std::size_t header = std::size_t{bytes[0] & 0x0fU} * 4;
  if (header < 20 || size < header + kIcmpHeader) return std::nullopt;
  std::array<std::uint8_t, 4> source{};
  std::copy_n(bytes + 12, source.size(), source.begin());
  return ArrivedMessage{IpAddress::from_v4(source), at, {bytes + header, bytes + size}};
}

/// The kernel has taken the IPv6 header off and checked the checksum.
std::optional<ArrivedMessage> read_v6(const Slot& slot, std::size_t size, MonoTime at) {
  if (size < kIcmpHeader) return std::nullopt;
  std::array<std::uint8_t, 16> source{};
  std::memcpy(source.data(), &slot.source.sin6_addr, source.size());
  return ArrivedMessage{IpAddress::from_v6(source), at, {slot.bytes.data(), slot.bytes.data() + size}};
}

/// One place of a sending batch.
struct Letter {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  iovec part{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> control{};
};

template <class Info>
void write_device(Letter& letter, msghdr& header, int level, int type, const Info& info) {
  header.msg_control = letter.control.data();
  header.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* const item = CMSG_FIRSTHDR(&header);
  item->cmsg_level = level;
  item->cmsg_type = type;
  item->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(item), &info, sizeof info);
}

void address_v4(Letter& letter, msghdr& header, const OutgoingProbe& probe) {
  letter.v4.sin_family = AF_INET;
  std::memcpy(&letter.v4.sin_addr, probe.target.bytes().data(), sizeof letter.v4.sin_addr);
  header.msg_name = &letter.v4;
  header.msg_namelen = sizeof letter.v4;
  in_pktinfo device{};
  device.ipi_ifindex = static_cast<int>(probe.link_index);
  write_device(letter, header, IPPROTO_IP, IP_PKTINFO, device);
}

/// Without a source address: with one the kernel would take the device for a mere wish.
void address_v6(Letter& letter, msghdr& header, const OutgoingProbe& probe) {
  letter.v6.sin6_family = AF_INET6;
  std::memcpy(&letter.v6.sin6_addr, probe.target.bytes().data(), sizeof letter.v6.sin6_addr);
  if (probe.target.is_link_local()) letter.v6.sin6_scope_id = probe.link_index;
  header.msg_name = &letter.v6;
  header.msg_namelen = sizeof letter.v6;
  in6_pktinfo device{};
  device.ipi6_ifindex = probe.link_index;
  write_device(letter, header, IPPROTO_IPV6, IPV6_PKTINFO, device);
}

void write_letter(Letter& letter, msghdr& header, const OutgoingProbe& probe) {
  // sendmmsg does not write to what an iovec points at.
  letter.part = {const_cast<std::uint8_t*>(probe.message.data()), probe.message.size()};
  header = {};
  header.msg_iov = &letter.part;
  header.msg_iovlen = 1;
  probe.target.family() == Family::v4 ? address_v4(letter, header, probe) : address_v6(letter, header, probe);
}

}  // namespace

struct IcmpSocket::Impl {
  Impl(EventLoop& event_loop, Log& the_log, Family of, int fd)
      : loop(event_loop), log(the_log), family(of), socket(event_loop.context(), fd), slots(kBatch) {}

  void prepare();
  void wait();
  void read_all();
  int read_batch(std::vector<ArrivedMessage>& arrivals);
  void note_overflow(std::uint32_t dropped);
  std::vector<Result<MonoTime>> send(std::span<const OutgoingProbe* const> probes);

  EventLoop& loop;
  Log& log;
  Family family;
  asio::posix::stream_descriptor socket;
  OnArrivals on_arrivals;
  std::vector<Slot> slots;
  std::uint32_t dropped_before = 0;
  RateLimit drop_log{std::chrono::seconds(10)};
};

void IcmpSocket::Impl::prepare() {
  const int fd = socket.native_handle();
  // Deaf until listen(): the empty range admits nothing.
  const auto filtered = attach_icmp_filter(fd, family, {});
  if (!filtered) throw std::system_error(filtered.error().code, std::generic_category(), "ICMP filter");
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, kReceiveBuffer);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, kSendBuffer);
  if (set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1) != 0 || set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1) != 0) {
    throw std::system_error(errno, std::generic_category(),
                            cat("options of the ", protocol_of(family), " socket"));
  }
}

void IcmpSocket::Impl::wait() {
  socket.async_wait(asio::posix::stream_descriptor::wait_read,
                    [this](const boost::system::error_code& error) {
                      if (error) return;  // the socket is being closed
                      read_all();
                      wait();
                    });
}

void IcmpSocket::Impl::read_all() {
  std::vector<ArrivedMessage> arrivals;
  for (int batch = 0; batch < kMostBatches; ++batch) {
    if (read_batch(arrivals) < static_cast<int>(kBatch)) break;
  }
  if (!arrivals.empty() && on_arrivals) on_arrivals(arrivals);
}

int IcmpSocket::Impl::read_batch(std::vector<ArrivedMessage>& arrivals) {
  std::array<mmsghdr, kBatch> headers{};
  for (std::size_t i = 0; i < kBatch; ++i) {
    slots[i].part = {slots[i].bytes.data(), slots[i].bytes.size()};
    headers[i].msg_hdr.msg_iov = &slots[i].part;
    headers[i].msg_hdr.msg_iovlen = 1;
    if (family == Family::v6) {
      headers[i].msg_hdr.msg_name = &slots[i].source;
      headers[i].msg_hdr.msg_namelen = sizeof slots[i].source;
    }
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
    const Slot& slot = slots[static_cast<std::size_t>(i)];
    const MonoTime at = now - notes.age;
    auto arrival = family == Family::v4 ? read_v4(slot.bytes.data(), header.msg_len, at)
                                        : read_v6(slot, header.msg_len, at);
    if (arrival) arrivals.push_back(*std::move(arrival));
  }
  return count;
}

void IcmpSocket::Impl::note_overflow(std::uint32_t dropped) {
  if (dropped == dropped_before || !drop_log.admit(loop.now().mono)) return;
  log.warning(cat("the ", protocol_of(family), " socket was full: ", dropped - dropped_before,
                  " answers were dropped (raise net.core.rmem_max, or probe less often)"));
  dropped_before = dropped;
}

std::vector<Result<MonoTime>> IcmpSocket::Impl::send(std::span<const OutgoingProbe* const> probes) {
  std::vector<Result<MonoTime>> results;
  std::array<Letter, kBatch> letters{};
  std::array<mmsghdr, kBatch> headers{};
  for (std::size_t i = 0; i < probes.size(); ++i) write_letter(letters[i], headers[i].msg_hdr, *probes[i]);
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
  return results;
}

IcmpSocket::IcmpSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  impl_->prepare();
  impl_->wait();
}

IcmpSocket::~IcmpSocket() = default;

std::unique_ptr<IcmpSocket> IcmpSocket::open(EventLoop& loop, Log& log, Family family) {
  const int fd = open_socket(family);
  if (fd < 0) return nullptr;
  return std::unique_ptr<IcmpSocket>(new IcmpSocket(std::make_unique<Impl>(loop, log, family, fd)));
}

Result<void> IcmpSocket::listen(const ProbeIdentity& identity, OnArrivals on_arrivals) {
  const int fd = impl_->socket.native_handle();
  if (set_option(fd, SOL_SOCKET, SO_MARK, identity.mark) != 0) {
    const int code = errno;
    return fail(cat("the mark of probes: ", std::strerror(code), " (it needs CAP_NET_RAW)"), code);
  }
  auto filtered = attach_icmp_filter(fd, impl_->family, identity);
  if (filtered) impl_->on_arrivals = std::move(on_arrivals);
  return filtered;
}

std::vector<Result<MonoTime>> IcmpSocket::send(std::span<const OutgoingProbe* const> probes) {
  assert(probes.size() <= kMostAtOnce);
  return impl_->send(probes);
}

}  // namespace multilink
