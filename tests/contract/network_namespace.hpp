// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace multilink {

/// While this lives, the thread is in a network namespace of its own, which ends with it. Throws
/// std::system_error without CAP_SYS_ADMIN.
class NetworkNamespace {
 public:
  NetworkNamespace();
  ~NetworkNamespace();
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;

 private:
  int home_;
};

/// A network namespace that exists as long as this does; the thread does not stay in it.
class OtherNamespace {
 public:
  OtherNamespace();
  ~OtherNamespace();
  OtherNamespace(const OtherNamespace&) = delete;
  OtherNamespace& operator=(const OtherNamespace&) = delete;

  /// As `ip link set … netns` takes it.
  std::string path() const;
  /// Runs `work` with the thread in it: sockets that it makes stay there.
  template <class Work>
  auto run(Work work) const {
    const Visit visit(fd_);
    return work();
  }

 private:
  class Visit {
   public:
    explicit Visit(int fd);
    ~Visit();
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    int home_;
  };

  int fd_;
};

/// Runs iproute2 with these arguments and gives its output. Throws std::runtime_error with what it said when
/// it fails.
std::string ip(const std::vector<std::string_view>& arguments);
/// The same for nft, with commands in its language.
std::string nft(std::string_view commands);

}  // namespace multilink
