// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/retention.h"

#include <algorithm>
#include <map>
#include <utility>

#include "client-lib/base/log.h"
#include "server/postgres/rollup_job.h"

namespace vigil::postgres {
namespace {

// A leaf that waits for its roll-up is kept so much longer: one that cannot be rolled up does not
// fill the disk.
constexpr int64_t kRollupGraceMs = 86'400'000;

// Bytes by table name; what belongs to no leaf is under the empty name.
using Sizes = std::map<std::string, uint64_t>;

Result<Sizes> ReadSizes(Connection* connection, int64_t timeout_ms) {
  const Rows rows = TRY(connection->Query(
      "SELECT coalesce('vigil.' || quote_ident(l.rel), ''), "
      "sum(pg_total_relation_size(c.oid))::int8 FROM pg_class c "
      "LEFT JOIN vigil.leaf l ON l.rel = c.relname "
      "WHERE c.relnamespace = 'vigil'::regnamespace AND c.relkind = 'r' AND "
      "(l.rel IS NOT NULL OR c.relname ~ '^(journal_[0-9]|rollup_|exemplar)' OR EXISTS "
      "(SELECT FROM vigil.detached_leaf d WHERE d.rel = c.relname)) GROUP BY 1",
      timeout_ms));
  Sizes sizes;
  for (int row = 0; row < rows.size(); ++row) {
    sizes[std::string(rows.Bytes(row, 0))] = static_cast<uint64_t>(rows.Int(row, 1));
  }
  return sizes;
}

uint64_t Sum(const Sizes& sizes) {
  uint64_t sum = 0;
  for (const auto& [table, bytes] : sizes) sum += bytes;
  return sum;
}

class Dropper {
 public:
  Dropper(Connection* connection, const Ownership& owner, LeafRegistry* leaves, int64_t timeout_ms)
      : connection_(connection), owner_(owner), leaves_(leaves), timeout_ms_(timeout_ms) {}

  // False when chunks came meanwhile.
  Result<bool> Drop(const LeafState& state, std::string_view reason) {
    MutexLock writing(leaves_->writing);
    auto dropped = DropLeaf(connection_, owner_, state, timeout_ms_);
    if (!dropped) {
      if (connection_->broken()) leaves_->MarkStale();
      return std::move(dropped).error().Prefixed("dropping " + state.leaf.table);
    }
    if (*dropped == SwapOutcome::kOverrun) return false;
    leaves_->Replace({state.leaf.table}, Leaf());
    log::Info("retention", "dropped a leaf",
              {{"table", state.leaf.table}, {"reason", reason}, {"chunks", state.chunks}});
    return true;
  }

 private:
  Connection* const connection_;
  const Ownership& owner_;
  LeafRegistry* const leaves_;
  const int64_t timeout_ms_;
};

}  // namespace

int64_t RetentionPolicy::RetentionOf(int32_t retention_class) const {
  for (const RetentionClass& one : classes) {
    if (one.id == retention_class) return one.retention_ms;
  }
  return time_ms;
}

TimestampMs RetentionPolicy::CutoffOf(int32_t retention_class, TimestampMs now) const {
  const int64_t retention = RetentionOf(retention_class);
  return retention == 0 ? INT64_MIN : now - retention;
}

Result<RetentionReport> ApplyRetention(Connection* connection, const Ownership& owner,
                                       LeafRegistry* leaves, const RetentionPolicy& policy,
                                       TimestampMs now, int64_t timeout_ms) {
  std::vector<LeafState> states = TRY(ReadLeafStates(connection, timeout_ms));
  std::sort(states.begin(), states.end(),
            [](const LeafState& a, const LeafState& b) { return a.leaf.end < b.leaf.end; });
  TimestampMs newest = INT64_MIN;
  for (const LeafState& state : states) newest = std::max(newest, state.leaf.newest);
  const TimestampMs today = std::min(now, newest);
  Sizes sizes = TRY(ReadSizes(connection, timeout_ms));
  RetentionReport report;
  report.bytes = Sum(sizes);
  Dropper dropper(connection, owner, leaves, timeout_ms);
  for (const LeafState& state : states) {
    const TimestampMs cutoff = policy.CutoffOf(state.leaf.retention_class, today);
    const TimestampMs last = std::max(state.leaf.end - 1, state.leaf.newest);
    const bool expired =
        last < cutoff && (!AwaitsRollup(state, policy) || last < cutoff - kRollupGraceMs);
    const bool closed = state.leaf.end <= today;
    const bool too_much = policy.size_bytes > 0 && report.bytes > policy.size_bytes && closed;
    if (!expired && !too_much) continue;
    if (!TRY(dropper.Drop(state, expired ? "time" : "size"))) continue;
    report.bytes -= sizes[state.leaf.table];
    ++(expired ? report.by_time : report.by_size);
  }
  return report;
}

}  // namespace vigil::postgres
