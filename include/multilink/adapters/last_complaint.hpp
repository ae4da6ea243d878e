// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "multilink/ports/log.hpp"

namespace multilink {

/// Keeps the last complaint of the store, which says why a reading came to nothing.
class LastComplaint final : public Log {
 public:
  void write(LogLevel level, std::string_view message) override {
    if (level >= LogLevel::warning) text_ = message;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace multilink
