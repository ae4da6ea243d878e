// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/redis_login.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr std::size_t kMaxSize = 1024;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::optional<RedisLogin> parse_login(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto words = split(trim(text), ' ');
  if (words.size() != 2 || words[0].empty() || words[1].empty()) return std::nullopt;
  if (text.find_first_of(std::string_view("\0\n\t", 3)) != std::string_view::npos) return std::nullopt;
  return RedisLogin{std::string(words[0]), std::string(words[1])};
}

}  // namespace

Result<std::optional<RedisLogin>> read_redis_login(const std::string& path) {
  const auto unreadable = [&path](int error) {
    return fail(cat(path, ": cannot be read: ", std::strerror(error)), error);
  };
  const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "re"));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) return unreadable(errno);
  std::array<char, kMaxSize + 1> buffer{};
  const auto size = std::fread(buffer.data(), 1, buffer.size(), file.get());
  if (std::ferror(file.get()) != 0) return unreadable(errno);
  if (size > kMaxSize)
    return fail(cat(path, ": more than ", kMaxSize, " bytes; write one line: user password"));
  const std::string_view text(buffer.data(), size);
  if (text.find_first_not_of(" \r\n") == std::string_view::npos) return std::nullopt;
  const auto login = parse_login(text);
  if (!login) return fail(cat(path, ": not a line of two words; write: user password"));
  return login;
}

Result<std::optional<RedisLogin>> read_redis_login() {
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory == '\0') return std::nullopt;
  return read_redis_login(cat(directory, "/redis"));
}

}  // namespace multilink
