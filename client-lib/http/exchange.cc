// SPDX-License-Identifier: Apache-2.0
// The bytes of HTTP/1.1 on a CivetWeb connection. CivetWeb parses requests; heads, chunks and
// compression of answers are ours.
#include "client-lib/http/exchange.h"

#include <civetweb.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>

#include "client-lib/base/strings.h"

namespace vigil::http {
namespace {

constexpr size_t kCompressFrom = 1024;
constexpr size_t kChunk = 16 * 1024;
// A small body travels in the same packet as its head.
constexpr size_t kJoinUpTo = 64 * 1024;

// CivetWeb gives up when a client takes nothing for a while; how long all of it may take is
// watched here, piece by piece.
constexpr size_t kPiece = 256 * 1024;

// Writes an answer.
class Sender {
 public:
  using Clock = std::chrono::steady_clock;
  Sender(mg_connection* connection, const SendOptions& options)
      : connection_(connection), options_(options), begin_(Clock::now()) {}
  // Without a deadline.
  explicit Sender(mg_connection* connection) : connection_(connection) {}

  // False when the client has gone or takes too long.
  [[nodiscard]] bool Write(std::string_view bytes) {
    while (!bytes.empty()) {
      if (IsLate()) return false;
      const std::string_view piece = bytes.substr(0, kPiece);
      const int sent = mg_write(connection_, piece.data(), piece.size());
      if (sent != static_cast<int>(piece.size())) return false;
      sent_ += static_cast<int64_t>(piece.size());
      bytes.remove_prefix(piece.size());
    }
    return true;
  }

 private:
  [[nodiscard]] bool IsLate() const {
    if (!options_) return false;
    const std::chrono::milliseconds allowed(options_->timeout_ms +
                                            sent_ * 1000 / options_->bytes_per_second);
    return Clock::now() - begin_ >= allowed;
  }

  mg_connection* connection_;
  std::optional<SendOptions> options_;
  Clock::time_point begin_;
  int64_t sent_ = 0;
};

bool SpeaksChunks(const mg_connection* connection) {
  return std::string_view(mg_get_request_info(connection)->http_version) == "1.1";
}

bool IsEventStream(const Response& response) {
  return response.content_type.starts_with("text/event-stream");
}

bool WorthCompressing(const Response& response) {
  if (response.headers.Has("Content-Encoding")) return false;
  const std::string_view type = response.content_type;
  // Events must go out one by one, and streamed protobuf is compressed inside.
  if (IsEventStream(response) || type.starts_with("application/x-streamed-protobuf")) return false;
  return !type.starts_with("image/") || type.starts_with("image/svg");
}

bool HasNoBody(int status) { return status == 204 || status == 304 || status < 200; }

void AppendHeader(std::string_view name, std::string_view value, std::string* head) {
  head->append(name).append(": ");
  // A line break in a value would begin a header of its own.
  for (const char c : value) head->push_back(c == '\r' || c == '\n' ? ' ' : c);
  head->append("\r\n");
}

void AppendDate(std::string* head) {
  const time_t now = time(nullptr);
  struct tm utc {};
  gmtime_r(&now, &utc);
  char text[64];
  const size_t size = strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  AppendHeader("Date", std::string_view(text, size), head);
}

std::string Head(const Response& response, bool keep_alive, bool vary) {
  std::string head;
  head.reserve(512);
  head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  head.append(StatusText(response.status)).append("\r\n");
  AppendDate(&head);
  if (!response.content_type.empty()) {
    AppendHeader("Content-Type", response.content_type, &head);
  }
  if (vary) AppendHeader("Vary", "Accept-Encoding", &head);
  for (const auto& [name, value] : response.headers.items()) AppendHeader(name, value, &head);
  AppendHeader("Connection", keep_alive ? "keep-alive" : "close", &head);
  return head;
}

// Collects a stream's writes into chunks of at least so many bytes, compressing on the way. The
// head travels with the first one, the end with the last one.
class ChunkWriter {
 public:
  ChunkWriter(Sender& sender, bool chunked, size_t at_least, Compressor* compressor,
              std::string head)
      : sender_(sender),
        chunked_(chunked),
        at_least_(at_least),
        compressor_(compressor),
        buffer_(std::move(head)) {
    BeginChunk();
  }

  // Without waiting for the first chunk.
  bool SendHead() { return Send(""); }

  bool Write(std::string_view bytes) {
    if (compressor_ != nullptr) {
      compressor_->Add(bytes, false, &buffer_);
    } else {
      buffer_.append(bytes);
    }
    return buffer_.size() - data_ < at_least_ || Send("");
  }

  bool Finish() {
    if (compressor_ != nullptr) compressor_->Add({}, true, &buffer_);
    return Send(chunked_ ? "0\r\n\r\n" : "");
  }

 private:
  // "0000ffff\r\n": room for the size, which is known later.
  static constexpr size_t kSizeDigits = 8;

  void BeginChunk() {
    size_at_ = buffer_.size();
    if (chunked_) buffer_.append("00000000\r\n");
    data_ = buffer_.size();
  }

  void PutSize() {
    static constexpr char kHex[] = "0123456789abcdef";
    size_t size = buffer_.size() - data_;
    for (size_t digit = kSizeDigits; digit-- > 0; size /= 16) {
      buffer_[size_at_ + digit] = kHex[size % 16];
    }
  }

  bool Send(std::string_view end) {
    if (!alive_) return false;
    if (buffer_.size() == data_) {
      buffer_.erase(size_at_);  // an empty chunk would be the end
    } else if (chunked_) {
      PutSize();
      buffer_.append("\r\n");
    }
    buffer_.append(end);
    alive_ = sender_.Write(buffer_);
    buffer_.clear();
    BeginChunk();
    return alive_;
  }

  Sender& sender_;
  const bool chunked_;
  const size_t at_least_;
  Compressor* compressor_;  // started; null: as it is
  std::string buffer_;
  // Where the chunk's size and its data begin in buffer_.
  size_t size_at_ = 0;
  size_t data_ = 0;
  bool alive_ = true;
};

bool WriteStream(mg_connection* connection, const Request& request, Response response,
                 const SendOptions& options, bool vary, Compressor* compressor) {
  // HTTP/1.0 knows no chunks: the end of the connection ends the body.
  const bool chunked = SpeaksChunks(connection);
  if (!chunked) mg_disable_connection_keep_alive(connection);
  std::string head = Head(response, options.keep_alive && chunked, vary);
  if (chunked) AppendHeader("Transfer-Encoding", "chunked", &head);
  head.append("\r\n");
  const bool events = IsEventStream(response);
  Sender sender = events ? Sender(connection) : Sender(connection, options);
  if (request.method == "HEAD" || HasNoBody(response.status)) return sender.Write(head);
  ChunkWriter writer(sender, chunked, events ? 0 : kChunk, compressor, std::move(head));
  if (events && !writer.SendHead()) return false;
  const bool complete =
      response.stream([&](std::string_view bytes) { return writer.Write(bytes); });
  return complete && writer.Finish();
}

bool WriteWhole(mg_connection* connection, const Request& request, Response response,
                const SendOptions& options, bool vary, Compressor* compressor) {
  if (compressor != nullptr) {
    std::string small;
    small.reserve(response.body.size() / 4 + 128);
    compressor->Add(response.body, true, &small);
    response.body.swap(small);
  }
  std::string head = Head(response, options.keep_alive, vary);
  if (!HasNoBody(response.status)) {
    AppendHeader("Content-Length", std::to_string(response.body.size()), &head);
  }
  head.append("\r\n");
  Sender sender(connection, options);
  if (request.method == "HEAD" || HasNoBody(response.status)) return sender.Write(head);
  if (response.body.size() <= kJoinUpTo) {
    head.append(response.body);
    return sender.Write(head);
  }
  return sender.Write(head) && sender.Write(response.body);
}

}  // namespace

std::unique_ptr<Compressor> CompressorPool::Take() {
  std::unique_ptr<Compressor> compressor = idle_.With([](auto& idle) {
    std::unique_ptr<Compressor> last;
    if (!idle.empty()) {
      last = std::move(idle.back());
      idle.pop_back();
    }
    return last;
  });
  return compressor != nullptr ? std::move(compressor) : std::make_unique<Compressor>();
}

void CompressorPool::Return(std::unique_ptr<Compressor> compressor) {
  idle_.With([&](auto& idle) {
    if (idle.size() < kKept) idle.push_back(std::move(compressor));
  });
}

Request ReadHead(const mg_connection* connection) {
  const mg_request_info* info = mg_get_request_info(connection);
  Request request;
  request.method = info->request_method == nullptr ? "" : info->request_method;
  // Undecoded: the server runs with decode_url off.
  const char* raw = info->local_uri_raw != nullptr ? info->local_uri_raw : info->request_uri;
  request.raw_path = raw == nullptr ? "" : raw;
  Result<std::string> path = PercentDecode(request.raw_path, false);
  request.path = path ? *std::move(path) : request.raw_path;  // the router answers 400
  request.query = info->query_string == nullptr ? "" : info->query_string;
  request.remote_address = info->remote_addr;
  request.remote_port = info->remote_port;
  request.server_port = info->server_port;
  for (int i = 0; i < info->num_headers; ++i) {
    request.headers.Add(info->http_headers[i].name, info->http_headers[i].value);
  }
  return request;
}

BodyResult ReadBody(mg_connection* connection, const Headers& headers, size_t max_bytes,
                    std::string* body) {
  const long long announced = mg_get_request_info(connection)->content_length;
  const bool chunked = EqualsIgnoreCase(headers.Get("Transfer-Encoding"), "chunked");
  if (announced <= 0 && !chunked) return BodyResult::kOk;
  if (announced > 0 && static_cast<size_t>(announced) > max_bytes) return BodyResult::kTooLarge;
  if (EqualsIgnoreCase(headers.Get("Expect"), "100-continue") &&
      !Sender(connection).Write("HTTP/1.1 100 Continue\r\n\r\n")) {
    return BodyResult::kBroken;
  }
  // Grown as bytes come, not by what the head promises: promises are free.
  size_t used = 0;
  for (;;) {
    if (body->size() < used + kChunk) body->resize(std::max(used + kChunk, used * 2));
    const size_t room = std::min(body->size() - used, max_bytes + 1 - used);
    const int got = mg_read(connection, body->data() + used, room);
    if (got <= 0) {
      body->resize(used);
      const bool complete = chunked ? got == 0 : used == static_cast<size_t>(announced);
      return complete ? BodyResult::kOk : BodyResult::kBroken;
    }
    used += static_cast<size_t>(got);
    if (used > max_bytes) {
      body->clear();
      return BodyResult::kTooLarge;
    }
  }
}

bool EndsWithConnection(const mg_connection* connection, const Response& response) {
  return response.stream != nullptr && !SpeaksChunks(connection);
}

bool WriteResponse(mg_connection* connection, const Request& request, Response response,
                   const SendOptions& options, CompressorPool* compressors) {
  const bool vary = WorthCompressing(response) &&
                    (response.stream != nullptr || response.body.size() > kCompressFrom);
  const Coding coding =
      vary ? ChooseCoding(request.headers.Get("Accept-Encoding")) : Coding::kIdentity;
  std::unique_ptr<Compressor> compressor;
  if (coding != Coding::kIdentity) {
    compressor = compressors->Take();
    compressor->Start(coding);
    response.headers.Set("Content-Encoding", std::string(CodingName(coding)));
  }
  const bool sent =
      response.stream != nullptr
          ? WriteStream(connection, request, std::move(response), options, vary, compressor.get())
          : WriteWhole(connection, request, std::move(response), options, vary, compressor.get());
  if (compressor != nullptr) compressors->Return(std::move(compressor));
  return sent;
}

}  // namespace vigil::http
