// SPDX-License-Identifier: Apache-2.0
// libcurl looks up names without blocking and tries all addresses of both families: it connects,
// and the socket is then taken from it.
#include "client-lib/http/dial.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include "client-lib/base/strings.h"

namespace vigil::http {
namespace {

int64_t SteadyNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// To the compiler both kinds of handles are void.
struct EasyFree {
  void operator()(CURL* p) const { curl_easy_cleanup(p); }
};
struct MultiFree {
  void operator()(CURLM* p) const { curl_multi_cleanup(p); }
};

// An easy handle in a multi handle: taken out before either is freed.
struct Attached {
  CURLM* multi;
  CURL* easy;
  ~Attached() { curl_multi_remove_handle(multi, easy); }
};

Error DialError(CURL* easy, CURLcode code, const std::string& host, const std::string& address,
                const char* reason) {
  if (code == CURLE_COULDNT_RESOLVE_HOST) {
    return Unavailable("dial tcp: lookup " + host + ": no such host");
  }
  long os_code = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_code);
  std::string why = reason[0] != '\0' ? reason : curl_easy_strerror(code);
  if (os_code != 0) {
    why = std::strerror(static_cast<int>(os_code));
    why = "connect: " + AsciiLower(why.substr(0, 1)) + why.substr(1);
  }
  return Unavailable("dial tcp " + address + ": " + why);
}

// Until the handle is done.
Result<CURLcode> RunConnect(CURLM* multi, const WaitLimit& limit) {
  for (;;) {
    int running = 0;
    curl_multi_perform(multi, &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg == CURLMSG_DONE) return message->data.result;
    }
    TRY(limit.Check());
    curl_waitfd wake{};
    wake.fd = limit.wake_fd();
    wake.events = CURL_WAIT_POLLIN;
    curl_multi_poll(multi, &wake, 1, limit.left_ms(), nullptr);
  }
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

void WaitLimit::Waker::operator()() const { eventfd_write(fd, 1); }

WaitLimit::WaitLimit(int64_t timeout_ms, const std::stop_token& stop)
    : deadline_ns_(SteadyNs() + timeout_ms * 1'000'000),
      stop_(stop),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      on_stop_(stop, Waker{wake_.get()}) {}

Result<void> WaitLimit::Check() const {
  if (stop_.stop_requested()) return Canceled("context canceled");
  if (left_ms() == 0) return Timeout("context deadline exceeded");
  return Ok();
}

int WaitLimit::left_ms() const {
  const int64_t left = (deadline_ns_ - SteadyNs() + 999'999) / 1'000'000;
  return static_cast<int>(std::clamp<int64_t>(left, 0, 3'600'000));
}

Result<void> WaitLimit::Wait(int fd, short events) const {
  for (;;) {
    TRY(Check());
    std::array<pollfd, 2> fds{{{fd, events, 0}, {wake_.get(), POLLIN, 0}}};
    if (poll(fds.data(), fds.size(), left_ms()) > 0 && fds[0].revents != 0) return Ok();
  }
}

Result<Descriptor> Dial(const std::string& host, int port, const WaitLimit& limit) {
  const std::string shown = host.find(':') == std::string::npos ? host : "[" + host + "]";
  const std::string address = shown + ":" + std::to_string(port);
  const std::unique_ptr<CURL, EasyFree> easy(curl_easy_init());
  const std::unique_ptr<CURLM, MultiFree> multi(curl_multi_init());
  CHECK(easy != nullptr && multi != nullptr);
  std::array<char, CURL_ERROR_SIZE> reason{};
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, reason.data());
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(easy.get(), CURLOPT_CONNECT_ONLY, 1L);
  // A lookup that hangs is left alone: it must not keep us beyond the limit.
  curl_easy_setopt(easy.get(), CURLOPT_QUICK_EXIT, 1L);
  const CURLcode valid =
      curl_easy_setopt(easy.get(), CURLOPT_URL, ("http://" + address + "/").c_str());
  if (valid != CURLE_OK) return BadData("dial tcp " + address + ": " + curl_easy_strerror(valid));
  curl_multi_add_handle(multi.get(), easy.get());
  const Attached attached{multi.get(), easy.get()};
  const CURLcode code = TRY_CONTEXT(RunConnect(multi.get(), limit), "dial tcp " + address);
  if (code != CURLE_OK) return DialError(easy.get(), code, host, address, reason.data());
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy.get(), CURLINFO_ACTIVESOCKET, &socket);
  if (socket == CURL_SOCKET_BAD) {
    return Unavailable("dial tcp " + address + ": the connection is gone");
  }
  Descriptor own(fcntl(socket, F_DUPFD_CLOEXEC, 0));
  if (own.get() < 0) {
    return Unavailable("dial tcp " + address + ": " + std::string(std::strerror(errno)));
  }
  return own;
}

}  // namespace vigil::http
