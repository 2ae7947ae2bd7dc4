// SPDX-License-Identifier: Apache-2.0
// See asker.h.
#include "tests/bench/asker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "client-lib/base/clock.h"
#include "client-lib/base/strings.h"

namespace vigil::bench {
namespace {

constexpr size_t kReadBytes = 256 * 1024;
constexpr size_t kMaxHead = 64 * 1024;
constexpr size_t kKeptOfBody = 500;  // for messages
constexpr int kPatienceMs = 120'000;

int64_t NowNs() { return Clock::System().MonotonicNs(); }

// One answer of HTTP/1.1, taken piece by piece as it comes.
class AnswerReader {
 public:
  // False when this is no HTTP. Bytes behind the end of the answer are an error, too: nothing was
  // asked for them.
  bool Take(std::string_view bytes) {
    if (state_ == State::kHead) {
      line_.append(bytes);
      const size_t end = line_.find("\r\n\r\n");
      if (end == std::string::npos) return line_.size() <= kMaxHead;
      const std::string head = std::exchange(line_, {});
      return TakeHead(std::string_view(head).substr(0, end + 2)) &&
             TakeBody(std::string_view(head).substr(end + 4));
    }
    return TakeBody(bytes);
  }
  // The connection has ended.
  [[nodiscard]] bool TakeEnd() {
    const bool fine = state_ == State::kUntilClose;
    if (fine) state_ = State::kDone;
    return fine;
  }

  [[nodiscard]] bool untouched() const { return state_ == State::kHead && line_.empty(); }
  [[nodiscard]] bool done() const { return state_ == State::kDone; }
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] bool closes() const { return closes_; }
  [[nodiscard]] size_t body_bytes() const { return body_bytes_; }
  [[nodiscard]] const std::string& body_begin() const { return body_begin_; }

 private:
  enum class State { kHead, kCounted, kUntilClose, kChunkSize, kChunk, kChunkEnd, kDone };

  bool TakeHead(std::string_view head) {
    bool chunked = false;
    left_ = 0;
    state_ = State::kUntilClose;
    if (!head.starts_with("HTTP/1.1 ")) return false;
    status_ = static_cast<int>(ParseUint(head.substr(9, 3)).value_or(0));
    for (const std::string_view line : Split(head, '\n')) {
      const size_t colon = line.find(':');
      if (colon == std::string_view::npos) continue;
      const std::string_view name = line.substr(0, colon);
      const std::string_view value = TrimSpace(line.substr(colon + 1));
      if (EqualsIgnoreCase(name, "Content-Length")) {
        left_ = ParseUint(value).value_or(0);
        state_ = State::kCounted;
      }
      chunked = chunked || (EqualsIgnoreCase(name, "Transfer-Encoding") && value == "chunked");
      closes_ = closes_ || (EqualsIgnoreCase(name, "Connection") && value == "close");
    }
    if (chunked) state_ = State::kChunkSize;
    if (state_ == State::kCounted && left_ == 0) state_ = State::kDone;
    return true;
  }

  bool TakeBody(std::string_view bytes) {
    while (!bytes.empty()) {
      switch (state_) {
        case State::kUntilClose:
          left_ = bytes.size();
          TakeCounted(&bytes);
          break;
        case State::kCounted:
          TakeCounted(&bytes);
          if (left_ == 0) state_ = State::kDone;
          break;
        case State::kChunk:
          TakeCounted(&bytes);
          if (left_ == 0) state_ = State::kChunkEnd;
          break;
        case State::kChunkSize:
        case State::kChunkEnd:
          if (!TakeChunkLine(&bytes)) return false;
          break;
        case State::kHead:
        case State::kDone:
          return false;
      }
    }
    return true;
  }

  void TakeCounted(std::string_view* bytes) {
    const auto size = static_cast<size_t>(std::min<uint64_t>(left_, bytes->size()));
    if (body_begin_.size() < kKeptOfBody) {
      body_begin_.append(bytes->substr(0, std::min(size, kKeptOfBody - body_begin_.size())));
    }
    body_bytes_ += size;
    left_ -= size;
    bytes->remove_prefix(size);
  }

  // The line with a chunk's size, the empty one behind a chunk, the empty one behind the last.
  bool TakeChunkLine(std::string_view* bytes) {
    const size_t end = bytes->find('\n');
    if (end == std::string_view::npos) {
      line_.append(*bytes);
      *bytes = {};
      return line_.size() <= kMaxHead;
    }
    line_.append(bytes->substr(0, end));
    bytes->remove_prefix(end + 1);
    const std::string line = std::exchange(line_, {});
    const std::string_view text = TrimSpace(line);
    if (state_ == State::kChunkEnd) {
      state_ = last_chunk_ ? State::kDone : State::kChunkSize;
      return text.empty();
    }
    left_ = 0;
    for (const char c : text) {
      const size_t digit = std::string_view("0123456789abcdef").find(static_cast<char>(c | 0x20));
      if (digit == std::string_view::npos) return false;
      left_ = left_ * 16 + digit;
    }
    last_chunk_ = left_ == 0;
    state_ = last_chunk_ ? State::kChunkEnd : State::kChunk;
    return !text.empty();
  }

  State state_ = State::kHead;
  std::string line_;  // what has come of the head or of a chunk's line
  uint64_t left_ = 0;
  bool last_chunk_ = false;
  int status_ = 0;
  bool closes_ = false;
  size_t body_bytes_ = 0;
  std::string body_begin_;
};

struct Target {
  sockaddr_in address{};
  std::string request;
};

Result<Target> ReadUrl(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  const std::string_view rest = std::string_view(url).substr(std::min(url.size(), kScheme.size()));
  const size_t slash = std::min(rest.find('/'), rest.size());
  const std::string host(rest.substr(0, slash));
  const size_t colon = std::min(host.find(':'), host.size());
  Target target;
  target.address.sin_family = AF_INET;
  const uint64_t port =
      ParseUint(std::string_view(host).substr(std::min(colon + 1, host.size()))).value_or(0);
  target.address.sin_port = htons(static_cast<uint16_t>(port));
  if (!url.starts_with(kScheme) || port == 0 || port > 65535 ||
      inet_pton(AF_INET, host.substr(0, colon).c_str(), &target.address.sin_addr) != 1) {
    return BadData("not a URL like http://127.0.0.1:9090/path: " + url);
  }
  target.request = "GET " + std::string(slash < rest.size() ? rest.substr(slash) : "/") +
                   " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: Vigil\r\nAccept: */*\r\n\r\n";
  return target;
}

// A connection with at most one request under way.
class Connection {
 public:
  explicit Connection(const Target& target) : target_(target) {}
  ~Connection() { Close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Result<void> Ask() {
    begin_ns_ = NowNs();
    answer_ = AnswerReader();
    reused_ = fd_ >= 0;
    if (!reused_) TRY(Open());
    return Send();
  }

  // Reads what has come, waits for something to come. REQUIRES: asked, and no answer yet.
  Result<void> Read(std::span<char> buffer) {
    const ssize_t size = recv(fd_, buffer.data(), buffer.size(), 0);
    if (size > 0) {
      if (!answer_.Take({buffer.data(), static_cast<size_t>(size)})) {
        return BadData("what came is no answer of HTTP/1.1");
      }
    } else if (reused_ && answer_.untouched()) {
      // The server has closed it while it was idle.
      Close();
      reused_ = false;
      TRY(Open());
      return Send();
    } else if (size < 0 || !answer_.TakeEnd()) {
      return Unavailable(size < 0 ? std::strerror(errno) : "the answer was cut off");
    }
    if (!answer_.done()) return Ok();
    took_ms_ = static_cast<double>(NowNs() - begin_ns_) / 1e6;
    if (answer_.closes() || size == 0) Close();
    if (answer_.status() == 200) return Ok();
    return BadData("HTTP " + std::to_string(answer_.status()) + ": " + answer_.body_begin());
  }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool done() const { return answer_.done(); }
  [[nodiscard]] double took_ms() const { return took_ms_; }
  [[nodiscard]] size_t body_bytes() const { return answer_.body_bytes(); }

 private:
  Result<void> Open() {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const timeval patience{kPatienceMs / 1000, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    const auto* address = reinterpret_cast<const sockaddr*>(&target_.address);
    if (connect(fd_, address, sizeof(target_.address)) == 0) return Ok();
    return Unavailable(std::string("connect: ") + std::strerror(errno));
  }
  Result<void> Send() {
    const std::string& request = target_.request;
    const ssize_t sent = send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
    // Of a connection that has ended meanwhile Read() tells.
    if (sent == static_cast<ssize_t>(request.size()) || reused_) return Ok();
    return Unavailable(std::string("send: ") + std::strerror(errno));
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

  const Target& target_;
  int fd_ = -1;
  bool reused_ = false;
  int64_t begin_ns_ = 0;
  double took_ms_ = 0;
  AnswerReader answer_;
};

// Waits until there is something to read on one of them; those are true in *readable.
Result<void> WaitForAny(const std::vector<std::unique_ptr<Connection>>& connections,
                        std::vector<pollfd>* look) {
  look->clear();
  for (const auto& connection : connections) {
    // A negative descriptor is left out.
    look->push_back({connection->done() ? -1 : connection->fd(), POLLIN, 0});
  }
  if (poll(look->data(), look->size(), kPatienceMs) > 0) return Ok();
  return Timeout("no answer came");
}

}  // namespace

Result<Asked> AskRepeatedly(const std::string& url, size_t connections, uint64_t milliseconds) {
  const Target target = TRY(ReadUrl(url));
  std::vector<std::unique_ptr<Connection>> all;
  for (size_t i = 0; i < connections; ++i) all.push_back(std::make_unique<Connection>(target));
  std::vector<char> buffer(kReadBytes);
  std::vector<pollfd> look;
  Asked asked;
  const int64_t begin = NowNs();
  const int64_t end = begin + static_cast<int64_t>(milliseconds) * 1'000'000;
  for (const auto& connection : all) TRY(connection->Ask());
  for (size_t under_way = all.size(); under_way > 0;) {
    // A single one is waited for where it is read.
    if (all.size() > 1) TRY(WaitForAny(all, &look));
    for (size_t i = 0; i < all.size(); ++i) {
      Connection& connection = *all[i];
      if (connection.done() || (all.size() > 1 && look[i].revents == 0)) continue;
      TRY(connection.Read(buffer));
      if (!connection.done()) continue;
      asked.took_ms.push_back(connection.took_ms());
      asked.bytes = connection.body_bytes();
      --under_way;
      if (NowNs() >= end) continue;
      TRY(connection.Ask());
      ++under_way;
    }
  }
  asked.seconds = static_cast<double>(NowNs() - begin) / 1e9;
  std::sort(asked.took_ms.begin(), asked.took_ms.end());
  return asked;
}

}  // namespace vigil::bench
