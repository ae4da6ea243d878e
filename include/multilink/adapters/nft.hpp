// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

#include "multilink/core/result.hpp"

struct nft_ctx;

namespace multilink {

/// Runs text in the language of nft(8), through libnftables. Open a netlink socket before the first of these:
/// libnftables calls exit() where the kernel refuses one.
class Nft {
 public:
  /// Throws std::bad_alloc. `what`: what errors begin with.
  explicit Nft(std::string what);

  /// What it prints, without counters and the elements of sets. Errors have the errno in `code` and nft's own words.
  Result<std::string> run(const std::string& text);

 private:
  struct Free {
    void operator()(nft_ctx* context) const;
  };

  std::string what_;
  std::unique_ptr<nft_ctx, Free> context_;
};

}  // namespace multilink
