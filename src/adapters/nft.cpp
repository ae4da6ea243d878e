// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/nft.hpp"

#include <nftables/libnftables.h>

#include <cerrno>
#include <new>
#include <string_view>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::size_t kMostWords = 300;

}  // namespace

void Nft::Free::operator()(nft_ctx* context) const {
  nft_ctx_free(context);
}

Nft::Nft(std::string what) : what_(std::move(what)), context_(nft_ctx_new(NFT_CTX_DEFAULT)) {
  if (!context_ || nft_ctx_buffer_error(context_.get()) != 0 || nft_ctx_buffer_output(context_.get()) != 0) {
    throw std::bad_alloc();
  }
  nft_ctx_output_set_flags(context_.get(), NFT_CTX_OUTPUT_STATELESS | NFT_CTX_OUTPUT_TERSE);
}

Result<std::string> Nft::run(const std::string& text) {
  errno = 0;
  if (nft_run_cmd_from_buffer(context_.get(), text.c_str()) == 0) {
    return std::string(nft_ctx_get_output_buffer(context_.get()));
  }
  const int code = errno == 0 ? EINVAL : errno;
  // The first line says it, the others show the text with marks under it.
  const std::string_view words = nft_ctx_get_error_buffer(context_.get());
  return fail(cat(what_, ": ", printable(words.substr(0, words.find('\n')), kMostWords)), code);
}

}  // namespace multilink
