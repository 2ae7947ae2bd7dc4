// SPDX-License-Identifier: Apache-2.0
// Answers of receivers on their way to the thread of alerting, and reasons to wake it up.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "client-lib/base/clock.h"
#include "server/alerting/receiver_config.h"
#include "server/alerting/retry.h"

namespace vigil::alerting {

// Threads: any.
class Inbox {
 public:
  // How a message went that was handed to the notifier.
  struct Answer {
    uint64_t id = 0;
    SendOutcome outcome;
    StringMap receiver_data;
  };

  // Before each message; its answer is put in once.
  void Began();
  void Put(Answer answer);
  std::vector<Answer> Take();

  // Ends the next Wait, or the one that runs.
  void Stir();
  void RequestStop();
  // Until something comes. False once the thread is to end.
  bool Wait(DurationMs most);
  // Until no answer is missing.
  void WaitForAnswers(DurationMs most);

 private:
  std::mutex mutex_;  // the condition variable needs the bare one; guards all below
  std::condition_variable changed_;
  std::vector<Answer> answers_;
  size_t missing_ = 0;
  bool stirred_ = false;
  bool stopping_ = false;
};

}  // namespace vigil::alerting
