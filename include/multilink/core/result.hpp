// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace multilink {

/// Why something that may fail did fail. `message` names the thing, the value, the rule and the remedy;
/// `code` is the raw errno where there is one, else 0.
struct Error {
  std::string message;
  int code = 0;

  bool operator==(const Error&) const = default;
};

/// A value, or the reason why there is none. Expected failures travel this way; exceptions stay inside
/// adapters.
template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(std::string message, int code = 0) {
  return tl::unexpected<Error>(Error{std::move(message), code});
}

}  // namespace multilink
