// SPDX-License-Identifier: Apache-2.0
// The upkeep of the chunk table: retention, compaction, deletes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "server/postgres/leaf_merge.h"
#include "server/postgres/leaf_registry.h"
#include "server/postgres/leaf_state.h"
#include "server/postgres/metrics.h"
#include "server/postgres/ownership.h"
#include "server/postgres/retention.h"
#include "server/storage/tombstones.h"

namespace vigil::postgres {

struct MaintenanceOptions {
  std::string conninfo;
  Ownership owner;
  int64_t timeout_ms = 60'000;
  // A leaf is merged once its end is so far behind.
  int64_t closed_after_ms = 3'600'000;
  // And for late chunks again no sooner than this after the last time.
  int64_t merge_again_after_ms = 3'600'000;
  // Replaced tables stay so long for readers that hold their name.
  int64_t drop_after_ms = 300'000;
  // Of what is kept longer than the first, merged leaves of a day become one of the second length.
  int64_t long_retention_ms = 30 * 86'400'000LL;
  int64_t long_leaf_ms = 86'400'000;
  // Of the time that reading and encoding a leaf takes, how much is work; the rest is pauses.
  double duty = 0.5;
};

// One pass looks at all leaves and does what is due, each leaf in transactions of its own: a crash
// at any point leaves the old table or the new one in force, and the first pass after it drops
// what was left over. Every change is guarded by the fence, so that of two servers only the owner
// makes any.
// Threads: any; passes wait for each other.
class Maintenance {
 public:
  // What the chunk table says about flushes since the start.
  struct FlushState {
    TimestampMs last = 0;  // wall time of the last one, 0 before the first
    uint64_t count = 0;
  };
  // Pointers outlive this.
  Maintenance(MaintenanceOptions options, LeafRegistry* leaves, SharedRetention* retention,
              const Clock& clock, std::function<FlushState()> flush_state);

  // From the next pass and the next read on. The classes' ids are filled in from the database and
  // returned in the same order.
  Result<std::vector<RetentionClass>> SetPolicy(RetentionPolicy policy);

  // Everything that is due. The first error is returned after the rest was tried; canceled when
  // `stop` asks.
  Result<void> RunOnce(const std::stop_token& stop);

  // Deletes. A tombstone holds for readers at once; rewrites of the leaves remove the samples, when
  // they are due or when CleanTombstones asks, then it is forgotten.
  using TombstoneListener = std::function<void(std::shared_ptr<const storage::Tombstones>)>;
  // Called now and after each change, one call at a time.
  void OnTombstones(TombstoneListener listener);
  [[nodiscard]] std::shared_ptr<const storage::Tombstones> tombstones() const;
  Result<void> LoadTombstones(Connection* connection);
  // Its id is given here; without series it is nothing.
  Result<void> Delete(storage::Tombstone tombstone);
  // Removes all deleted samples from the chunks, then forgets the tombstones. REQUIRES: two flushes
  // since the last Delete(), so that memory does not bring them back.
  Result<void> CleanTombstones(const std::stop_token& stop);

  // Keeps passes away as long as it lives: for a backup that must not see tables come and go.
  class Pause {
   public:
    explicit Pause(Maintenance& maintenance) NO_THREAD_SAFETY_ANALYSIS
        : mutex_(maintenance.pass_mutex_) {
      mutex_.lock();
    }
    ~Pause() NO_THREAD_SAFETY_ANALYSIS { mutex_.unlock(); }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Mutex& mutex_;
  };

  // Lets go of series that have nothing any more; returns how many. REQUIRES: as
  // DropExpiredSeries().
  Result<uint64_t> DropExpired();

  [[nodiscard]] MaintenanceMetrics metrics() const;

 private:
  [[nodiscard]] Result<std::unique_ptr<Connection>> Open() const;
  Result<void> Tidy(Connection* connection);
  Result<void> RetainExemplars(Connection* connection, int64_t kept_ms);
  Result<void> Retain(Connection* connection);
  Result<void> MergeDue(Connection* connection, const std::stop_token& stop);
  Result<void> MergeDays(Connection* connection, const std::stop_token& stop);
  [[nodiscard]] bool IsDue(const LeafState& state) const;
  [[nodiscard]] bool IsClosed(const LeafState& state) const;
  [[nodiscard]] bool MayMergeAgain(const LeafState& state) const;
  // Rewrites the leaves, which are neighbours, into one.
  Result<void> Rewrite(Connection* connection, const std::vector<LeafState>& from,
                       const std::stop_token& stop);
  Result<MergeCounts> Exchange(Connection* connection, const std::vector<LeafState>& from,
                               const Leaf& to, const std::stop_token& stop);
  Result<SwapOutcome> Swap(Connection* connection, const std::vector<LeafState>& from,
                           const LeafReplacement& to, const std::stop_token& stop);
  Result<void> RollUpDue(Connection* connection, const std::stop_token& stop);
  [[nodiscard]] LeafReadOptions ReadOptions(const std::stop_token& stop) const;
  void Rest(int64_t took_ns, const std::stop_token& stop) const;

  enum class PurgeWhat { kDue, kAll };
  Result<void> PurgeDue(Connection* connection, const std::stop_token& stop);
  Result<void> Purge(Connection* connection, const storage::Tombstones& tombstones, PurgeWhat what,
                     const std::stop_token& stop);
  Result<void> PurgeLeaf(Connection* connection, LeafState state,
                         const storage::Tombstones& tombstones, PurgeWhat what,
                         const std::stop_token& stop);
  // Lets go of those that nothing is left of; memory has nothing of ids up to flushed_through.
  Result<void> Forget(Connection* connection, const storage::Tombstones& tombstones,
                      int64_t flushed_through);
  Result<void> SetTombstones(std::vector<storage::Tombstone> tombstones)
      REQUIRES_LOCK(tombstone_mutex_);

  const MaintenanceOptions options_;
  LeafRegistry* const leaves_;
  SharedRetention* const retention_;
  const Clock& clock_;
  const std::function<FlushState()> flush_state_;
  Mutex pass_mutex_;                               // one pass at a time
  std::atomic<bool> tidied_{false};                // of passes; they call it from lambdas
  std::atomic<storage::SeriesId> expiry_from_{0};  // where to look for series without data
  Guarded<MaintenanceMetrics> figures_;
  Guarded<std::shared_ptr<const storage::Tombstones>> tombstones_;
  Mutex tombstone_mutex_;  // one change at a time
  TombstoneListener on_tombstones_ GUARDED_BY(tombstone_mutex_);
  // By id: how many flushes there had been when it was made.
  std::map<int64_t, uint64_t> flushes_before_ GUARDED_BY(tombstone_mutex_);
};

}  // namespace vigil::postgres
