// SPDX-License-Identifier: Apache-2.0
// The bytes of HTTP/1.1 on a CivetWeb connection. CivetWeb parses requests; heads, chunks and
// compression of answers are ours.
#include "client-lib/http/exchange.h"

#include <civetweb.h>

#include <algorithm>
#include <ctime>

#include "client-lib/base/strings.h"

namespace vigil::http {
namespace {

constexpr size_t kCompressFrom = 1024;
constexpr size_t kChunk = 16 * 1024;
// A small body travels in the same packet as its head.
constexpr size_t kJoinUpTo = 64 * 1024;

bool WriteAll(mg_connection* connection, std::string_view bytes) {
  return bytes.empty() ||
         mg_write(connection, bytes.data(), bytes.size()) == static_cast<int>(bytes.size());
}

bool WorthCompressing(const Response& response) {
  if (response.headers.Has("Content-Encoding")) return false;
  const std::string_view type = response.content_type;
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

// Collects a stream's writes into chunks of useful size, compressing on the way.
class ChunkWriter {
 public:
  ChunkWriter(mg_connection* connection, bool chunked, Deflater* deflater)
      : connection_(connection), chunked_(chunked), deflater_(deflater) {
    if (deflater_ != nullptr) deflater_->Start();
  }

  bool Write(std::string_view bytes) {
    if (deflater_ != nullptr) {
      deflater_->Add(bytes, false, &buffer_);
    } else {
      buffer_.append(bytes);
    }
    return buffer_.size() < kChunk || Send();
  }

  bool Finish() {
    if (deflater_ != nullptr) deflater_->Add({}, true, &buffer_);
    return Send() && (!chunked_ || WriteAll(connection_, "0\r\n\r\n"));
  }

 private:
  bool Send() {
    if (!alive_ || buffer_.empty()) return alive_;
    if (chunked_) {
      char size[32];
      const int n = snprintf(size, sizeof(size), "%zx\r\n", buffer_.size());
      buffer_.insert(0, size, static_cast<size_t>(n));
      buffer_.append("\r\n");
    }
    alive_ = WriteAll(connection_, buffer_);
    buffer_.clear();
    return alive_;
  }

  mg_connection* connection_;
  const bool chunked_;
  Deflater* deflater_;
  std::string buffer_;
  bool alive_ = true;
};

bool WriteStream(mg_connection* connection, const Request& request, Response response,
                 bool keep_alive, bool vary, Deflater* deflater) {
  // HTTP/1.0 knows no chunks: the end of the connection ends the body.
  const bool chunked = std::string_view(mg_get_request_info(connection)->http_version) == "1.1";
  if (!chunked) mg_disable_connection_keep_alive(connection);
  if (deflater != nullptr) response.headers.Set("Content-Encoding", "gzip");
  std::string head = Head(response, keep_alive && chunked, vary);
  if (chunked) AppendHeader("Transfer-Encoding", "chunked", &head);
  head.append("\r\n");
  if (!WriteAll(connection, head)) return false;
  if (request.method == "HEAD" || HasNoBody(response.status)) return true;
  ChunkWriter writer(connection, chunked, deflater);
  response.stream([&](std::string_view bytes) { return writer.Write(bytes); });
  return writer.Finish();
}

bool WriteWhole(mg_connection* connection, const Request& request, Response response,
                bool keep_alive, bool vary, Deflater* deflater) {
  if (deflater != nullptr) {
    std::string small;
    small.reserve(response.body.size() / 4 + 128);
    deflater->Start();
    deflater->Add(response.body, true, &small);
    response.body.swap(small);
    response.headers.Set("Content-Encoding", "gzip");
  }
  std::string head = Head(response, keep_alive, vary);
  if (!HasNoBody(response.status)) {
    AppendHeader("Content-Length", std::to_string(response.body.size()), &head);
  }
  head.append("\r\n");
  if (request.method == "HEAD" || HasNoBody(response.status)) return WriteAll(connection, head);
  if (response.body.size() <= kJoinUpTo) {
    head.append(response.body);
    return WriteAll(connection, head);
  }
  return WriteAll(connection, head) && WriteAll(connection, response.body);
}

}  // namespace

std::unique_ptr<Deflater> DeflaterPool::Take() {
  std::unique_ptr<Deflater> deflater = idle_.With([](auto& idle) {
    std::unique_ptr<Deflater> last;
    if (!idle.empty()) {
      last = std::move(idle.back());
      idle.pop_back();
    }
    return last;
  });
  return deflater != nullptr ? std::move(deflater) : std::make_unique<Deflater>();
}

void DeflaterPool::Return(std::unique_ptr<Deflater> deflater) {
  idle_.With([&](auto& idle) {
    if (idle.size() < kKept) idle.push_back(std::move(deflater));
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
      !WriteAll(connection, "HTTP/1.1 100 Continue\r\n\r\n")) {
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

bool WriteResponse(mg_connection* connection, const Request& request, Response response,
                   bool keep_alive, DeflaterPool* deflaters) {
  const bool vary = WorthCompressing(response) &&
                    (response.stream != nullptr || response.body.size() > kCompressFrom);
  std::unique_ptr<Deflater> deflater;
  if (vary && AcceptsGzip(request.headers.Get("Accept-Encoding"))) deflater = deflaters->Take();
  const bool sent =
      response.stream != nullptr
          ? WriteStream(connection, request, std::move(response), keep_alive, vary, deflater.get())
          : WriteWhole(connection, request, std::move(response), keep_alive, vary, deflater.get());
  if (deflater != nullptr) deflaters->Return(std::move(deflater));
  return sent;
}

}  // namespace vigil::http
