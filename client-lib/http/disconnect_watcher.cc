// SPDX-License-Identifier: Apache-2.0
// CivetWeb does not tell the descriptor of a connection: it is found by its two ports.
#include "client-lib/http/disconnect_watcher.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "client-lib/http/sockets.h"

namespace vigil::http {
namespace {

constexpr auto kRound = std::chrono::milliseconds(100);
// After so many rounds without a request the thread sleeps until the next one.
constexpr int kIdleRounds = 50;

template <typename C>
bool IsOf(const ConnectionEnds& ends, const C& client) {
  return ends.port == client.port && ends.server_port == client.server_port &&
         ends.address == client.address;
}

bool HasHungUp(int fd) {
  pollfd look{.fd = fd, .events = POLLRDHUP, .revents = 0};
  return poll(&look, 1, 0) == 1 && (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace

DisconnectWatcher::~DisconnectWatcher() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

DisconnectWatcher::Watch DisconnectWatcher::Begin(const Request& request, std::stop_source gone) {
  if (request.remote_port == 0) return {};
  const std::lock_guard<std::mutex> lock(mutex_);
  Client& client = clients_.emplace_back();
  client.id = ++last_id_;
  client.address = request.remote_address;
  client.port = request.remote_port;
  client.server_port = request.server_port;
  client.gone = std::move(gone);
  if (!thread_.joinable()) {
    asleep_ = false;
    thread_ = std::thread([this] { Loop(); });
  } else if (asleep_) {
    changed_.notify_all();
  }
  return {this, client.id};
}

void DisconnectWatcher::End(uint64_t id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto client =
      std::find_if(clients_.begin(), clients_.end(), [id](const Client& c) { return c.id == id; });
  if (client != clients_.end()) clients_.erase(client);
}

void DisconnectWatcher::Loop() {
  std::unique_lock<std::mutex> lock(mutex_);
  int idle = 0;
  while (!stop_) {
    if (idle > kIdleRounds) {
      asleep_ = true;
      changed_.wait(lock, [this] { return stop_ || !clients_.empty(); });
      asleep_ = false;
      idle = 0;
    }
    changed_.wait_for(lock, kRound, [this] { return stop_; });
    idle = clients_.empty() ? idle + 1 : 0;
    std::vector<Client> lasting;
    for (Client& client : clients_) {
      if (client.rounds++ > 0) lasting.push_back(client);
    }
    if (lasting.empty()) continue;
    lock.unlock();
    Look(std::move(lasting));
    lock.lock();
  }
}

void DisconnectWatcher::Look(std::vector<Client> clients) {
  std::vector<int> open;
  for (Client& client : clients) {
    ConnectionEnds ends;
    // A number may be another connection's by now.
    if (client.fd >= 0 && !(EndsOf(client.fd, &ends) && IsOf(ends, client))) client.fd = -1;
    if (client.fd < 0) {
      if (open.empty()) open = OpenDescriptors();
      const auto found = std::find_if(open.begin(), open.end(), [&](int fd) {
        return EndsOf(fd, &ends) && IsOf(ends, client);
      });
      if (found != open.end()) client.fd = *found;
    }
    if (client.fd >= 0 && HasHungUp(client.fd)) client.gone.request_stop();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const Client& client : clients) {
    const auto same = std::find_if(clients_.begin(), clients_.end(),
                                   [&](const Client& c) { return c.id == client.id; });
    if (same != clients_.end()) same->fd = client.fd;
  }
}

}  // namespace vigil::http
