// SPDX-License-Identifier: Apache-2.0
// The server: CivetWeb's threads and sockets, our requests and responses.
#include "client-lib/http/server.h"

#include <civetweb.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>

#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"
#include "client-lib/http/deep_stack.h"
#include "client-lib/http/exchange.h"
#include "client-lib/http/openssl_alias.h"
#include "client-lib/http/sockets.h"
#include "client-lib/http/tls.h"

namespace vigil::http {
namespace {

// CivetWeb wants one call per process before the first server, and one before the first with TLS:
// those without do not pay for OpenSSL.
Result<void> InitLibrary(bool tls) {
  static const unsigned kPlain = mg_init_library(MG_FEATURES_DEFAULT);
  static_cast<void>(kPlain);
  if (!tls) return Ok();
  static const Result<void> kTls = []() -> Result<void> {
    TRY(LoadOpenSslAliases());
    if ((mg_init_library(MG_FEATURES_TLS) & MG_FEATURES_TLS) != 0) return Ok();
    return Internal("TLS is not available: CivetWeb cannot use this OpenSSL");
  }();
  return kTls;
}

// Counts running requests so that Stop can let them end.
// Threads: any.
class RunningRequests {
 public:
  void Enter() {
    std::lock_guard<std::mutex> lock(mutex_);
    ++count_;
  }
  void Leave() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      --count_;
    }
    zero_.notify_all();
  }
  // False when the time was over first.
  bool WaitForNone(std::chrono::milliseconds wait) {
    std::unique_lock<std::mutex> lock(mutex_);
    return zero_.wait_for(lock, wait, [&] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;  // for the condition variable
  std::condition_variable zero_;
  int count_ = 0;
};

class CivetwebServer : public Server {
 public:
  CivetwebServer(ServerOptions options, RootHandler handler)
      : options_(std::move(options)), handler_(std::move(handler)) {}
  ~CivetwebServer() override { Stop(); }

  Result<void> Listen();
  [[nodiscard]] std::vector<int> ports() const override;
  void Stop() override;

 private:
  static CivetwebServer* Self(const mg_connection* connection) {
    return static_cast<CivetwebServer*>(mg_get_request_info(connection)->user_data);
  }
  static int OnRequest(mg_connection* connection) noexcept;
  static int OnOpen(const mg_connection* connection, void** data);
  static void OnClosed(const mg_connection* connection);
  static int OnLog(const mg_connection* connection, const char* message);
  static int OnTls(void** context, void* self);

  template <typename F>
  static bool Attempt(const Request& request, F&& work) noexcept;
  Response Answer(mg_connection* connection, Request* request, bool* body_read);
  Response HandleRequest(mg_connection* connection, Request* request, bool* body_read);
  void Send(mg_connection* connection, const Request& request, Response response,
            bool keep_alive) noexcept;
  bool KeepAlive(const mg_connection* connection, const Request& request) const;
  Result<std::string> ResolveAddresses();
  Result<void> StartCivetweb(const std::string& listening);

  ServerOptions options_;
  RootHandler handler_;
  std::unique_ptr<TlsContext> tls_;
  mg_context* context_ = nullptr;
  std::vector<ListenAddress> addresses_;
  std::string start_messages_;  // of CivetWeb while it starts
  std::atomic<bool> started_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  RunningRequests running_;
  CompressorPool compressors_;
};

int CivetwebServer::OnOpen(const mg_connection* connection, void** data) {
  *data = nullptr;
  auto* self = static_cast<CivetwebServer*>(mg_get_user_data(mg_get_context(connection)));
  self->connections_.fetch_add(1, std::memory_order_relaxed);
  return 0;
}

void CivetwebServer::OnClosed(const mg_connection* connection) {
  auto* self = static_cast<CivetwebServer*>(mg_get_user_data(mg_get_context(connection)));
  self->connections_.fetch_sub(1, std::memory_order_relaxed);
}

int CivetwebServer::OnLog(const mg_connection* connection, const char* message) {
  const mg_context* context = connection == nullptr ? nullptr : mg_get_context(connection);
  auto* self =
      context == nullptr ? nullptr : static_cast<CivetwebServer*>(mg_get_user_data(context));
  if (self != nullptr && !self->started_) {
    if (!self->start_messages_.empty()) self->start_messages_ += "; ";
    self->start_messages_ += message;
  } else {
    // Clients that go away or speak no HTTP: their business, not the operator's.
    log::Debug("http", message);
  }
  return 1;
}

int CivetwebServer::OnTls(void** context, void* self) {
  *context = static_cast<CivetwebServer*>(self)->tls_->native();
  return 1;  // ours: CivetWeb neither creates nor frees one
}

bool CivetwebServer::KeepAlive(const mg_connection* connection, const Request& request) const {
  if (stopping_) return false;
  // A connection holds its thread while it idles: leave a quarter of them for newcomers.
  if (connections_.load(std::memory_order_relaxed) > options_.threads * 3 / 4) return false;
  const std::string_view wish = request.headers.Get("Connection");
  if (EqualsIgnoreCase(wish, "close")) return false;
  if (EqualsIgnoreCase(wish, "keep-alive")) return true;
  return std::string_view(mg_get_request_info(connection)->http_version) == "1.1";
}

// False when it threw.
template <typename F>
bool CivetwebServer::Attempt(const Request& request, F&& work) noexcept {
  try {
    work();
    return true;
  } catch (const std::bad_alloc&) {
    std::terminate();  // nothing sensible can follow
  } catch (const std::exception& e) {
    log::Error("http", "a request handler failed",
               {{"method", request.method}, {"path", request.path}, {"err", e.what()}});
  } catch (...) {
    log::Error("http", "a request handler failed",
               {{"method", request.method}, {"path", request.path}});
  }
  return false;
}

Response CivetwebServer::Answer(mg_connection* connection, Request* request, bool* body_read) {
  Response response;
  if (!Attempt(*request, [&] { response = HandleRequest(connection, request, body_read); })) {
    return Response::Text(500, "internal server error\n");
  }
  return response;
}

Response CivetwebServer::HandleRequest(mg_connection* connection, Request* request,
                                       bool* body_read) {
  if (stopping_) return Response::Text(503, "the server is stopping\n");
  if (options_.before) {
    if (const std::unique_ptr<Response> early = options_.before(*request)) {
      return std::move(*early);
    }
  }
  switch (ReadBody(connection, request->headers, options_.max_body_bytes, &request->body)) {
    case BodyResult::kTooLarge:
      return Response::Text(413, "the request body is larger than the limit of " +
                                     std::to_string(options_.max_body_bytes) + " bytes\n");
    case BodyResult::kBroken:
      return Response::Text(400, "the request body is incomplete\n");
    case BodyResult::kOk:
      break;
  }
  *body_read = true;
  return handler_(*request);
}

int CivetwebServer::OnRequest(mg_connection* connection) noexcept {
  CivetwebServer* self = Self(connection);
  self->running_.Enter();
  Request request = ReadHead(connection);
  bool body_read = false;
  Response response;
  // One for each of CivetWeb's workers.
  thread_local DeepStack deep_stack(self->options_.stack_bytes);
  if (!deep_stack.Run([&] { response = self->Answer(connection, &request, &body_read); })) {
    response = Response::Text(503, "the server has no memory for this request, try again later\n");
  }
  const auto after = [&] { self->options_.after(request, &response); };
  if (self->options_.after && !Attempt(request, after)) {
    response = Response::Text(500, "internal server error\n");
  }
  const int status = response.status;
  const bool has_body = mg_get_request_info(connection)->content_length > 0 ||
                        request.headers.Has("Transfer-Encoding");
  const bool keep_alive = self->KeepAlive(connection, request) && (body_read || !has_body);
  if (!keep_alive) mg_disable_connection_keep_alive(connection);
  const bool streams = response.stream != nullptr;
  const auto send = [&] { self->Send(connection, request, std::move(response), keep_alive); };
  // What makes a stream may need as much stack as a handler; the stack is there already.
  if (!streams || !deep_stack.Run(send)) send();
  self->running_.Leave();
  return status;
}

void CivetwebServer::Send(mg_connection* connection, const Request& request, Response response,
                          bool keep_alive) noexcept {
  const bool ends_with_connection = EndsWithConnection(connection, response);
  bool complete = false;
  try {
    const SendOptions options{keep_alive, options_.send_timeout_ms, options_.send_bytes_per_second};
    complete = WriteResponse(connection, request, std::move(response), options, &compressors_);
  } catch (const std::bad_alloc&) {
    std::terminate();  // nothing sensible can follow
  } catch (const std::exception& e) {
    // A stream failed in its middle: the missing last chunk tells the client.
    log::Error("http", "a response stream failed", {{"path", request.path}, {"err", e.what()}});
  }
  if (complete) return;
  mg_disable_connection_keep_alive(connection);
  // What is written by itself says how much it is; this does not.
  if (ends_with_connection) {
    ResetConnection({request.remote_address, request.remote_port, request.server_port});
  }
}

// "1.2.3.4:9100,127.0.0.1:0s" of the addresses, names resolved here for clear errors.
Result<std::string> CivetwebServer::ResolveAddresses() {
  std::string text;
  for (const std::string& address : options_.listen_addresses) {
    const ListenAddress resolved = TRY(ResolveListenAddress(address));
    addresses_.push_back(resolved);
    if (!text.empty()) text += ',';
    text += resolved.ip + ":" + std::to_string(resolved.port);
    if (tls_ != nullptr) text += 's';
  }
  if (text.empty()) return Internal("no address to listen on was given");
  return text;
}

Result<void> CivetwebServer::Listen() {
  TRY(InitLibrary(options_.tls != nullptr));
  if (options_.tls != nullptr) {
    tls_ = TRY(TlsContext::Create(*options_.tls));
  }
  TRY(StartCivetweb(TRY(ResolveAddresses())));
  std::vector<mg_server_port> ports(addresses_.size());
  const int count = mg_get_server_ports(context_, static_cast<int>(ports.size()), ports.data());
  CHECK(count == static_cast<int>(ports.size()));
  for (size_t i = 0; i < ports.size(); ++i) addresses_[i].port = ports[i].port;
  started_ = true;
  return Ok();
}

Result<void> CivetwebServer::StartCivetweb(const std::string& listening) {
  const std::string threads = std::to_string(options_.threads);
  const std::string request_timeout = std::to_string(options_.request_timeout_ms);
  const std::string keep_alive_timeout = std::to_string(options_.keep_alive_timeout_ms);
  const char* settings[] = {"listening_ports",
                            listening.c_str(),
                            "num_threads",
                            threads.c_str(),
                            "request_timeout_ms",
                            request_timeout.c_str(),
                            "keep_alive_timeout_ms",
                            keep_alive_timeout.c_str(),
                            "enable_keep_alive",
                            "yes",
                            "tcp_nodelay",
                            "1",
                            "enable_directory_listing",
                            "no",
                            "access_control_allow_origin",
                            "",
                            "decode_url",
                            "no",
                            "max_request_size",
                            "65536",
                            "connection_queue",
                            "128",
                            "listen_backlog",
                            "512",
                            nullptr};
  mg_callbacks callbacks{};
  callbacks.begin_request = OnRequest;
  callbacks.init_connection = OnOpen;
  callbacks.connection_closed = OnClosed;
  callbacks.log_message = OnLog;
  if (tls_ != nullptr) callbacks.external_ssl_ctx = OnTls;
  mg_init_data init{&callbacks, this, settings};
  char text[256] = {};
  unsigned code = 0;
  mg_error_data error{&code, text, sizeof(text)};
  context_ = mg_start2(&init, &error);
  if (context_ != nullptr) return Ok();
  const std::string reason = start_messages_.empty() ? std::string(text) : start_messages_;
  return Internal("cannot listen on " + Join(options_.listen_addresses, ", ") + ": " + reason);
}

std::vector<int> CivetwebServer::ports() const {
  std::vector<int> ports;
  for (const ListenAddress& address : addresses_) ports.push_back(address.port);
  return ports;
}

void CivetwebServer::Stop() {
  if (context_ == nullptr) return;
  stopping_ = true;  // new requests are 503 from here
  if (!running_.WaitForNone(std::chrono::milliseconds(options_.drain_timeout_ms))) {
    log::Warn("http", "requests are still running while the server stops");
  }
  // CivetWeb looks at its stop flag every two seconds only; sockets shut down wake its threads at
  // once.
  ShutDownSockets(addresses_);
  mg_stop(context_);
  context_ = nullptr;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options, RootHandler handler) {
  auto server = std::make_unique<CivetwebServer>(std::move(options), std::move(handler));
  TRY(server->Listen());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace vigil::http
