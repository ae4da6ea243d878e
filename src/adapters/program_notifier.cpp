// SPDX-License-Identifier: GPL-2.0-or-later
#include <utility>  // before asio: Boost 1.74 forgets it for std::exchange
//
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>

#include "multilink/adapters/program_notifier.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace asio = boost::asio;
namespace {

constexpr const char* kSendmail = "/usr/sbin/sendmail";

/// A pipe for the program's standard input, filled.
Result<int> filled_pipe(const std::string& input) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return fail(std::strerror(errno), errno);
  const auto written = write(ends[1], input.data(), input.size());
  close(ends[1]);
  if (written == static_cast<ssize_t>(input.size())) return ends[0];
  close(ends[0]);
  return fail("the alert is too long for a pipe");
}

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& more) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) out.emplace_back(*entry);
  for (const auto& [name, value] : more) out.push_back(cat(name, '=', value));
  return out;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Result<pid_t> spawn(ProgramCall call) {
  const auto input = filled_pipe(call.input);
  if (!input) return tl::unexpected(input.error());
  fcntl(*input, F_SETFL, 0);  // blocking, as programs expect
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&files, *input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  sigset_t none{};
  sigset_t piped{};
  sigemptyset(&none);
  sigemptyset(&piped);
  sigaddset(&piped, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &piped);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  auto environment = environment_with(call.environment);
  pid_t pid = 0;
  const int code = posix_spawn(&pid, call.command.front().c_str(), &files, &attributes,
                               pointers_to(call.command).data(), pointers_to(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  close(*input);
  if (code != 0) return fail(cat(call.command.front(), ": ", std::strerror(code)), code);
  return pid;
}

Result<void> verdict(const std::string& program, int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (WIFEXITED(status)) return fail(cat(program, " ended with status ", WEXITSTATUS(status)));
  return fail(cat(program, " was ended by signal ", WTERMSIG(status)));
}

}  // namespace

/// One run of the program, from its start to its end.
class ProgramNotifier::Run : public std::enable_shared_from_this<ProgramNotifier::Run> {
 public:
  Run(EventLoop& loop, std::string program, pid_t pid, Done done)
      : program_(std::move(program)),
        pid_(pid),
        done_(std::move(done)),
        end_(loop.context(), static_cast<int>(syscall(SYS_pidfd_open, pid, 0U))),
        deadline_(loop.after(kPatience, [this] {
          timed_out_ = true;
          kill(-pid_, SIGKILL);
        })) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    if (pid_ == 0) return;
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  void wait() {
    end_.async_wait(asio::posix::stream_descriptor::wait_read,
                    [weak = weak_from_this()](const boost::system::error_code& error) {
                      const auto self = weak.lock();
                      if (self && !error) self->on_end();
                    });
  }

 private:
  void on_end() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    deadline_.reset();
    const auto done = std::exchange(done_, {});
    done(timed_out_
             ? fail(cat(program_, " did not end within ", std::chrono::seconds(kPatience_s).count(), " s"))
             : verdict(program_, status));
  }

  static constexpr auto kPatience_s = std::chrono::duration_cast<std::chrono::seconds>(kPatience);

  std::string program_;
  pid_t pid_;
  Done done_;
  asio::posix::stream_descriptor end_;
  std::unique_ptr<Timer> deadline_;
  bool timed_out_ = false;
};

ProgramNotifier::ProgramNotifier(EventLoop& loop, MakeCall make_call)
    : loop_(loop), make_call_(std::move(make_call)) {}

ProgramNotifier::~ProgramNotifier() = default;

void ProgramNotifier::deliver(const Notification& notification, Done done) {
  auto call = make_call_(notification);
  const auto program = call.command.front();
  const auto pid = spawn(std::move(call));
  if (!pid) {
    loop_.post([done = std::move(done), error = pid.error()] { done(tl::unexpected(error)); });
    return;
  }
  run_ = std::make_shared<Run>(loop_, program, *pid, std::move(done));
  run_->wait();
}

std::unique_ptr<Notifier> make_command_notifier(EventLoop& loop, const std::string& path) {
  return std::make_unique<ProgramNotifier>(loop, [path](const Notification& alert) {
    return ProgramCall{
        {path}, alert.json, {{"MULTILINK_SUBJECT", alert.subject}, {"MULTILINK_TEXT", alert.text}}};
  });
}

std::unique_ptr<Notifier> make_mail_notifier(EventLoop& loop, const std::vector<std::string>& addresses) {
  return std::make_unique<ProgramNotifier>(loop, [to = join(addresses, ", ")](const Notification& alert) {
    // RFC 5322; Auto-Submitted (RFC 3834) keeps out-of-office replies away.
    return ProgramCall{{kSendmail, "-i", "-t"},
                       cat("To: ", to, "\nSubject: ", alert.subject,
                           "\nAuto-Submitted: auto-generated\nX-Multilink-Alert: ", alert.id,
                           "\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n", alert.text)};
  });
}

}  // namespace multilink
