// SPDX-License-Identifier: Apache-2.0
// Child processes for the managed cluster: started as another user, bound to our life, with a pipe
// for what they say.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::postgres {

// Owns a file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.Release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor() { Close(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  int Release();
  void Close();

 private:
  int fd_;
};

// Whom a child runs as.
struct ProcessUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  bool change = false;  // false: stay who we are
};

// Ourselves, unless we are root: then `wanted`, or postgres, or nobody. not_found when none exists.
Result<ProcessUser> ChooseUser(const std::string& wanted);

struct ProcessSpec {
  std::vector<std::string> argv;  // argv[0] is the path of the program
  ProcessUser user;
  std::string input;     // for stdin, at most 64 kB
  int death_signal = 9;  // sent by the kernel when the starting thread ends
  std::stop_token stop;  // kills the child of Run()
};

// A running child. Its destructor does not wait: call Wait or Reap.
struct Process {
  pid_t pid = 0;
  FileDescriptor output;  // stdout and stderr, non-blocking
  FileDescriptor exited;  // readable once the child has ended
};

// The child gets its own process group (Ctrl-C in a terminal is for us alone), a clean signal
// state, no file descriptors of ours and an environment without PG* variables. The death signal is
// tied to the calling thread: it must live as long as the child shall.
Result<Process> Spawn(const ProcessSpec& spec);

// The exit status in words: "exit code 1", "signal 9 (Killed)". Waits for the end.
std::string Reap(const Process& process, bool* success);

// Runs to the end, or until `stop` asks (canceled); the output, or an error with the end of the
// output.
Result<std::string> Run(const ProcessSpec& spec, int64_t timeout_ms);

}  // namespace vigil::postgres
