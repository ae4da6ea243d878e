// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/icmp_prober.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

namespace multilink {

IcmpProber::IcmpProber(EventLoop& loop, Log& log) {
  for (const Family family : kFamilies) {
    if (auto socket = IcmpSocket::open(loop, log, family)) sockets_.emplace(family, std::move(socket));
  }
}

Result<void> IcmpProber::listen(const ProbeIdentity& identity,
                                std::function<void(std::span<const ArrivedMessage>)> on_arrivals) {
  for (const auto& [family, socket] : sockets_) {
    auto listening = socket->listen(identity, on_arrivals);
    if (!listening) return listening;
  }
  return {};
}

std::vector<Result<MonoTime>> IcmpProber::send(std::span<const OutgoingProbe> probes) {
  std::vector<Result<MonoTime>> results(probes.size(), MonoTime{});
  std::map<Family, std::vector<std::size_t>> letters;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    const Family family = probes[i].target.family();
    // What has no device would leave by a route of the kernel's own choice.
    const int unfit = probes[i].link_index == 0 ? ENODEV : sockets_.contains(family) ? 0 : EAFNOSUPPORT;
    if (unfit == 0) {
      letters[family].push_back(i);
    } else {
      results[i] = fail(std::strerror(unfit), unfit);
    }
  }
  for (const auto& [family, all] : letters) send_all(*sockets_.at(family), probes, all, results);
  return results;
}

void IcmpProber::send_all(IcmpSocket& socket, std::span<const OutgoingProbe> probes,
                          std::span<const std::size_t> which, std::vector<Result<MonoTime>>& results) {
  while (!which.empty()) {
    const auto now = which.first(std::min(which.size(), IcmpSocket::kMostAtOnce));
    which = which.subspan(now.size());
    std::vector<const OutgoingProbe*> batch;
    for (const std::size_t i : now) batch.push_back(&probes[i]);
    auto sent = socket.send(batch);
    for (std::size_t i = 0; i < now.size(); ++i) results[now[i]] = std::move(sent.at(i));
  }
}

}  // namespace multilink
