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

/// Runs iproute2 with these arguments and gives its output. Throws std::runtime_error with what it said when
/// it fails.
std::string ip(const std::vector<std::string_view>& arguments);
/// The same for nft, with commands in its language.
std::string nft(std::string_view commands);

}  // namespace multilink
