// SPDX-License-Identifier: Apache-2.0
// Writes changes of alerts to the database, behind the evaluation.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "server/rules/rule_world.h"
#include "server/storage/rule_state.h"

namespace vigil::rules {

// While the database is away the newest state of each alert waits here, and nothing else.
// Threads: Note any; the rest the owner's.
class RuleStateLog final : public RuleStateSink {
 public:
  RuleStateLog(storage::RuleStateTable& table, const Clock& clock) : table_(table), clock_(clock) {}
  ~RuleStateLog() override { Stop(); }

  // Writes from now on, soon after each change, and now and then without one.
  void Start();
  // Writes what is left, once.
  void Stop();

  void Note(storage::RuleStateChanges changes) override;
  // Writes what waits. On an error it waits on.
  Result<void> Write();

 private:
  using Pending = std::map<storage::StoredAlert::Key, std::optional<storage::StoredAlert>>;

  void Loop(const std::stop_token& stop);

  storage::RuleStateTable& table_;
  const Clock& clock_;
  Guarded<Pending> pending_;  // empty: gone
  bool failing_ = false;      // of the writing thread
  std::mutex mutex_;          // only for the condition variable: the thread sleeps on it
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace vigil::rules
