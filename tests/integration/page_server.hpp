// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "fakes/program.hpp"

namespace multilink {

inline constexpr std::uint16_t kPagePort = 8080;

/// A web server that serves the status page as we tell the administrator to use it: path and headers of a request.
struct PageServer {
  const char* name;
  const char* path;
  const char* headers;

  bool has_password() const { return *headers != '\0'; }
};
std::ostream& operator<<(std::ostream& out, const PageServer& server);

/// busybox without, lighttpd, nginx and Apache with the shipped files and their password.
std::vector<PageServer> page_servers();

/// The server runs on loopback at kPagePort, in the calling thread's network namespace, and ends with this object.
class RunningPageServer {
 public:
  /// `redis`: the URL that the page reads.
  RunningPageServer(const PageServer& server, const std::string& redis);

 private:
  void start_busybox(const std::string& redis);
  void start_lighttpd(const std::string& redis);
  void start_nginx(const std::string& redis);
  void start_apache(const std::string& redis);
  /// A file of config/, for this page and these users.
  std::string shipped(const std::string& name) const;
  void run(std::vector<std::string> argv, std::map<std::string, std::string> environment = {});

  fakes::OwnDirectory directory_;
  std::vector<std::unique_ptr<fakes::BackgroundProgram>> programs_;
};

}  // namespace multilink
