// SPDX-License-Identifier: Apache-2.0
// Writes changes of alerts to the database, behind the evaluation.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>
#include <vector>

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
  // What is in the table was not read: what this process does not write is to go, with the first
  // time that the table can be read. Before Start.
  void ForgetOthers() { forgets_ = true; }
  // Writes what waits. On an error it waits on.
  Result<void> Write();

 private:
  using Pending = std::map<storage::StoredAlert::Key, std::optional<storage::StoredAlert>>;

  void Loop(const std::stop_token& stop);
  // Keys of the table that are neither in `taken` nor were written.
  [[nodiscard]] Result<std::vector<storage::StoredAlert::Key>> Others(const Pending& taken) const;

  storage::RuleStateTable& table_;
  const Clock& clock_;
  Guarded<Pending> pending_;  // empty: gone
  bool failing_ = false;      // of the writing thread
  bool forgets_ = false;
  std::set<storage::StoredAlert::Key> written_;  // while it forgets_
  std::mutex mutex_;  // only for the condition variable: the thread sleeps on it
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace vigil::rules
