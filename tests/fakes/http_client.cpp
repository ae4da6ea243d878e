// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/http_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

#include "multilink/core/text.hpp"

namespace multilink::fakes {

namespace {

using Clock = std::chrono::steady_clock;

class Connection {
 public:
  explicit Connection(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(fd_); }

  bool is_connected() const { return connected_; }

  std::string exchange(const std::string& request) const {
    if (send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
      throw std::runtime_error("HTTP: cannot send");
    }
    std::string out;
    std::array<char, 65536> buffer{};
    for (ssize_t size = 0; (size = recv(fd_, buffer.data(), buffer.size(), 0)) > 0;) {
      out.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return out;
  }

 private:
  int fd_;
  bool connected_ = false;
};

HttpAnswer parse(const std::string& text) {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string::npos) throw std::runtime_error(cat("HTTP: no end of headers in ", printable(text)));
  HttpAnswer answer;
  const std::string head = text.substr(0, end);
  for (const auto line : split(head, '\n')) {
    const auto colon = line.find(": ");
    if (answer.status == 0) {
      answer.status = parse_number<int>(line.substr(line.find(' ') + 1, 3)).value_or(-1);
    } else if (colon != std::string_view::npos) {
      std::string name(line.substr(0, colon));
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      answer.headers[name] = trim(line.substr(colon + 2));
    }
  }
  answer.body = text.substr(end + 4);
  return answer;
}

}  // namespace

void await_listener(std::uint16_t port) {
  const auto end = Clock::now() + std::chrono::seconds(10);
  while (!Connection(port).is_connected()) {
    if (Clock::now() > end) throw std::runtime_error(cat("nobody listens on port ", port));
    poll(nullptr, 0, 5);
  }
}

HttpAnswer http_request(std::uint16_t port, const std::string& method, const std::string& path,
                        const std::string& headers) {
  const auto start = Clock::now();
  const Connection connection(port);
  if (!connection.is_connected()) throw std::runtime_error(cat("HTTP: cannot connect to port ", port));
  HttpAnswer answer =
      parse(connection.exchange(cat(method, ' ', path, " HTTP/1.0\r\nHost: localhost\r\n", headers, "\r\n")));
  answer.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  return answer;
}

}  // namespace multilink::fakes
