// SPDX-License-Identifier: Apache-2.0
// All rule groups of the server: evaluates each in its slot, applies new configurations, keeps the
// state of alerts.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/rules/duration_summary.h"
#include "server/rules/rule_file.h"
#include "server/rules/rule_group.h"
#include "server/rules/rule_state_log.h"
#include "server/rules/rule_world.h"

namespace vigil::rules {

// Threads: Start, Apply and Stop on one thread at a time; the rest any.
class RuleManager {
 public:
  struct Options {
    size_t threads = 4;  // that evaluate: groups at once
  };
  // `world` as it will be; states and stop are filled in. `table` may be null: then state does not
  // survive the process. What they refer to must outlive the manager.
  RuleManager(RuleWorld world, storage::RuleStateTable* table, Options options);
  ~RuleManager() { Stop(); }

  // Where running queries are listed; before Start. It must outlive the manager.
  void ListQueriesIn(promql::ActiveQueries& running) { world_.running = &running; }
  // Begins to evaluate. Alerts go on as they were when the last server stopped, if that is no
  // longer ago than the outage tolerance.
  void Start(std::vector<GroupSpec> specs, const GroupDefaults& defaults);
  // Groups that are the same go on; changed ones take over what their rules knew; what is gone ends
  // after two intervals.
  void Apply(std::vector<GroupSpec> specs, const GroupDefaults& defaults);
  // Ends queries that run. Series are not marked as ended: the next server goes on with them.
  void Stop();

  // By file and name.
  [[nodiscard]] std::vector<std::shared_ptr<const RuleGroup>> Groups() const;
  [[nodiscard]] const DurationSummary& rule_durations() const { return rule_durations_; }
  [[nodiscard]] const DurationSummary& group_durations() const { return group_durations_; }

  // Evaluates what is due by the clock, without threads. Number of groups evaluated.
  size_t RunDueForTest();
  // Stores what changed, as the thread does.
  void WriteStatesForTest() { static_cast<void>(log_ == nullptr || log_->Write().has_value()); }

 private:
  struct Entry {
    std::shared_ptr<RuleGroup> group;
    TimestampMs last = 0;  // round before the next
    int rounds = 0;        // evaluated since the group was made
    bool running = false;
    bool removed = false;

    [[nodiscard]] TimestampMs next() const { return last + group->interval(); }
  };
  using EntryPtr = std::shared_ptr<Entry>;
  // Series of a group that is gone.
  struct Retired {
    TimestampMs due = 0;
    TimestampMs at = 0;
    std::vector<storage::SeriesRef> series;
  };

  void LoadStates(std::vector<EntryPtr>* entries);
  EntryPtr NewEntry(GroupSpec spec, const GroupDefaults& defaults) const;
  // Nobody evaluates the groups any more when it returns.
  void Remove(const std::vector<EntryPtr>& entries);
  void RetireEntry(const EntryPtr& entry);
  void Loop(const std::stop_token& stop);
  // The next group that is due, marked as running; null when there is none: *wait_ms says for how
  // long.
  EntryPtr TakeDue(TimestampMs now, int64_t* wait_ms);
  void RunEntry(Entry* entry, TimestampMs now);
  void EndRetired(TimestampMs now);

  // Constant after construction.
  const Options options_;
  std::stop_source stop_source_;
  std::unique_ptr<RuleStateLog> log_;  // null without a table
  storage::RuleStateTable* const table_;
  RuleWorld world_;

  DurationSummary rule_durations_;
  DurationSummary group_durations_;

  // A condition variable needs it bare.
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<EntryPtr> entries_;      // by file and name; guarded by mutex_
  std::vector<Retired> retired_;       // guarded by mutex_
  uint64_t generation_ = 0;            // of entries_; guarded by mutex_
  std::vector<std::jthread> threads_;  // of the owner
};

}  // namespace vigil::rules
