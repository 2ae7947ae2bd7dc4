// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/inbox.h"

#include <chrono>
#include <utility>

namespace vigil::alerting {

void Inbox::Began() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++missing_;
}

void Inbox::Put(Answer answer) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    answers_.push_back(std::move(answer));
    --missing_;
    stirred_ = true;
  }
  changed_.notify_all();
}

std::vector<Inbox::Answer> Inbox::Take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(answers_, {});
}

void Inbox::Stir() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (std::exchange(stirred_, true)) return;
  }
  changed_.notify_all();
}

void Inbox::RequestStop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

bool Inbox::Wait(DurationMs most) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(most),
                    [this] { return stirred_ || stopping_; });
  stirred_ = false;
  return !stopping_;
}

void Inbox::WaitForAnswers(DurationMs most) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(most), [this] { return missing_ == 0; });
}

}  // namespace vigil::alerting
