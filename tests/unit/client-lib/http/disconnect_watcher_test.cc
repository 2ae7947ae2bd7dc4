// SPDX-License-Identifier: Apache-2.0
#include "client-lib/http/disconnect_watcher.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace vigil::http {
namespace {

// Two ends of a TCP connection within this process.
struct Connection {
  Connection() {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    client = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    server = accept(listener, nullptr, nullptr);
    close(listener);
    sockaddr_in own{};
    size = sizeof(own);
    EXPECT_EQ(getsockname(client, reinterpret_cast<sockaddr*>(&own), &size), 0);
    request.remote_address = "127.0.0.1";
    request.remote_port = ntohs(own.sin_port);
    request.server_port = ntohs(address.sin_port);
  }
  ~Connection() {
    CloseClient();
    close(server);
  }
  void CloseClient() {
    if (client >= 0) close(client);
    client = -1;
  }

  int client = -1;
  int server = -1;
  Request request;
};

bool WaitForStop(const std::stop_token& token, std::chrono::milliseconds wait) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait_for(lock, token, wait, [] { return false; });
  return token.stop_requested();
}

TEST(DisconnectWatcher, TellsWhenTheClientHasGone) {
  Connection gone;
  Connection stays;
  DisconnectWatcher watcher;
  std::stop_source of_gone;
  std::stop_source of_stays;
  const auto first = watcher.Begin(gone.request, of_gone);
  const auto second = watcher.Begin(stays.request, of_stays);
  EXPECT_FALSE(of_gone.stop_requested());
  gone.CloseClient();
  EXPECT_TRUE(WaitForStop(of_gone.get_token(), std::chrono::seconds(20)));
  EXPECT_FALSE(of_stays.stop_requested());
}

TEST(DisconnectWatcher, LooksNoMoreOnceTheRequestHasEnded) {
  Connection ended;
  Connection other;
  DisconnectWatcher watcher;
  std::stop_source of_ended;
  std::stop_source of_other;
  { const auto watch = watcher.Begin(ended.request, of_ended); }
  const auto watch = watcher.Begin(other.request, of_other);
  ended.CloseClient();
  other.CloseClient();
  EXPECT_TRUE(WaitForStop(of_other.get_token(), std::chrono::seconds(20)));
  EXPECT_FALSE(of_ended.stop_requested());
}

TEST(DisconnectWatcher, LeavesRequestsOfNoConnectionAlone) {
  DisconnectWatcher watcher;
  std::stop_source gone;
  const auto watch = watcher.Begin(Request(), gone);
  EXPECT_FALSE(gone.stop_requested());
}

}  // namespace
}  // namespace vigil::http
