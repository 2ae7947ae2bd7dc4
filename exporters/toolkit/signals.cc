// SPDX-License-Identifier: Apache-2.0
// signalfd for the kernel's signals, eventfds for requests from other threads, one poll for all.
#include "exporters/toolkit/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "client-lib/base/result.h"

namespace vigil::toolkit {
namespace {

sigset_t OurSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

bool Drain(int fd) {
  uint64_t count = 0;
  return read(fd, &count, sizeof(count)) == static_cast<ssize_t>(sizeof(count));
}

void Raise(int fd) {
  const uint64_t one = 1;
  // An eventfd refuses only when its counter is full, and then it is raised anyway.
  [[maybe_unused]] const ssize_t n = write(fd, &one, sizeof(one));
}

}  // namespace

Signals::Signals() {
  const sigset_t set = OurSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  signal_fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  stop_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  reload_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  CHECK(signal_fd_ >= 0 && stop_fd_ >= 0 && reload_fd_ >= 0);
}

Signals::~Signals() {
  close(signal_fd_);
  close(stop_fd_);
  close(reload_fd_);
  const sigset_t set = OurSignals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

Signals::Event Signals::Wait(int64_t max_wait_ms) {
  pollfd fds[] = {{signal_fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}, {reload_fd_, POLLIN, 0}};
  if (poll(fds, 3, max_wait_ms < 0 ? -1 : static_cast<int>(max_wait_ms)) <= 0) return Event::kNone;
  if (fds[1].revents != 0 && Drain(stop_fd_)) return Event::kStop;
  signalfd_siginfo info{};
  if (fds[0].revents != 0 &&
      read(signal_fd_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
    return info.ssi_signo == SIGHUP ? Event::kReload : Event::kStop;
  }
  if (fds[2].revents != 0 && Drain(reload_fd_)) return Event::kReload;
  return Event::kNone;
}

void Signals::RequestStop() { Raise(stop_fd_); }
void Signals::RequestReload() { Raise(reload_fd_); }

}  // namespace vigil::toolkit
