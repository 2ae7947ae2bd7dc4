// SPDX-License-Identifier: Apache-2.0
// The threads behind bounded statfs calls.
#include "exporters/node/stat_pool.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>

namespace vigil::node {
namespace {

// A call that takes longer than this gets company; local filesystems answer in microseconds.
constexpr std::chrono::milliseconds kPatience{20};

}  // namespace

// One Run(). Held by the workers too: a stuck one may come back long after Run() has returned.
struct StatPool::Batch {
  std::vector<std::string> paths;
  std::vector<StatResult> results;
  std::vector<size_t> todo;  // indexes not yet taken, last first
  std::unordered_set<size_t> running;
  bool abandoned = false;  // Run() has returned: results go nowhere
};

struct StatPool::State {
  Statfs statfs;
  std::mutex mutex;  // guards all below; condition variables need the bare mutex
  std::condition_variable work;
  std::condition_variable progress;
  std::shared_ptr<Batch> batch;
  std::unordered_multiset<std::string> stuck;  // one entry per hanging thread
  size_t threads = 0;                          // alive, the stuck ones included
  size_t idle = 0;
  bool closing = false;
};

StatPool::StatPool(size_t workers, Statfs statfs)
    : workers_(workers == 0 ? 1 : workers), state_(std::make_shared<State>()) {
  state_->statfs = std::move(statfs);
}

StatPool::~StatPool() {
  std::unique_lock<std::mutex> lock(state_->mutex);
  state_->closing = true;
  state_->work.notify_all();
  state_->progress.wait(lock, [&] { return state_->threads <= state_->stuck.size(); });
}

size_t StatPool::stuck() const {
  std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->stuck.size();
}

void StatPool::StartWorker(const std::shared_ptr<State>& state) {
  ++state->threads;
  // Detached, against the habit: a thread inside a hung statfs cannot be joined by anybody.
  std::thread([state] { Work(state); }).detach();
}

void StatPool::Work(const std::shared_ptr<State>& state) {
  std::unique_lock<std::mutex> lock(state->mutex);
  while (!state->closing) {
    const std::shared_ptr<Batch> batch = state->batch;
    if (batch == nullptr || batch->todo.empty()) {
      if (state->idle > 0) break;  // one waiting thread is enough
      ++state->idle;
      state->work.wait(lock);
      --state->idle;
      continue;
    }
    const size_t i = batch->todo.back();
    batch->todo.pop_back();
    batch->running.insert(i);
    const std::string& path = batch->paths[i];
    StatResult result;
    lock.unlock();
    const bool good = state->statfs(path.c_str(), &result.stats) == 0;
    result.error_number = good ? 0 : errno;
    result.state = good ? StatResult::State::kDone : StatResult::State::kFailed;
    lock.lock();
    batch->running.erase(i);
    if (batch->abandoned) {
      const auto mark = state->stuck.find(path);
      if (mark != state->stuck.end()) state->stuck.erase(mark);
    } else {
      batch->results[i] = result;
    }
    if (batch->todo.empty() && batch->running.empty()) state->progress.notify_all();
  }
  --state->threads;
  state->progress.notify_all();
}

std::vector<StatResult> StatPool::Run(const std::vector<std::string>& paths,
                                      std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const auto batch = std::make_shared<Batch>();
  batch->paths = paths;
  batch->results.resize(paths.size());

  std::unique_lock<std::mutex> lock(state_->mutex);
  for (size_t i = paths.size(); i-- > 0;) {
    if (!state_->stuck.contains(paths[i])) batch->todo.push_back(i);
  }
  state_->batch = batch;
  const auto finished = [&] { return batch->todo.empty() && batch->running.empty(); };
  size_t helpers = 0;
  while (!finished() && std::chrono::steady_clock::now() < deadline) {
    // Whoever is busy at this point is slow: the next thread takes what is left.
    if (!batch->todo.empty() && helpers < workers_) {
      if (state_->idle == 0) StartWorker(state_);
      ++helpers;
      state_->work.notify_one();
    }
    const auto next = std::chrono::steady_clock::now() + kPatience;
    state_->progress.wait_until(lock, std::min(deadline, next), finished);
  }
  for (const size_t i : batch->running) state_->stuck.insert(batch->paths[i]);
  batch->todo.clear();
  batch->abandoned = true;
  state_->batch.reset();
  return batch->results;
}

}  // namespace vigil::node
