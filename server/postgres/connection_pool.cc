// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/connection_pool.h"

#include <chrono>
#include <utility>

namespace vigil::postgres {
namespace {

constexpr int64_t kIdleNs = 60'000'000'000;

}  // namespace

ConnectionPool::ConnectionPool(std::string conninfo, int size, const Clock& clock)
    : conninfo_(std::move(conninfo)), size_(size), clock_(clock) {}

Result<ReadConnection> ConnectionPool::Take(int64_t timeout_ms) {
  {
    std::unique_lock<std::mutex> lock(mutex_);
    const bool ready = returned_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] {
      return closed_ || !idle_.empty() || open_ < size_;
    });
    if (closed_) return Unavailable("the database is closed");
    if (!ready) return Timeout("all connections for reading are busy");
    if (!idle_.empty()) {
      ReadConnection taken = std::move(idle_.back());
      idle_.pop_back();
      return taken;
    }
    ++open_;
  }
  auto opened = Connection::Open(conninfo_, "vigil-read", kReaderSession, timeout_ms);
  if (!opened) {
    Return({});
    return std::move(opened).error();
  }
  return ReadConnection{std::move(opened).value(), {}, 0};
}

void ConnectionPool::Return(ReadConnection connection) {
  std::vector<ReadConnection> dropped;  // closed outside the lock
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const int64_t now_ns = clock_.MonotonicNs();
    // The one used last is taken first, so idle ones gather at the front.
    while (!idle_.empty() && now_ns - idle_.front().idle_since_ns > kIdleNs) {
      dropped.push_back(std::move(idle_.front()));
      idle_.erase(idle_.begin());
      --open_;
    }
    connection.idle_since_ns = now_ns;
    if (closed_ || connection.connection == nullptr || connection.connection->broken()) {
      dropped.push_back(std::move(connection));
      --open_;
    } else {
      idle_.push_back(std::move(connection));
    }
  }
  returned_.notify_one();
}

void ConnectionPool::Close() {
  std::vector<ReadConnection> dropped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    dropped.swap(idle_);
    open_ -= static_cast<int>(dropped.size());
  }
  returned_.notify_all();
}

uint64_t ConnectionPool::open() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<uint64_t>(open_);
}

}  // namespace vigil::postgres
