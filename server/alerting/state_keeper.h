// SPDX-License-Identifier: Apache-2.0
// What the state store does not know yet, when it is told, and what follows when it fails.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "server/alerting/alerting_stats.h"
#include "server/alerting/state_store.h"
#include "server/alerting/unsaved_changes.h"

namespace vigil::alerting {

// While the store fails, changes are kept and it is tried again, after pauses that grow. Once
// another server has taken the database over, nothing is stored any more. Threads: one at a time;
// those that say so, any.
class StateKeeper {
 public:
  // Changes of alerts alone wait save_delay for others, to be stored together. Of each kind of
  // event max_events are kept. store and clock must outlive the keeper.
  StateKeeper(StateStore& store, const Clock& clock, DurationMs save_delay, size_t max_events)
      : store_(store), clock_(clock), save_delay_(save_delay), unsaved_(max_events) {}

  Result<AlertingState> Load() { return store_.Load(); }

  // Later, with others.
  void Add(AlertingChanges changes, TimestampMs now);
  // At once, beside what waits. unavailable when it fails: then nothing of it is kept. `what` is
  // its name in the error.
  Result<void> StoreNow(const AlertingChanges& changes, std::string_view what);
  // Stores what waits, if it is time to. wanted: messages are about to go out.
  void SaveIfDue(TimestampMs now, bool wanted);
  // At the end: what waits, whatever the time, and the timers of groups.
  void SaveAll(const std::vector<GroupState>& groups);
  Result<void> SaveGroups(const std::vector<GroupState>& groups) {
    return store_.SaveGroups(groups);
  }
  void TidyUp() { store_.TidyUp(); }

  // When SaveIfDue has something to do; kNever when nothing waits.
  [[nodiscard]] TimestampMs NextSave() const;
  // The last save failed: a database that hangs must not keep messages back.
  [[nodiscard]] bool away() const { return pause_ != 0; }

  // Another server has the database. Threads: any.
  [[nodiscard]] bool lost() const { return lost_; }
  // What clients are told then.
  static Error Lost();
  // The figures of saves. Threads: any.
  void Count(AlertingStats* stats) const;

 private:
  struct SaveStats {
    bool works = true;
    uint64_t saves = 0;
    uint64_t failures = 0;
    double seconds = 0;
    size_t unsaved_rows = 0;
    uint64_t dropped_events = 0;
  };

  void Save();
  void SaveFailed(const Error& error);
  void NoteLost(const Error& error);

  StateStore& store_;
  const Clock& clock_;
  const DurationMs save_delay_;
  UnsavedChanges unsaved_;
  std::optional<size_t> known_alerts_;  // as it was said last
  TimestampMs unsaved_since_ = 0;
  TimestampMs save_not_before_ = 0;
  DurationMs pause_ = 0;  // 0: the last save went well
  std::atomic<bool> lost_{false};
  Guarded<SaveStats> stats_;
};

}  // namespace vigil::alerting
