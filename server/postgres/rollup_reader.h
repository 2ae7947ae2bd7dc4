// SPDX-License-Identifier: Apache-2.0
// storage::RollupStore in PostgreSQL: the tables vigil.rollup_5m and vigil.rollup_1h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/postgres/connection_pool.h"
#include "server/postgres/leaf_registry.h"
#include "server/postgres/retention.h"
#include "server/storage/rollup_store.h"

namespace vigil::postgres {

// What the database says about roll-ups of one class at one moment.
struct RollupCoverage {
  // Samples before it are gone, those from it on are all there but for the gaps.
  TimestampMs samples_from = INT64_MIN;
  // Spans [from, until) without samples, by rising time, none touching another.
  struct Gap {
    TimestampMs from = 0;
    TimestampMs until = 0;
  };
  std::vector<Gap> gaps;
  // Everything before it that is still kept as samples is rolled up, too.
  TimestampMs rolled_up_until = INT64_MIN;
  // Where the oldest roll-ups of each resolution begin; INT64_MAX: there are none.
  TimestampMs oldest_5m = INT64_MAX;
  TimestampMs oldest_1h = INT64_MAX;
  // Samples that are younger are not replaced; see RollupHint::any_age.
  TimestampMs replace_until = INT64_MAX;
};

// Where samples are gone, gaps included: the exact resolution of the hint when there is one, else
// the finest; the other resolution in front of it when that one reaches further back. Where they
// are there: the exact resolution, as far as everything is rolled up. A bucket that ends at a
// leaf's end is taken only when the next leaf is rolled up, too: a sample on the border may be in
// that one.
std::vector<storage::RollupPiece> PlanRollups(const RollupCoverage& coverage, TimestampMs start,
                                              TimestampMs end, const storage::RollupHint& hint);

struct RollupReaderOptions {
  std::string conninfo;
  int connections = 2;
  int64_t timeout_ms = 30'000;
};

// Threads: any.
class RollupReader : public storage::RollupStore {
 public:
  // Pointers outlive this.
  RollupReader(RollupReaderOptions options, const LeafRegistry* leaves,
               const SharedRetention* retention, const Clock& clock);

  [[nodiscard]] bool MayStandIn(TimestampMs start, const storage::RollupHint& hint) const override;
  // Looks at the database only when MayStandIn() for the class alone.
  Result<std::vector<storage::RollupPiece>> Plan(uint16_t retention_class, TimestampMs start,
                                                 TimestampMs end,
                                                 const storage::RollupHint& hint) const override;
  Result<storage::RollupTable> Read(std::span<const storage::SeriesId> series,
                                    const storage::RollupPiece& piece,
                                    storage::SummaryMask columns) const override;
  void Close() { readers_.Close(); }

 private:
  // False when samples of the class are better, or all there is.
  [[nodiscard]] static bool MayHelp(const RollupCoverage& coverage, TimestampMs start,
                                    const storage::RollupHint& hint);
  // What can be said without the database.
  [[nodiscard]] RollupCoverage SamplesOf(uint16_t retention_class,
                                         const RetentionPolicy& policy) const;
  // Keeps those gaps that retention has made.
  Result<void> Complete(uint16_t retention_class, const RetentionPolicy& policy,
                        RollupCoverage* coverage) const;
  // Cuts the gaps before the leaves that the condition finds.
  Result<void> FindBorders(const std::string& unready, ReadConnection* reader,
                           RollupCoverage* coverage) const;
  // Calls work(connection); once more when the connection had died while it was idle.
  template <typename Work>
  Result<void> WithReader(Work work) const;

  const RollupReaderOptions options_;
  const LeafRegistry* const leaves_;
  const SharedRetention* const retention_;
  const Clock& clock_;
  mutable ConnectionPool readers_;
};

}  // namespace vigil::postgres
