// SPDX-License-Identifier: Apache-2.0
// TCP connections for protocols that libcurl does not speak for us.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "client-lib/base/result.h"

namespace vigil::http {

// An owned file descriptor.
// Threads: owner thread only.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// A moment by the monotonic clock, and a stop token as something poll() can wait for.
// Threads: owner thread only; the token may be stopped by any.
class WaitLimit {
 public:
  WaitLimit(int64_t timeout_ms, const std::stop_token& stop);
  WaitLimit(const WaitLimit&) = delete;
  WaitLimit& operator=(const WaitLimit&) = delete;

  // timeout "context deadline exceeded", canceled "context canceled".
  [[nodiscard]] Result<void> Check() const;
  // Never negative, at most an hour.
  [[nodiscard]] int left_ms() const;
  // Becomes readable with the stop.
  [[nodiscard]] int wake_fd() const { return wake_.get(); }
  // Until fd is ready for `events` of poll(), or the limit.
  [[nodiscard]] Result<void> Wait(int fd, short events) const;

 private:
  struct Waker {
    int fd;
    void operator()() const;
  };
  const int64_t deadline_ns_;
  std::stop_token stop_;
  Descriptor wake_;
  std::stop_callback<Waker> on_stop_;
};

// A connected, non-blocking socket. The host is a name or an address; all addresses of a name are
// tried. unavailable with Go's words (`dial tcp host:port: connect: connection refused`), or the
// error of the limit.
Result<Descriptor> Dial(const std::string& host, int port, const WaitLimit& limit);

}  // namespace vigil::http
