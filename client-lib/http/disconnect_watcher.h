// SPDX-License-Identifier: Apache-2.0
// Tells when a client goes away while its request is still worked on.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "client-lib/http/message.h"

namespace vigil::http {

// One thread looks at the connections of all requests that have lasted a while, ten times a second.
// Shorter requests cost a lock and no system call; without requests the thread sleeps.
// Threads: any.
class DisconnectWatcher {
 public:
  DisconnectWatcher() = default;
  ~DisconnectWatcher();
  DisconnectWatcher(const DisconnectWatcher&) = delete;
  DisconnectWatcher& operator=(const DisconnectWatcher&) = delete;

  // Ends the watching with its life; the watcher must outlive it.
  class Watch {
   public:
    Watch() = default;
    Watch(DisconnectWatcher* watcher, uint64_t id) : watcher_(watcher), id_(id) {}
    Watch(Watch&& other) noexcept : watcher_(other.watcher_), id_(other.id_) {
      other.watcher_ = nullptr;
    }
    Watch& operator=(Watch&&) = delete;
    ~Watch() {
      if (watcher_ != nullptr) watcher_->End(id_);
    }

   private:
    DisconnectWatcher* watcher_ = nullptr;
    uint64_t id_ = 0;
  };

  // Requests the stop once the client has closed its side of the connection. Requests that came
  // over no connection (of tests) are not watched. Clients that close their side of the connection
  // and still wait for the answer do not get it, as with Go's servers.
  [[nodiscard]] Watch Begin(const Request& request, std::stop_source gone);

 private:
  struct Client {
    uint64_t id = 0;
    std::string address;
    int port = 0;
    int server_port = 0;
    int fd = -1;     // once it was looked for
    int rounds = 0;  // of the thread it has lasted
    std::stop_source gone;
  };

  void End(uint64_t id);
  void Loop();
  // One look at those that have lasted.
  void Look(std::vector<Client> clients);

  std::mutex mutex_;  // guards what follows; condition variables need the bare mutex
  std::condition_variable changed_;
  std::list<Client> clients_;
  uint64_t last_id_ = 0;
  bool asleep_ = true;
  bool stop_ = false;
  std::thread thread_;  // from the first request on
};

}  // namespace vigil::http
