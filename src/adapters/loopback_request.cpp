// SPDX-License-Identifier: GPL-2.0-or-later
#include <utility>  // before asio: Boost 1.74 forgets it for std::exchange
//
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <memory>

#include "multilink/adapters/loopback_request.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kLargest = 65536;

/// It keeps itself until it has called `done`.
class Request : public std::enable_shared_from_this<Request> {
 public:
  Request(EventLoop& loop, std::uint16_t port, const std::string& url, Duration patience,
          std::function<void(const std::string&)> done)
      : socket_(loop.context()),
        deadline_(loop.context(), patience),
        port_(port),
        request_(cat("GET ", url, " HTTP/1.0\r\nConnection: close\r\n\r\n")),
        done_(std::move(done)) {}

  void start() {
    deadline_.async_wait([self = shared_from_this()](const error_code& error) {
      error_code ignored;
      if (!error) self->socket_.close(ignored);
    });
    socket_.async_connect({asio::ip::address_v4::loopback(), port_},
                          [self = shared_from_this()](const error_code& error) {
                            if (error) return self->finish();
                            self->send();
                          });
  }

 private:
  void send() {
    asio::async_write(socket_, asio::buffer(request_),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        if (error) return self->finish();
                        self->receive();
                      });
  }

  void receive() {
    asio::async_read(socket_, asio::dynamic_buffer(answer_, kLargest),
                     [self = shared_from_this()](const error_code&, std::size_t) { self->finish(); });
  }

  void finish() {
    deadline_.cancel();
    done_(answer_);
  }

  tcp::socket socket_;
  asio::steady_timer deadline_;
  std::uint16_t port_;
  std::string request_;
  std::string answer_;
  std::function<void(const std::string&)> done_;
};

}  // namespace

void request_on_loopback(EventLoop& loop, std::uint16_t port, const std::string& url, Duration patience,
                         std::function<void(const std::string& answer)> done) {
  std::make_shared<Request>(loop, port, url, patience, std::move(done))->start();
}

}  // namespace multilink
