// SPDX-License-Identifier: Apache-2.0
// Server and client against each other, on ports chosen by the system.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>

#include "client-lib/http/client.h"
#include "client-lib/http/server.h"

namespace vigil::http {
namespace {

ServerOptions Loopback() {
  ServerOptions options;
  options.listen_addresses = {"127.0.0.1:0"};
  options.threads = 4;
  return options;
}

std::string Url(const Server& server, std::string_view path) {
  return "http://127.0.0.1:" + std::to_string(server.ports().at(0)) + std::string(path);
}

ClientRequest Get(const Server& server, std::string_view path) {
  ClientRequest request;
  request.url = Url(server, path);
  return request;
}

// A socket that listens and never answers (or answers what it is told, once).
class RawServer {
 public:
  RawServer() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    socklen_t size = sizeof(address);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~RawServer() {
    if (thread_.joinable()) thread_.join();
    close(fd_);
  }
  void AnswerOnce(std::string answer) {
    thread_ = std::thread([this, answer] {
      const int client = accept(fd_, nullptr, nullptr);
      char buffer[4096];
      const ssize_t got = read(client, buffer, sizeof(buffer));
      if (got > 0) asked_.assign(buffer, static_cast<size_t>(got));
      if (got > 0 && !answer.empty()) {
        EXPECT_EQ(write(client, answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
      }
      close(client);
    });
  }
  // What it was asked, once it has answered.
  std::string Asked() {
    thread_.join();
    return asked_;
  }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/metrics";
  }

 private:
  int fd_;
  int port_ = 0;
  std::string asked_;
  std::thread thread_;
};

// Sends bytes as they are, returns everything until the peer closes.
std::string RawExchange(int port, const std::string& bytes) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(fd, buffer, sizeof(buffer))) > 0;) {
    answer.append(buffer, static_cast<size_t>(n));
  }
  close(fd);
  return answer;
}

Response Echo(const Request& request) {
  std::string text = request.method + " " + request.path + " " + request.raw_path + " " +
                     request.query + " " + std::string(request.headers.Get("X-Test")) + " " +
                     request.body;
  return Response::Text(200, text);
}

TEST(RoundTrip, GivesTheHandlerTheRequestAsSent) {
  const auto server = Server::Start(Loopback(), Echo).value();
  ClientRequest request = Get(*server, "/a%20b//c/..%2Fd?x=%20&y=1+2");
  request.headers.Add("X-Test", "t");
  const ClientResponse response = Fetch(std::move(request)).value();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "GET /a b//c/../d /a%20b//c/..%2Fd x=%20&y=1+2 t ");
  EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
  EXPECT_FALSE(response.headers.Has("Access-Control-Allow-Origin"));
  EXPECT_TRUE(response.headers.Has("Date"));
}

TEST(RoundTrip, SendsBodiesOfEveryMethod) {
  const auto server = Server::Start(Loopback(), Echo).value();
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH"}) {
    ClientRequest request = Get(*server, "/x");
    request.method = method;
    request.body = "body";
    const ClientResponse response = Fetch(std::move(request)).value();
    EXPECT_EQ(response.body, std::string(method) + " /x /x   body");
  }
}

TEST(RoundTrip, TakesALargeBodyWithoutWaiting) {
  const std::string large(3'000'000, 'x');
  const auto server = Server::Start(Loopback(), [](const Request& request) {
                        return Response::Text(200, std::to_string(request.body.size()));
                      }).value();
  ClientRequest request = Get(*server, "/");
  request.method = "POST";
  request.body = large;
  EXPECT_EQ(Fetch(std::move(request)).value().body, "3000000");
}

TEST(RoundTrip, AnswersHeadWithoutABody) {
  const auto server = Server::Start(Loopback(), [](const Request&) {
                        return Response::Text(200, "12345");
                      }).value();
  ClientRequest request = Get(*server, "/");
  request.method = "HEAD";
  const ClientResponse response = Fetch(std::move(request)).value();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.headers.Get("Content-Length"), "5");
}

TEST(RoundTrip, CompressesLargeBodiesWhenAccepted) {
  const auto server = Server::Start(Loopback(), [](const Request&) {
                        return Response::Text(200, std::string(5000, 'x'));
                      }).value();
  const ClientResponse response = Fetch(Get(*server, "/")).value();
  EXPECT_EQ(response.headers.Get("Content-Encoding"), "gzip");
  EXPECT_EQ(response.headers.Get("Vary"), "Accept-Encoding");
  EXPECT_EQ(response.body, std::string(5000, 'x'));
  ClientRequest plain = Get(*server, "/");
  plain.accept_compression = false;
  const ClientResponse uncompressed = Fetch(std::move(plain)).value();
  EXPECT_FALSE(uncompressed.headers.Has("Content-Encoding"));
  EXPECT_EQ(uncompressed.body, std::string(5000, 'x'));
}

TEST(RoundTrip, StreamsInChunks) {
  const auto server = Server::Start(Loopback(), [](const Request&) {
                        Response response;
                        response.stream = [](const Response::Write& write) {
                          for (int i = 0; i < 10'000; ++i) {
                            if (!write("line " + std::to_string(i) + "\n")) return false;
                          }
                          return true;
                        };
                        return response;
                      }).value();
  std::string expected;
  for (int i = 0; i < 10'000; ++i) expected += "line " + std::to_string(i) + "\n";
  for (const bool compressed : {true, false}) {
    ClientRequest request = Get(*server, "/");
    request.accept_compression = compressed;
    const ClientResponse response = Fetch(std::move(request)).value();
    EXPECT_EQ(response.headers.Get("Transfer-Encoding"), "chunked");
    EXPECT_EQ(response.headers.Has("Content-Encoding"), compressed);
    EXPECT_EQ(response.body, expected);
  }
  const std::string old = RawExchange(server->ports()[0], "GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.substr(old.find("\r\n\r\n") + 4), expected);
}

TEST(RoundTrip, AStreamThatFailsIsNotTakenForComplete) {
  const auto server = Server::Start(Loopback(), [](const Request&) {
                        Response response;
                        response.stream = [](const Response::Write& write) {
                          write("half of");
                          return false;
                        };
                        return response;
                      }).value();
  EXPECT_FALSE(Fetch(Get(*server, "/")).has_value());
}

TEST(RoundTrip, EventsAreSentOneByOne) {
  const auto server = Server::Start(Loopback(), [](const Request&) {
                        Response response;
                        response.content_type = "text/event-stream";
                        response.stream = [](const Response::Write& write) {
                          return write("data: 1\n\n") && write("data: 2\n\n");
                        };
                        return response;
                      }).value();
  const std::string raw = RawExchange(server->ports()[0],
                                      "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                      "Accept-Encoding: gzip\r\n\r\n");
  // Each is the end of a chunk.
  EXPECT_NE(raw.find("data: 1\n\n\r\n"), std::string::npos) << raw;
  EXPECT_NE(raw.find("data: 2\n\n\r\n"), std::string::npos) << raw;
}

TEST(RoundTrip, HandlerExceptionsAre500) {
  const auto server = Server::Start(Loopback(), [](const Request& request) -> Response {
                        if (request.path == "/int") throw 42;
                        throw std::runtime_error("no");
                      }).value();
  EXPECT_EQ(Fetch(Get(*server, "/")).value().status, 500);
  EXPECT_EQ(Fetch(Get(*server, "/int")).value().status, 500);
}

TEST(RoundTrip, TooLargeBodiesAre413) {
  ServerOptions options = Loopback();
  options.max_body_bytes = 1000;
  const auto server = Server::Start(std::move(options), Echo).value();
  ClientRequest request = Get(*server, "/");
  request.method = "POST";
  request.body = std::string(1001, 'x');
  EXPECT_EQ(Fetch(request).value().status, 413);
  request.body.resize(1000);
  EXPECT_EQ(Fetch(request).value().status, 200);
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
      "400\r\n" +
      std::string(1024, 'x') + "\r\n0\r\n\r\n";
  EXPECT_EQ(RawExchange(server->ports()[0], chunked).substr(0, 12), "HTTP/1.1 413");
}

TEST(RoundTrip, ReadsChunkedBodiesAndAnswersContinue) {
  const auto server = Server::Start(Loopback(), Echo).value();
  const std::string chunked =
      "POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n";
  const std::string answer = RawExchange(server->ports()[0], chunked);
  EXPECT_NE(answer.find("POST /x /x   hello!"), std::string::npos) << answer;
  const std::string expect =
      "POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
      "Content-Length: 2\r\n\r\nhi";
  const std::string continued = RawExchange(server->ports()[0], expect);
  EXPECT_EQ(continued.substr(0, 25), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_NE(continued.find("POST /x /x   hi"), std::string::npos) << continued;
}

TEST(RoundTrip, GarbageIs400) {
  const auto server = Server::Start(Loopback(), Echo).value();
  for (const char* garbage :
       {"garbage\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\r\n\r\n"}) {
    const std::string answer = RawExchange(server->ports()[0], garbage);
    EXPECT_TRUE(answer.empty() || answer.find(" 400 ") != std::string::npos ||
                answer.find(" 505 ") != std::string::npos)
        << garbage << answer;
  }
  EXPECT_EQ(Fetch(Get(*server, "/")).value().status, 200);
}

TEST(RoundTrip, HeaderValuesCannotSmuggleHeaders) {
  const auto server = Server::Start(Loopback(), [](const Request&) {
                        Response response = Response::Text(200, "");
                        response.headers.Set("X-A", "1\r\nX-B: 2");
                        return response;
                      }).value();
  const ClientResponse response = Fetch(Get(*server, "/")).value();
  EXPECT_FALSE(response.headers.Has("X-B"));
}

TEST(RoundTrip, BeforeEndsARequestAndAfterSeesEveryAnswer) {
  ServerOptions options = Loopback();
  options.before = [](const Request& request) {
    return request.path == "/no" ? std::make_unique<Response>(Response::Text(401, "no")) : nullptr;
  };
  options.after = [](const Request&, Response* response) {
    response->headers.Set("X-Frame-Options", "deny");
  };
  const auto server = Server::Start(std::move(options), Echo).value();
  for (const char* path : {"/no", "/yes"}) {
    ClientRequest request = Get(*server, path);
    request.method = "POST";
    request.body = "b";
    const ClientResponse response = Fetch(std::move(request)).value();
    EXPECT_EQ(response.status, std::string_view(path) == "/no" ? 401 : 200);
    EXPECT_EQ(response.headers.Get("X-Frame-Options"), "deny");
  }
}

TEST(Server, ListensOnSeveralAddresses) {
  ServerOptions options = Loopback();
  options.listen_addresses = {"127.0.0.1:0", "127.0.0.2:0"};
  const auto server = Server::Start(std::move(options), Echo).value();
  ASSERT_EQ(server->ports().size(), 2u);
  ClientRequest request;
  request.url = "http://127.0.0.2:" + std::to_string(server->ports()[1]) + "/";
  EXPECT_EQ(Fetch(std::move(request)).value().status, 200);
}

TEST(Server, NamesTheAddressItCannotListenOn) {
  const auto first = Server::Start(Loopback(), Echo).value();
  ServerOptions options = Loopback();
  const std::string taken = "127.0.0.1:" + std::to_string(first->ports()[0]);
  options.listen_addresses = {taken};
  const auto second = Server::Start(std::move(options), Echo);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(taken), std::string::npos) << second.error().message;
  EXPECT_NE(second.error().message.find("in use"), std::string::npos) << second.error().message;
}

TEST(Server, RefusesAddressesItCannotServe) {
  for (const char* address : {"[::1]:0", "::1:0", "localhost", "127.0.0.1:x", "127.0.0.1:70000"}) {
    ServerOptions options = Loopback();
    options.listen_addresses = {address};
    const auto server = Server::Start(std::move(options), Echo);
    ASSERT_FALSE(server) << address;
    EXPECT_NE(server.error().message.find(address), std::string::npos);
  }
}

TEST(Server, LetsRunningRequestsEndWhenItStops) {
  std::atomic<bool> entered{false};
  std::atomic<bool> go{false};
  auto server = Server::Start(Loopback(), [&](const Request&) {
                  entered = true;
                  entered.notify_all();
                  go.wait(false);
                  return Response::Text(200, "done");
                }).value();
  Result<ClientResponse> response = Internal("none");
  std::thread client([&, request = Get(*server, "/")] { response = Fetch(request); });
  entered.wait(false);
  std::thread stopper([&] { server->Stop(); });
  go = true;
  go.notify_all();
  stopper.join();
  client.join();
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "done");
}

TEST(Server, StopsAtOnceWithIdleConnections) {
  auto server = Server::Start(Loopback(), Echo).value();
  const auto client = AsyncClient::Create();
  bool done = false;
  client->Start(Get(*server, "/"),
                [&](Result<ClientResponse>, const std::string&) { done = true; });
  while (!done) client->Poll(1000);
  const auto begin = std::chrono::steady_clock::now();
  server->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(1500));
}

class ClientTest : public testing::Test {
 protected:
  ClientTest() : client_(AsyncClient::Create()) {}
  Result<ClientResponse> Run(ClientRequest request) {
    std::optional<Result<ClientResponse>> result;
    client_->Start(std::move(request), [&](Result<ClientResponse> r, std::string buffer) {
      result = std::move(r);
      buffer_ = std::move(buffer);
    });
    while (!result) client_->Poll(1000);
    return *std::move(result);
  }
  std::unique_ptr<AsyncClient> client_;
  std::string buffer_;
};

TEST_F(ClientTest, ReusesConnections) {
  // One thread serves one connection at a time: were a second one opened while the first is kept
  // alive, its request would wait for the keep-alive timeout.
  ServerOptions options = Loopback();
  options.keep_alive_timeout_ms = 60'000;
  options.threads = 2;  // of which one may be kept by an idle connection
  const auto server = Server::Start(std::move(options), Echo).value();
  for (int i = 0; i < 5; ++i) {
    ClientRequest request = Get(*server, "/");
    request.timeout_ms = 5'000;
    const ClientResponse response = Run(std::move(request)).value();
    EXPECT_EQ(response.headers.Get("Connection"), "keep-alive");
  }
}

TEST_F(ClientTest, ADeadlineCoversASilentServer) {
  const RawServer silent;
  ClientRequest request;
  request.url = silent.url();
  request.timeout_ms = 50;
  const auto result = Run(std::move(request));
  EXPECT_EQ(result.error().kind, ErrorKind::kTimeout);
  EXPECT_EQ(result.error().message, "Get \"" + silent.url() + "\": context deadline exceeded");
}

TEST_F(ClientTest, SaysWhyAConnectionFailed) {
  std::string url;
  {
    const RawServer gone;
    url = gone.url();
  }
  ClientRequest request;
  request.url = url;
  const auto refused = Run(request);
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  const std::string address = url.substr(7, url.find('/', 7) - 7);
  EXPECT_EQ(refused.error().message,
            "Get \"" + url + "\": dial tcp " + address + ": connect: connection refused");
  request.url = "http://user:secret@host.invalid/";
  EXPECT_EQ(Run(request).error().message,
            "Get \"http://user:xxxxx@host.invalid/\": dial tcp: lookup host.invalid: no such host");
}

TEST_F(ClientTest, HalfAnAnswerIsAnError) {
  for (const char* answer :
       {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", "nonsense\r\n\r\n"}) {
    RawServer server;
    server.AnswerOnce(answer);
    ClientRequest request;
    request.url = server.url();
    const auto result = Run(std::move(request));
    ASSERT_FALSE(result) << answer;
    EXPECT_EQ(result.error().kind, ErrorKind::kUnavailable) << result.error().message;
  }
}

TEST_F(ClientTest, WhatIsForTheProxyDoesNotReachATargetOfPlainHttp) {
  RawServer proxy;
  proxy.AnswerOnce("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  auto options = std::make_shared<ClientOptions>();
  options->proxy_url = proxy.url();
  options->proxy_headers = {{"X-Secret", "s"}};
  ClientRequest request;
  request.url = "http://target.example/";
  request.options = options;
  EXPECT_TRUE(Run(std::move(request)));
  const std::string asked = proxy.Asked();
  EXPECT_TRUE(asked.starts_with("GET http://target.example/ HTTP/1.1\r\n")) << asked;
  EXPECT_EQ(asked.find("X-Secret"), std::string::npos) << asked;
}

TEST_F(ClientTest, ProxiesAreToldWhatIsForThem) {
  RawServer proxy;
  proxy.AnswerOnce("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  auto options = std::make_shared<ClientOptions>();
  options->proxy_url = proxy.url();
  options->proxy_headers = {{"X-Secret", "s"}};
  ClientRequest request;
  request.url = "https://target.example/";
  request.options = options;
  EXPECT_FALSE(Run(std::move(request)));
  const std::string asked = proxy.Asked();
  EXPECT_TRUE(asked.starts_with("CONNECT target.example:443 HTTP/1.1\r\n")) << asked;
  EXPECT_NE(asked.find("X-Secret: s"), std::string::npos) << asked;
}

TEST_F(ClientTest, BrokenCompressionIsAnError) {
  for (const char* body : {"garbage", "\x1f\x8b\x08"}) {
    RawServer server;
    server.AnswerOnce("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" +
                      std::string(body));
    ClientRequest request;
    request.url = server.url();
    const auto result = Run(std::move(request));
    ASSERT_FALSE(result) << body;
    EXPECT_EQ(result.error().kind, ErrorKind::kBadData) << result.error().message;
  }
}

TEST_F(ClientTest, LimitsTheDecodedBody) {
  const auto server = Server::Start(Loopback(), [](const Request&) {
                        return Response::Text(200, std::string(1'000'000, 'x'));
                      }).value();
  for (const bool compressed : {true, false}) {
    ClientRequest request = Get(*server, "/");
    request.accept_compression = compressed;
    request.max_body_bytes = 999'999;
    const auto over = Run(request);
    EXPECT_EQ(over.error().kind, ErrorKind::kBadData);
    EXPECT_EQ(over.error().message, "body size limit exceeded");
    request.max_body_bytes = 1'000'000;
    EXPECT_EQ(Run(request).value().body.size(), 1'000'000u);
  }
}

TEST_F(ClientTest, ReusesTheBodyBuffer) {
  const auto server = Server::Start(Loopback(), [](const Request&) {
                        return Response::Text(200, std::string(100, 'x'));
                      }).value();
  ClientRequest request = Get(*server, "/");
  request.body_buffer.reserve(100'000);
  const char* address = request.body_buffer.data();
  const ClientResponse response = Run(std::move(request)).value();
  EXPECT_EQ(response.body.data(), address);
  ClientRequest bad;
  bad.url = "ftp://x/";
  bad.body_buffer.reserve(100'000);
  address = bad.body_buffer.data();
  EXPECT_EQ(Run(std::move(bad)).error().kind, ErrorKind::kBadData);
  EXPECT_EQ(buffer_.data(), address);
}

TEST_F(ClientTest, FollowsRedirectsUnlessToldNotTo) {
  const auto server =
      Server::Start(Loopback(), [](const Request& request) {
        if (request.path == "/end") return Response::Text(200, "end");
        Response response = Response::Text(302, "");
        response.headers.Set("Location", request.path == "/loop" ? "/loop" : "/end");
        return response;
      }).value();
  EXPECT_EQ(Run(Get(*server, "/")).value().body, "end");
  EXPECT_NE(Run(Get(*server, "/loop")).error().message.find("stopped after 10 redirects"),
            std::string::npos);
  ClientRequest request = Get(*server, "/");
  auto options = std::make_shared<ClientOptions>();
  options->follow_redirects = false;
  request.options = options;
  EXPECT_EQ(Run(std::move(request)).value().status, 302);
}

TEST_F(ClientTest, SendsCredentialsAndHeaders) {
  const auto server =
      Server::Start(Loopback(), [](const Request& request) {
        return Response::Text(200, std::string(request.headers.Get("Authorization")) + " " +
                                       std::string(request.headers.Get("X-A")));
      }).value();
  auto options = std::make_shared<ClientOptions>();
  options->basic_auth_username = "u";
  options->basic_auth_password = "p";
  options->headers = {{"X-A", "1"}};
  ClientRequest request = Get(*server, "/");
  request.options = options;
  EXPECT_EQ(Run(request).value().body, "Basic dTpw 1");
  options = std::make_shared<ClientOptions>();
  options->authorization = "Bearer t";
  request.options = options;
  EXPECT_EQ(Run(request).value().body, "Bearer t ");
}

TEST_F(ClientTest, CancelAndDestructionCallDoneOnce) {
  const RawServer silent;
  int canceled = 0;
  const auto count = [&](Result<ClientResponse> result, const std::string&) {
    canceled += result.error().kind == ErrorKind::kCanceled ? 1 : 100;
  };
  ClientRequest request;
  request.url = silent.url();
  const auto id = client_->Start(request, count);
  client_->Start(request, count);
  client_->Poll(0);
  client_->Cancel(id);
  client_->Cancel(id);
  client_->Poll(1000);
  EXPECT_EQ(canceled, 1);
  EXPECT_EQ(client_->in_flight(), 1u);
  client_.reset();
  EXPECT_EQ(canceled, 2);
}

TEST_F(ClientTest, WakeEndsPoll) {
  std::thread waker([&] { client_->Wake(); });
  client_->Poll(60'000);
  waker.join();
}

TEST_F(ClientTest, RunsManyAtOnce) {
  ServerOptions options = Loopback();
  options.threads = 8;
  const auto server = Server::Start(std::move(options), Echo).value();
  int good = 0;
  for (int i = 0; i < 200; ++i) {
    client_->Start(Get(*server, "/"), [&](Result<ClientResponse> result, const std::string&) {
      good += result && result->status == 200 ? 1 : 0;
    });
  }
  while (client_->in_flight() > 0) client_->Poll(1000);
  client_->Poll(0);
  EXPECT_EQ(good, 200);
}

}  // namespace
}  // namespace vigil::http
