// SPDX-License-Identifier: GPL-2.0-or-later
#include "fakes/real_redis.hpp"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>

#include "multilink/core/text.hpp"

namespace multilink::fakes {
namespace {

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error(cat("redis-server for a test: ", what, ": ", std::strerror(errno)));
}

/// The service manager's end of the notification socket, as in sd_notify(3).
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    unlink(path.c_str());
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up(path);
  }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;
  ~NotifySocket() { close(fd_); }

  void wait_for_ready() const {
    constexpr int kPatienceMs = 20'000;
    for (;;) {
      pollfd waiting{fd_, POLLIN, 0};
      if (poll(&waiting, 1, kPatienceMs) != 1) give_up("not ready in time");
      std::array<char, 1024> text{};
      const auto size = recv(fd_, text.data(), text.size(), 0);
      if (size < 0) give_up("notification");
      if (std::string_view(text.data(), static_cast<std::size_t>(size)).find("READY=1") !=
          std::string::npos) {
        return;
      }
    }
  }

 private:
  int fd_;
};

Reply convert(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return {std::int64_t{reply.integer}};
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      return {std::string(reply.str, reply.len)};
    case REDIS_REPLY_ERROR:
      return {Reply::Failure{std::string(reply.str, reply.len)}};
    case REDIS_REPLY_ARRAY: {
      Reply::Array array;
      for (std::size_t i = 0; i < reply.elements; ++i) array.push_back(convert(*reply.element[i]));
      return {std::move(array)};
    }
    default:
      return {Reply::Nil{}};
  }
}

}  // namespace

RealRedis::RealRedis(std::vector<std::string> config) {
  std::string path = "/tmp/multilink-redis-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) give_up(path);
  directory_ = path;
  std::ofstream file(directory_ + "/redis.conf");
  file << "port 0\nunixsocket " << socket_path() << "\nsave \"\"\nappendonly no\nsupervised systemd\n"
       << "logfile " << directory_ << "/redis.log\ndir " << directory_ << '\n';
  for (const auto& line : config) file << line << '\n';
  file.close();
  start();
}

RealRedis::~RealRedis() {
  if (pid_ != 0) kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void RealRedis::start() {
  const auto notify_path = directory_ + "/notify.sock";
  const NotifySocket notify(notify_path);
  const auto config = directory_ + "/redis.conf";
  const auto notify_variable = "NOTIFY_SOCKET=" + notify_path;
  const std::string path = "PATH=/usr/bin:/bin";
  std::array<char*, 3> arguments{const_cast<char*>("redis-server"), const_cast<char*>(config.c_str()),
                                 nullptr};
  std::array<char*, 3> environment{const_cast<char*>(notify_variable.c_str()),
                                   const_cast<char*>(path.c_str()), nullptr};
  pid_ = fork();
  if (pid_ < 0) give_up("fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execve("/usr/bin/redis-server", arguments.data(), environment.data());
    _exit(127);
  }
  notify.wait_for_ready();
}

void RealRedis::kill() {
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void RealRedis::freeze() {
  ::kill(pid_, SIGSTOP);
}

void RealRedis::thaw() {
  ::kill(pid_, SIGCONT);
}

RedisAddress RealRedis::address() const {
  RedisAddress out;
  out.unix_path = socket_path();
  return out;
}

Reply RealRedis::execute(const Store::Command& command) const {
  const std::unique_ptr<redisContext, decltype(&redisFree)> context(redisConnectUnix(socket_path().c_str()),
                                                                    &redisFree);
  if (!context || context->err != 0) give_up("connect");
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const auto& word : command) {
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  auto* reply = static_cast<redisReply*>(
      redisCommandArgv(context.get(), static_cast<int>(words.size()), words.data(), sizes.data()));
  if (reply == nullptr) give_up(command.front());
  auto out = convert(*reply);
  freeReplyObject(reply);
  return out;
}

}  // namespace multilink::fakes
