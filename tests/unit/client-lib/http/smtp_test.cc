// SPDX-License-Identifier: Apache-2.0
// Sockets: what no dialog can show. TLS and whole mails are in tests/e2e/email_test.py.
#include "client-lib/http/smtp.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "client-lib/http/dial.h"

namespace vigil::http {
namespace {

// Listens on a free port of the loopback; the backlog takes connections, nobody answers.
class SilentServer {
 public:
  SilentServer() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address_), size), 0);
    EXPECT_EQ(listen(socket_.get(), 4), 0);
    getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address_), &size);
  }
  [[nodiscard]] int port() const { return ntohs(address_.sin_port); }
  Descriptor Accept() { return Descriptor(accept(socket_.get(), nullptr, nullptr)); }

 private:
  Descriptor socket_;
  sockaddr_in address_{};
};

SmtpOptions Loopback(int port) {
  SmtpOptions options;
  options.host = "127.0.0.1";
  options.port = port;
  return options;
}

const SmtpMail kAnyMail{"a@x.org", {"b@y.org"}, "hi"};

TEST(SendMail, NamesTheServerThatIsNotThere) {
  int port = 0;
  { port = SilentServer().port(); }
  const SmtpOutcome outcome = SendMail(Loopback(port), kAnyMail, 5'000);
  EXPECT_EQ(outcome.result.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(outcome.result.error().message,
            "establish connection to server: dial tcp 127.0.0.1:" + std::to_string(port) +
                ": connect: connection refused");
}

TEST(SendMail, KeepsItsDeadline) {
  const SilentServer server;
  const SmtpOutcome outcome = SendMail(Loopback(server.port()), kAnyMail, 50);
  EXPECT_EQ(outcome.result.error().kind, ErrorKind::kTimeout);
  SmtpOptions tls = Loopback(server.port());
  tls.implicit_tls = true;
  EXPECT_EQ(SendMail(tls, kAnyMail, 50).result.error().message,
            "establish TLS connection to server: context deadline exceeded");
}

TEST(SendMail, StopsWhenItIsTold) {
  SilentServer server;
  std::stop_source stop;
  SmtpOutcome outcome;
  std::jthread sender(
      [&] { outcome = SendMail(Loopback(server.port()), kAnyMail, 60'000, stop.get_token()); });
  const Descriptor connection = server.Accept();  // it waits for a greeting now, or soon
  stop.request_stop();
  sender.join();
  EXPECT_EQ(outcome.result.error().kind, ErrorKind::kCanceled);
}

TEST(SendMail, SeesTheServerLeave) {
  SilentServer server;
  SmtpOutcome outcome;
  std::jthread sender([&] { outcome = SendMail(Loopback(server.port()), kAnyMail, 60'000); });
  {
    const Descriptor connection = server.Accept();
    EXPECT_EQ(send(connection.get(), "220 hi\r\n", 8, 0), 8);
    char hello[64];
    EXPECT_GT(recv(connection.get(), hello, sizeof hello, 0), 0);
  }
  sender.join();
  EXPECT_EQ(outcome.result.error().message, "read from SMTP server: EOF");
  EXPECT_EQ(outcome.last_reply.code, 220);
}

TEST(SendMail, AGarbledReplyIsToBeTriedAgain) {
  SilentServer server;
  SmtpOutcome outcome;
  std::jthread sender([&] { outcome = SendMail(Loopback(server.port()), kAnyMail, 60'000); });
  const Descriptor connection = server.Accept();
  EXPECT_EQ(send(connection.get(), "nonsense\r\n", 10, 0), 10);
  sender.join();
  EXPECT_EQ(outcome.result.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(outcome.result.error().message, "read from SMTP server: no SMTP reply: \"nonsense\"");
}

TEST(SendMail, ReadsNoCertificateThatIsNotThere) {
  const SilentServer server;
  SmtpOptions options = Loopback(server.port());
  options.implicit_tls = true;
  options.ca_file = "/nonexistent/ca.pem";
  const SmtpOutcome outcome = SendMail(options, kAnyMail, 5'000);
  EXPECT_EQ(outcome.result.error().kind, ErrorKind::kBadData);
}

}  // namespace
}  // namespace vigil::http
