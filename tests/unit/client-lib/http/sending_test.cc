// SPDX-License-Identifier: Apache-2.0
// How answers end: completely, cut off, or for want of time.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>

#include "client-lib/http/client.h"
#include "client-lib/http/server.h"

namespace vigil::http {
namespace {

ServerOptions OneAddress() {
  ServerOptions options;
  options.listen_addresses = {"127.0.0.1:0"};
  options.threads = 2;
  return options;
}

struct Taken {
  std::string bytes;
  int error = 0;  // of the last read; 0: the connection was ended in order
};

// Sends a request, takes everything there is.
Taken Exchange(const Server& server, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(server.ports().at(0)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  Taken taken;
  char buffer[65536];
  ssize_t n = 0;
  while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
    taken.bytes.append(buffer, static_cast<size_t>(n));
  }
  if (n < 0) taken.error = errno;
  close(fd);
  return taken;
}

Response Stream(std::function<bool(const Response::Write&)> stream) {
  Response response;
  response.stream = std::move(stream);
  return response;
}

TEST(Sending, AStreamThatIsCutOffLooksSoToHttp10) {
  const auto server = Server::Start(OneAddress(), [](const Request& request) {
                        const bool whole = request.path == "/whole";
                        return Stream([whole](const Response::Write& write) {
                          return write(std::string(100'000, 'x')) && whole;
                        });
                      }).value();
  const Taken whole = Exchange(*server, "GET /whole HTTP/1.0\r\n\r\n");
  EXPECT_EQ(whole.error, 0);
  EXPECT_GT(whole.bytes.size(), 100'000U);
  EXPECT_EQ(Exchange(*server, "GET /cut HTTP/1.0\r\n\r\n").error, ECONNRESET);
  // HTTP/1.1 sees that the last chunk is missing.
  const Taken chunked = Exchange(*server, "GET /cut HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(chunked.error, 0);
  EXPECT_FALSE(chunked.bytes.ends_with("0\r\n\r\n"));
}

// However fast the client is, this answer never ends.
TEST(Sending, NoAnswerTakesLongerThanItsTime) {
  ServerOptions options = OneAddress();
  options.send_timeout_ms = 50;
  options.send_bytes_per_second = int64_t{1} << 50;  // its length gives it no more time
  std::atomic<bool> ended = false;
  const auto server = Server::Start(std::move(options), [&ended](const Request&) {
                        return Stream([&ended](const Response::Write& write) {
                          const std::string piece(64 * 1024, 'x');
                          while (write(piece)) {
                          }
                          ended = true;
                          return false;
                        });
                      }).value();
  const Taken taken = Exchange(*server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(ended);
  EXPECT_FALSE(taken.bytes.ends_with("0\r\n\r\n"));
}

TEST(Sending, WhatAnAnswerKeepsLivesUntilItIsSent) {
  std::atomic<bool> alive = false;
  std::atomic<bool> alive_while_sent = false;
  const auto server = Server::Start(OneAddress(), [&](const Request&) {
                        Response response = Stream([&](const Response::Write& write) {
                          alive_while_sent = alive.load();
                          return write("x");
                        });
                        alive = true;
                        response.kept =
                            std::shared_ptr<const void>(new int, [&alive](const int* p) {
                              alive = false;
                              delete p;
                            });
                        return response;
                      }).value();
  // The connection ends behind the answer.
  EXPECT_EQ(Exchange(*server, "GET / HTTP/1.0\r\n\r\n").error, 0);
  EXPECT_TRUE(alive_while_sent);
  EXPECT_FALSE(alive);
}

TEST(Sending, HooksThatThrowAre500) {
  for (const bool before : {true, false}) {
    ServerOptions options = OneAddress();
    if (before) {
      options.before = [](const Request&) -> std::unique_ptr<Response> {
        throw std::runtime_error("before");
      };
    } else {
      options.after = [](const Request&, Response*) { throw std::runtime_error("after"); };
    }
    const auto server = Server::Start(std::move(options), [](const Request&) {
                          return Response::Text(200, "fine");
                        }).value();
    const Taken taken = Exchange(*server, "GET / HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(taken.bytes.starts_with("HTTP/1.1 500 ")) << taken.bytes;
  }
}

}  // namespace
}  // namespace vigil::http
