// SPDX-License-Identifier: GPL-2.0-or-later
#include "integration/page_server.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>
#include <fstream>

#include "fakes/http_client.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr const char* kCgi = MULTILINK_BIN_DIR "/status.cgi";

/// The password is "secret".
constexpr const char* kUsers =
    "admin:$6$multilink$0b64/JydR3Xnv07zMaBFKImFSYg1ApQ5YNVNvomrvg9IGfqrmOEa/"
    "m5KyzE9bSimYzRZve9rKZ44jMQ7Jo20z/\n";
constexpr const char* kAuthorization = "Authorization: Basic YWRtaW46c2VjcmV0\r\n";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  for (; at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
  return text;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const PageServer& server) {
  return out << server.name;
}

std::vector<PageServer> page_servers() {
  return {{"busybox", "/cgi-bin/status.cgi", ""},
          {"lighttpd", "/multilink/", kAuthorization},
          {"nginx", "/multilink/", kAuthorization},
          {"apache", "/multilink/", kAuthorization}};
}

RunningPageServer::RunningPageServer(const PageServer& server, const std::string& redis) {
  // Servers that drop their rights come to the page too, wherever it was built.
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
  std::filesystem::create_directories(directory_.path() + "/cgi-bin");
  std::filesystem::copy(kCgi, directory_.path() + "/cgi-bin/status.cgi");
  directory_.write("users", kUsers);
  const std::string_view name = server.name;
  if (name == "busybox") start_busybox(redis);
  if (name == "lighttpd") start_lighttpd(redis);
  if (name == "nginx") start_nginx(redis);
  if (name == "apache") start_apache(redis);
  fakes::await_listener(kPagePort);
}

void RunningPageServer::start_busybox(const std::string& redis) {
  run({"/usr/bin/busybox", "httpd", "-f", "-p", cat("127.0.0.1:", kPagePort), "-h", directory_.path()},
      {{"MULTILINK_REDIS", redis}});
}

void RunningPageServer::start_lighttpd(const std::string& redis) {
  directory_.write("multilink.conf", shipped("lighttpd.conf"));
  run({"/usr/sbin/lighttpd", "-D", "-f",
       directory_.write("lighttpd.conf",
                        cat("server.document-root = \"", directory_.path(), "\"\nserver.port = ", kPagePort,
                            "\nserver.bind = \"127.0.0.1\"\nserver.modules = (\"mod_setenv\")\n",
                            "setenv.add-environment = (\"MULTILINK_REDIS\" => \"", redis, "\")\n",
                            "include \"multilink.conf\"\n"))});
}

/// As one process each, nginx and Apache too: that one is ended.
void RunningPageServer::start_nginx(const std::string& redis) {
  const std::string socket = directory_.path() + "/fcgiwrap.socket";
  run({"/usr/sbin/fcgiwrap", "-s", "unix:" + socket});
  for (int looks = 0; looks < 1000 && !std::filesystem::exists(socket); ++looks) poll(nullptr, 0, 10);
  const auto snippet =
      replaced(replaced(shipped("nginx.conf"), "/run/fcgiwrap.socket", socket), "fastcgi_pass",
               cat("fastcgi_param MULTILINK_REDIS ", redis, ";\n  fastcgi_pass"));
  run({"/usr/sbin/nginx", "-e", "stderr", "-c",
       directory_.write("nginx.conf", cat("daemon off;\nmaster_process off;\nuser root;\npid ",
                                          directory_.path(), "/nginx.pid;\nerror_log stderr;\nevents { }\n",
                                          "http {\n  access_log off;\n  server {\n    listen 127.0.0.1:",
                                          kPagePort, ";\n", snippet, "  }\n}\n"))});
}

void RunningPageServer::start_apache(const std::string& redis) {
  std::string modules;
  for (const std::string module : {"mpm_prefork", "authn_core", "authn_file", "authz_core", "authz_user",
                                   "auth_basic", "alias", "cgi", "env"}) {
    modules += cat("LoadModule ", module, "_module /usr/lib/apache2/modules/mod_", module, ".so\n");
  }
  run({"/usr/sbin/apache2", "-X", "-f",
       directory_.write("apache.conf", cat(modules, "ServerName localhost\nListen 127.0.0.1:", kPagePort,
                                           "\nUser www-data\nGroup www-data\n", "PidFile ", directory_.path(),
                                           "/apache.pid\nErrorLog /dev/stderr\nSetEnv MULTILINK_REDIS ",
                                           redis, '\n', shipped("apache.conf")))});
}

std::string RunningPageServer::shipped(const std::string& name) const {
  std::ifstream file(MULTILINK_SOURCE_DIR "/config/" + name);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  text = replaced(std::move(text), "/usr/lib/cgi-bin/multilink", directory_.path() + "/cgi-bin");
  return replaced(std::move(text), "/etc/multilink/page.users", directory_.path() + "/users");
}

void RunningPageServer::run(std::vector<std::string> argv, std::map<std::string, std::string> environment) {
  programs_.push_back(std::make_unique<fakes::BackgroundProgram>(
      fakes::ProgramCall{std::move(argv), std::move(environment)}));
}

}  // namespace multilink
