// SPDX-License-Identifier: GPL-2.0-or-later
#include <utility>  // before asio: Boost 1.74 forgets it for std::exchange
//
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/write.hpp>

#include "multilink/adapters/helper_stream.hpp"
#include "multilink/core/helper_protocol.hpp"

namespace multilink {

namespace asio = boost::asio;
using boost::system::error_code;

struct HelperStream::Impl {
  Impl(EventLoop& loop, Answer answer_to, std::function<void()> at_end)
      : input(loop.context(), dup(STDIN_FILENO)),
        output(loop.context(), dup(STDOUT_FILENO)),
        answer(std::move(answer_to)),
        on_end(std::move(at_end)) {}

  void read() {
    input.async_read_some(asio::buffer(chunk), [this](const error_code& error, std::size_t size) {
      if (error) return on_end();
      lines.add({chunk.data(), size});
      while (const auto line = lines.take()) {
        if (const auto reply = answer(*line)) waiting += *reply;
      }
      write();
      read();
    });
  }

  void write() {
    if (!under_way.empty() || waiting.empty()) return;
    under_way.swap(waiting);
    asio::async_write(output, asio::buffer(under_way), [this](const error_code& error, std::size_t) {
      if (error) return on_end();
      under_way.clear();
      write();
    });
  }

  asio::posix::stream_descriptor input;
  asio::posix::stream_descriptor output;
  Answer answer;
  std::function<void()> on_end;
  LineCutter lines;
  std::array<char, 65536> chunk{};
  std::string waiting;
  std::string under_way;
};

HelperStream::HelperStream(EventLoop& loop, Answer answer, std::function<void()> on_end)
    : impl_(std::make_unique<Impl>(loop, std::move(answer), std::move(on_end))) {}

HelperStream::~HelperStream() = default;

void HelperStream::start() {
  impl_->read();
}

}  // namespace multilink
