// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/managed_process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "client-lib/base/clock.h"
#include "client-lib/base/strings.h"

namespace vigil::postgres {
namespace {

constexpr size_t kMaxInput = 64U << 10;  // what a pipe takes without a reader
constexpr size_t kMaxOutput = 1U << 20;

Error SystemError(const std::string& what) { return Internal(what + ": " + std::strerror(errno)); }

// What the child needs, made ready before the fork: after it nothing may allocate.
struct Prepared {
  std::vector<char*> argv;
  std::vector<std::string> environment;
  std::vector<char*> envp;
  const ProcessUser* user = nullptr;
  int death_signal = 0;
  pid_t parent = 0;
  int in = -1;
  int out = -1;
  int failure = -1;
};

Prepared Prepare(const ProcessSpec& spec) {
  Prepared p;
  for (const std::string& arg : spec.argv) p.argv.push_back(const_cast<char*>(arg.c_str()));
  p.argv.push_back(nullptr);
  for (char** env = environ; *env != nullptr; ++env) {
    const std::string_view text = *env;
    if (text.starts_with("PG") || text.starts_with("LC_") || text.starts_with("LANG")) continue;
    p.environment.emplace_back(text);
  }
  p.environment.emplace_back("LC_ALL=C");
  for (std::string& env : p.environment) p.envp.push_back(env.data());
  p.envp.push_back(nullptr);
  p.user = &spec.user;
  p.death_signal = spec.death_signal;
  p.parent = getpid();
  return p;
}

bool BecomeUser(const ProcessUser& user) {
  if (!user.change) return true;
  return setgroups(user.groups.size(), user.groups.data()) == 0 && setgid(user.gid) == 0 &&
         setuid(user.uid) == 0;
}

void ResetSignals() {
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 32; ++signal) sigaction(signal, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Between fork and exec: system calls only.
[[noreturn]] void BecomeProgram(const Prepared& p) {
  ResetSignals();
  setpgid(0, 0);
  bool ready = dup2(p.in, 0) >= 0 && dup2(p.out, 1) >= 0 && dup2(p.out, 2) >= 0;
  // The pipe that reports failure moves to 3; everything else of ours is closed.
  ready =
      ready && (p.failure == 3 || dup2(p.failure, 3) >= 0) && fcntl(3, F_SETFD, FD_CLOEXEC) == 0;
  ready = ready && syscall(SYS_close_range, 4U, ~0U, 0U) == 0;
  // The kernel forgets the death signal when the user changes: ask for it afterwards.
  ready = ready && BecomeUser(*p.user) && chdir("/") == 0;
  ready = ready && prctl(PR_SET_PDEATHSIG, p.death_signal) == 0;
  if (ready && getppid() != p.parent) _exit(1);  // we were killed before the line above
  if (ready) execve(p.argv[0], p.argv.data(), p.envp.data());
  const int error = errno;
  if (write(3, &error, sizeof(error)) < 0) _exit(126);
  _exit(127);
}

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

Result<Pipe> MakePipe() {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return SystemError("pipe");
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

Result<void> FillInput(const std::string& input, Pipe* in) {
  CHECK(input.size() <= kMaxInput);
  if (!input.empty() && write(in->write.get(), input.data(), input.size()) < 0) {
    return SystemError("write to a pipe");
  }
  in->write.Close();
  return Ok();
}

void ReadWhatIsThere(int fd, std::string* output) {
  std::array<char, 4096> buffer;
  ssize_t n = 0;
  while ((n = read(fd, buffer.data(), buffer.size())) > 0) {
    if (output->size() < kMaxOutput) output->append(buffer.data(), static_cast<size_t>(n));
  }
}

std::string LastLines(std::string_view text) {
  text = TrimSpace(text);
  if (text.size() > 1000) text.remove_prefix(text.size() - 1000);
  std::string line(text);
  for (char& c : line) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return line;
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  Close();
  fd_ = other.Release();
  return *this;
}

int FileDescriptor::Release() { return std::exchange(fd_, -1); }

void FileDescriptor::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

Result<ProcessUser> ChooseUser(const std::string& wanted) {
  ProcessUser user;
  user.uid = geteuid();
  user.gid = getegid();
  if (user.uid != 0) {
    const passwd* entry = getpwuid(user.uid);
    user.name = entry == nullptr ? std::to_string(user.uid) : entry->pw_name;
    return user;
  }
  const passwd* entry = getpwnam(wanted.empty() ? "postgres" : wanted.c_str());
  if (entry == nullptr && wanted.empty()) entry = getpwnam("nobody");
  if (entry == nullptr) {
    return NotFound("there is no user " + (wanted.empty() ? "postgres or nobody" : wanted) +
                    " to run PostgreSQL as, which refuses to run as root: create one");
  }
  if (entry->pw_uid == 0) return BadData("PostgreSQL refuses to run as root: name another user");
  user.name = entry->pw_name;
  user.uid = entry->pw_uid;
  user.gid = entry->pw_gid;
  user.change = true;
  user.groups.resize(64);
  int count = static_cast<int>(user.groups.size());
  if (getgrouplist(entry->pw_name, entry->pw_gid, user.groups.data(), &count) < 0) count = 0;
  user.groups.resize(static_cast<size_t>(count));
  return user;
}

Result<Process> Spawn(const ProcessSpec& spec) {
  Pipe in = TRY(MakePipe());
  Pipe out = TRY(MakePipe());
  Pipe failure = TRY(MakePipe());
  TRY(FillInput(spec.input, &in));
  Prepared prepared = Prepare(spec);
  prepared.in = in.read.get();
  prepared.out = out.write.get();
  prepared.failure = failure.write.get();
  const pid_t pid = fork();
  if (pid < 0) return SystemError("fork");
  if (pid == 0) BecomeProgram(prepared);

  out.write.Close();
  failure.write.Close();
  Process process;
  process.pid = pid;
  process.exited = FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0U)));
  process.output = std::move(out.read);
  int error = 0;
  if (read(failure.read.get(), &error, sizeof(error)) == sizeof(error)) {
    bool success = false;
    static_cast<void>(Reap(process, &success));
    errno = error;
    return SystemError("starting " + spec.argv[0] + " as user " + spec.user.name);
  }
  if (!process.exited.valid()) return SystemError("pidfd_open");
  fcntl(process.output.get(), F_SETFL, O_NONBLOCK);
  return process;
}

std::string Reap(const Process& process, bool* success) {
  int status = 0;
  while (waitpid(process.pid, &status, 0) < 0 && errno == EINTR) {
  }
  *success = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (WIFSIGNALED(status)) {
    return "signal " + std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) + ")";
  }
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

Result<std::string> Run(const ProcessSpec& spec, int64_t timeout_ms) {
  const Process process = TRY(Spawn(spec));
  const int64_t deadline_ns = Clock::System().MonotonicNs() + timeout_ms * 1'000'000;
  std::string output;
  bool killed = false;
  while (true) {
    std::array<pollfd, 2> fds = {pollfd{process.exited.get(), POLLIN, 0},
                                 pollfd{process.output.get(), POLLIN, 0}};
    poll(fds.data(), fds.size(), 100);
    ReadWhatIsThere(process.output.get(), &output);
    if (fds[0].revents != 0) break;
    const bool late = Clock::System().MonotonicNs() >= deadline_ns;
    if (!killed && (late || spec.stop.stop_requested())) {
      killed = true;
      kill(-process.pid, SIGKILL);
    }
  }
  bool success = false;
  const std::string status = Reap(process, &success);
  ReadWhatIsThere(process.output.get(), &output);
  if (killed && spec.stop.stop_requested()) return Canceled(spec.argv[0] + " was stopped");
  if (killed) return Timeout(spec.argv[0] + " did not end in time: " + LastLines(output));
  if (!success) return Internal(spec.argv[0] + ": " + status + ": " + LastLines(output));
  return output;
}

}  // namespace vigil::postgres
