// SPDX-License-Identifier: GPL-2.0-or-later
// The receivers of alerts as they are: programs, and a real HTTP server.
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "fakes/http_client.hpp"
#include "fakes/own_network.hpp"
#include "fakes/program.hpp"
#include "multilink/adapters/event_loop.hpp"
#include "multilink/adapters/program_notifier.hpp"
#include "multilink/adapters/webhook_notifier.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace notifiers_test {

using std::chrono::seconds;
using testing::HasSubstr;

Notification alert() {
  return {"local/1-0", "multilink local: fibre is down", "fibre is down.\n", "{\"version\":1}\n"};
}

std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Notifiers : public testing::Test {
 protected:
  std::string script(const std::string& text) const {
    const auto path = directory_.write("tell", "#!/bin/sh\n" + text);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }
  Result<void> deliver(Notifier& notifier) {
    Result<void> outcome = fail("no answer");
    notifier.deliver(alert(), [&](Result<void> result) {
      outcome = std::move(result);
      loop_.stop();
    });
    const auto deadline = loop_.after(seconds(20), [this] { loop_.stop(); });
    loop_.run();
    return outcome;
  }

  fakes::OwnDirectory directory_;
  EventLoop loop_;
};

TEST_F(Notifiers, ACommandGetsTheAlertAndTakesItByItsStatus) {
  const auto notifier = make_command_notifier(
      loop_, script(cat("cat > ", directory_.path(), "/in; echo \"$MULTILINK_SUBJECT|$MULTILINK_TEXT\" > ",
                        directory_.path(), "/words\n")));
  const auto outcome = deliver(*notifier);
  EXPECT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(read(directory_.path() + "/in"), alert().json);
  EXPECT_EQ(read(directory_.path() + "/words"), cat(alert().subject, '|', alert().text, '\n'));
}

TEST_F(Notifiers, ACommandMayLeaveTheAlertUnread) {
  EXPECT_TRUE(deliver(*make_command_notifier(loop_, script("exit 0\n"))));
}

TEST_F(Notifiers, ACommandThatFailsOrIsNotThereIsAnError) {
  EXPECT_THAT(deliver(*make_command_notifier(loop_, script("exit 3\n"))).error().message,
              HasSubstr("status 3"));
  EXPECT_THAT(deliver(*make_command_notifier(loop_, script("kill -9 $$\n"))).error().message,
              HasSubstr("signal 9"));
  EXPECT_THAT(deliver(*make_command_notifier(loop_, "/nonexistent/tell")).error().message,
              HasSubstr("/nonexistent/tell: No such file or directory"));
}

TEST_F(Notifiers, WhatIsUnderWayEndsWithTheReceiver) {
  const auto pid_file = directory_.path() + "/pid";
  auto notifier = make_command_notifier(loop_, script(cat("echo $$ > ", pid_file, "; sleep 100 & wait\n")));
  bool told = false;
  notifier->deliver(alert(), [&](const Result<void>&) { told = true; });
  const auto wait = loop_.after(seconds(1), [this] { loop_.stop(); });
  loop_.run();
  auto text = read(pid_file);
  if (!text.empty()) text.pop_back();
  const auto pid = parse_number<int>(text);
  ASSERT_TRUE(pid);
  notifier.reset();
  EXPECT_NE(kill(*pid, 0), 0);
  EXPECT_FALSE(told);
}

/// A server of the test's own network, which keeps each request and answers with a status.
class Webhook : public Notifiers {
 protected:
  static void SetUpTestSuite() { fakes::enter_own_network(); }

  void serve(int status, int delay = 0) {
    constexpr const char* kServer = R"(
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[2], "ab") as file:
            file.write(self.headers["Content-Type"].encode() + b" " + self.headers["Idempotency-Key"].encode() + b" " + body)
        time.sleep(float(sys.argv[3]))
        self.send_response(int(sys.argv[1]))
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8099), Handler).serve_forever())";
    server_ = std::make_unique<fakes::BackgroundProgram>(fakes::ProgramCall{
        {"/usr/bin/python3", "-c", kServer, cat(status), directory_.path() + "/got", cat(delay)}});
    fakes::await_listener(8099);
  }
  Result<void> post(const std::string& url = "http://127.0.0.1:8099/hook") {
    WebhookNotifier notifier(loop_, url);
    return deliver(notifier);
  }

  std::unique_ptr<fakes::BackgroundProgram> server_;
};

TEST_F(Webhook, PostsTheJson) {
  serve(204);
  const auto outcome = post();
  EXPECT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(read(directory_.path() + "/got"), cat("application/json local/1-0 ", alert().json));
}

TEST_F(Webhook, TakesNoOtherAnswerThanASuccess) {
  for (const int status : {302, 400, 500}) {
    serve(status);
    EXPECT_THAT(post().error().message, HasSubstr(cat("HTTP status ", status)));
    server_.reset();
  }
}

TEST_F(Webhook, SaysWhyThereIsNoAnswer) {
  EXPECT_THAT(post("http://127.0.0.1:8098/").error().message, HasSubstr("127.0.0.1"));
  EXPECT_FALSE(post("file:///etc/passwd"));
}

TEST_F(Webhook, IsBrokenOffWithTheReceiver) {
  serve(200, 100);
  const auto begun = std::chrono::steady_clock::now();
  auto notifier = std::make_unique<WebhookNotifier>(loop_, "http://127.0.0.1:8099/");
  bool told = false;
  notifier->deliver(alert(), [&](const Result<void>&) { told = true; });
  const auto wait = loop_.after(seconds(1), [this] { loop_.stop(); });
  loop_.run();
  notifier.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(15));
  EXPECT_FALSE(told);
}

}  // namespace notifiers_test
}  // namespace multilink
