// SPDX-License-Identifier: Apache-2.0
// What becomes of requests to a leader that answers, and to one that does not.
#include "server/cluster/forwarder.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "client-lib/http/server.h"
#include "server/cluster/forwarding.h"

namespace vigil::cluster {
namespace {

// A leader that takes connections and never says anything.
class MuteLeader {
 public:
  MuteLeader() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~MuteLeader() { close(fd_); }
  MuteLeader(const MuteLeader&) = delete;
  MuteLeader& operator=(const MuteLeader&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }
  // Waits for the next connection and for the first bytes of its request.
  [[nodiscard]] int TakeRequest() const {
    const int connection = accept(fd_, nullptr, nullptr);
    char buffer[4096];
    EXPECT_GT(read(connection, buffer, sizeof(buffer)), 0);
    return connection;
  }

 private:
  const int fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string url_;
};

Forwarder::Options ToLeader() {
  Forwarder::Options options;
  options.self = "http://me";
  auto client = std::make_shared<http::ClientOptions>();
  client->follow_redirects = false;
  options.client = std::move(client);
  return options;
}

http::Response Pass(Forwarder& forwarder, const std::string& url, const std::string& method,
                    const std::string& raw_path = "/x") {
  http::Request request;
  request.method = method;
  request.raw_path = raw_path;
  request.body = method == "POST" ? "the body" : "";
  return forwarder.Forward(request, url);
}

double CounterOf(const Forwarder& forwarder, const std::string& series) {
  toolkit::MetricSink sink;
  forwarder.Collect(&sink);
  std::string page;
  sink.Render(&page);
  const size_t at = page.find("\n" + series + " ");
  EXPECT_NE(at, std::string::npos) << page;
  return at == std::string::npos ? -1 : std::stod(page.substr(at + series.size() + 2));
}

double Failures(const Forwarder& forwarder) {
  return CounterOf(forwarder, "vigil_cluster_forward_failures_total");
}
double Refused(const Forwarder& forwarder) {
  return CounterOf(forwarder, "vigil_cluster_forward_refused_total");
}

void ExpectTryAgain(const http::Response& response, const std::string& sentence) {
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.headers.Get("Retry-After"), "1");
  EXPECT_NE(response.body.find(sentence), std::string::npos) << response.body;
}

class LeaderThatAnswers : public testing::Test {
 protected:
  LeaderThatAnswers() {
    http::ServerOptions options;
    options.listen_addresses = {"127.0.0.1:0"};
    options.threads = 2;
    server_ = http::Server::Start(std::move(options), [](http::Request& request) {
                if (request.path == "/large") {
                  return http::Response::Text(200, std::string(2'000, 'x'));
                }
                http::Response response = http::Response::Text(
                    request.path == "/elsewhere" ? 302 : 418, request.method + request.body);
                response.headers.Set("Location", "/y");
                response.headers.Set("X-By", std::string(request.headers.Get(kForwardedBy)));
                return response;
              }).value();
    url_ = "http://127.0.0.1:" + std::to_string(server_->ports().at(0));
  }

  std::unique_ptr<http::Server> server_;
  std::string url_;
};

TEST_F(LeaderThatAnswers, IsPassedBackAsItIs) {
  Forwarder forwarder(ToLeader());
  const http::Response response = Pass(forwarder, url_, "POST");
  EXPECT_EQ(response.status, 418);
  EXPECT_EQ(response.body, "POSTthe body");
  EXPECT_EQ(response.headers.Get("X-By"), "http://me");
  // Redirects are the client's to follow.
  EXPECT_EQ(Pass(forwarder, url_, "GET", "/elsewhere").headers.Get("Location"), "/y");
  EXPECT_EQ(CounterOf(forwarder, "vigil_cluster_forwarded_requests_total{code=\"4xx\"}"), 1);
  EXPECT_EQ(CounterOf(forwarder, "vigil_cluster_forwarded_requests_total{code=\"3xx\"}"), 1);
  EXPECT_EQ(Failures(forwarder), 0);
  EXPECT_EQ(Refused(forwarder), 0);
}

TEST_F(LeaderThatAnswers, IsCutOffAtTheLargestAnswer) {
  Forwarder::Options options = ToLeader();
  options.max_answer_bytes = 1'000;
  Forwarder forwarder(std::move(options));
  const http::Response response = Pass(forwarder, url_, "GET", "/large");
  EXPECT_EQ(response.status, 502);
  EXPECT_NE(response.body.find(url_ + " did not answer: "), std::string::npos) << response.body;
  EXPECT_EQ(Failures(forwarder), 1);
  // The next one has a whole answer.
  EXPECT_EQ(Pass(forwarder, url_, "GET").status, 418);
}

TEST_F(LeaderThatAnswers, GetsNothingThatIsNotForIt) {
  Forwarder::Options options = ToLeader();
  options.prefix = "/own";
  Forwarder forwarder(std::move(options));
  EXPECT_EQ(Pass(forwarder, url_, "GET", "/x").status, 404);
  EXPECT_EQ(Pass(forwarder, url_, "GET", "/own/../x").status, 400);
  http::Request again;
  again.raw_path = "/own/x";
  again.headers.Add(std::string(kForwardedBy), "http://other");
  ExpectTryAgain(forwarder.Forward(again, url_), "http://other");
  EXPECT_EQ(Refused(forwarder), 3);
}

TEST_F(LeaderThatAnswers, GetsNothingBetweenCloseAndReopen) {
  Forwarder forwarder(ToLeader());
  forwarder.Close();
  ExpectTryAgain(Pass(forwarder, url_, "GET"), "is being replaced");
  EXPECT_EQ(Refused(forwarder), 1);
  forwarder.Reopen();
  EXPECT_EQ(Pass(forwarder, url_, "GET").status, 418);
}

TEST(ForwarderToNobody, SaysThatTheRequestMayBeRepeated) {
  std::string url;
  { url = MuteLeader().url(); }
  Forwarder forwarder(ToLeader());
  for (const char* method : {"GET", "POST"}) {
    ExpectTryAgain(Pass(forwarder, url, method), "the leader at " + url + " did not answer: ");
  }
  EXPECT_EQ(Failures(forwarder), 2);
}

// What was sent may have been carried out: repeating it is up to whoever asked.
TEST(ForwarderToALeaderThatDies, RepeatsNothing) {
  const MuteLeader leader;
  Forwarder forwarder(ToLeader());
  for (const char* method : {"POST", "PATCH", "GET", "DELETE"}) {
    std::thread dies([&] { close(leader.TakeRequest()); });
    const http::Response response = Pass(forwarder, leader.url(), method);
    dies.join();
    if (std::string(method).front() == 'P') {
      EXPECT_EQ(response.status, 502) << method;
    } else {
      ExpectTryAgain(response, "did not answer");
    }
  }
  EXPECT_EQ(Failures(forwarder), 4);
}

TEST(ForwarderToALeaderThatHangs, GivesUp) {
  const MuteLeader leader;
  Forwarder::Options options = ToLeader();
  options.timeout_ms = 50;
  Forwarder forwarder(std::move(options));
  EXPECT_EQ(Pass(forwarder, leader.url(), "GET").status, 504);
  EXPECT_EQ(Failures(forwarder), 1);
}

// Threads are left that say how this server is.
TEST(ForwarderToALeaderThatHangs, WaitsForSoManyAndNoMore) {
  const MuteLeader leader;
  Forwarder::Options options = ToLeader();
  options.max_requests = 1;
  Forwarder forwarder(std::move(options));
  http::Response first;
  std::thread waits([&] { first = Pass(forwarder, leader.url(), "POST"); });
  const int connection = leader.TakeRequest();
  ExpectTryAgain(Pass(forwarder, leader.url(), "GET"), "too many requests");
  EXPECT_EQ(Refused(forwarder), 1);
  // It is being replaced: whoever waits for it waits no longer.
  forwarder.Close();
  waits.join();
  // The leader may have carried it out.
  EXPECT_EQ(first.status, 502);
  close(connection);
  forwarder.Reopen();
  std::thread ends([&] { close(leader.TakeRequest()); });
  EXPECT_EQ(Pass(forwarder, leader.url(), "POST").status, 502);
  ends.join();
}

TEST(ForwarderToALeaderThatHangs, EndsWithWhatIsUnderWay) {
  const MuteLeader leader;
  http::Response response;
  auto forwarder = std::make_unique<Forwarder>(ToLeader());
  std::thread waits([&] { response = Pass(*forwarder, leader.url(), "GET"); });
  const int connection = leader.TakeRequest();
  forwarder->Close();
  waits.join();
  forwarder.reset();
  ExpectTryAgain(response, "did not answer");
  close(connection);
}

}  // namespace
}  // namespace vigil::cluster
