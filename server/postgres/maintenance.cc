// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/maintenance.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "client-lib/base/log.h"
#include "server/postgres/connection.h"
#include "server/postgres/exemplar_table.h"
#include "server/postgres/retention_classes.h"
#include "server/postgres/rollup_job.h"
#include "server/postgres/series_expiry.h"

namespace vigil::postgres {
namespace {

// A swap that finds readers in its way comes back so often, then the next pass builds anew.
constexpr int kSwapAttempts = 20;
constexpr int64_t kSwapPauseMs = 1'000;

// Sleeps unless asked to stop.
void WaitFor(std::chrono::nanoseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock<std::mutex> lock(mutex);
  wake.wait_for(lock, stop, time, [] { return false; });
}

Leaf MergedLeaf(const std::vector<LeafState>& from) {
  Leaf leaf = from.front().leaf;
  for (const LeafState& state : from) {
    leaf.end = state.leaf.end;
    leaf.generation = std::max(leaf.generation, state.leaf.generation);
    leaf.thin = leaf.thin || state.thin;
  }
  ++leaf.generation;
  leaf.table = "vigil." + LeafTableName(leaf.retention_class, leaf.start, leaf.generation);
  return leaf;
}

bool IsMerged(const LeafState& state) {
  return state.merged_at > 0 && state.chunks == state.merged_chunks;
}

// The leaves from `first` on that fill the long leaf that it begins; nothing when they do not, when
// one of them is not merged, or when some are thin: the others would be, too.
std::vector<LeafState> GroupFrom(const std::vector<LeafState>& states, size_t first,
                                 int64_t length_ms) {
  const Leaf& start = states[first].leaf;
  if (LeafStart(start.start, length_ms) != start.start) return {};
  std::vector<LeafState> group;
  TimestampMs covered = start.start;
  for (size_t i = first; i < states.size() && covered < start.start + length_ms; ++i) {
    const Leaf& leaf = states[i].leaf;
    const bool next = leaf.retention_class == start.retention_class && leaf.start == covered;
    if (!next || !IsMerged(states[i]) || states[i].thin != states[first].thin) return {};
    covered = leaf.end;
    group.push_back(states[i]);
  }
  if (group.size() < 2 || covered != start.start + length_ms) return {};
  return group;
}

std::vector<Leaf> LeavesOf(const std::vector<LeafState>& states) {
  std::vector<Leaf> leaves;
  leaves.reserve(states.size());
  for (const LeafState& state : states) leaves.push_back(state.leaf);
  return leaves;
}

void AddTo(const MergeCounts& counts, MaintenanceMetrics* m) {
  m->merged_rows_in += counts.rows_in;
  m->merged_rows_out += counts.rows_out;
  m->merged_bytes_in += counts.bytes_in;
  m->merged_bytes_out += counts.bytes_out;
  m->merged_samples += counts.samples_out;
  m->corrupt_chunks += counts.corrupt;
}

}  // namespace

Maintenance::Maintenance(MaintenanceOptions options, LeafRegistry* leaves,
                         SharedRetention* retention, const Clock& clock,
                         std::function<FlushState()> flush_state)
    : options_(std::move(options)),
      leaves_(leaves),
      retention_(retention),
      clock_(clock),
      flush_state_(std::move(flush_state)),
      tombstones_(std::make_shared<const storage::Tombstones>()) {}

MaintenanceMetrics Maintenance::metrics() const {
  MaintenanceMetrics metrics = figures_.Copy();
  const auto policy = retention_->Copy();
  metrics.retention_ms = policy->time_ms;
  metrics.retention_bytes = policy->size_bytes;
  return metrics;
}

Result<std::vector<RetentionClass>> Maintenance::SetPolicy(RetentionPolicy policy) {
  auto connection = TRY(Open());
  TRY_CONTEXT(SyncRetentionClasses(connection.get(), options_.owner, &policy, options_.timeout_ms),
              "setting the retention classes");
  std::vector<RetentionClass> classes = policy.classes;
  retention_->Set(std::make_shared<const RetentionPolicy>(std::move(policy)));
  return classes;
}

Result<std::unique_ptr<Connection>> Maintenance::Open() const {
  return Connection::Open(options_.conninfo, "vigil-maintenance", kWriterSession,
                          kConnectTimeoutMs);
}

Result<void> Maintenance::RunOnce(const std::stop_token& stop) {
  MutexLock lock(pass_mutex_);
  const auto pass = [&]() -> Result<void> {
    auto connection = TRY(Open());
    TRY(leaves_->LoadIfStale(connection.get(), options_.timeout_ms));
    TRY_CONTEXT(Tidy(connection.get()), "dropping tables that are no leaves any more");
    TRY_CONTEXT(Retain(connection.get()), "applying the retention");
    TRY(MergeDue(connection.get(), stop));
    TRY(PurgeDue(connection.get(), stop));
    TRY(MergeDays(connection.get(), stop));
    return RollUpDue(connection.get(), stop);
  };
  auto done = pass();
  figures_.With([&](MaintenanceMetrics& m) {
    ++m.passes;
    if (!done && done.error().kind != ErrorKind::kCanceled) ++m.pass_failures;
  });
  return done;
}

Result<void> Maintenance::Tidy(Connection* connection) {
  uint64_t dropped = 0;
  if (!tidied_) dropped += TRY(DropOrphans(connection, options_.owner, options_.timeout_ms));
  tidied_ = true;
  dropped += TRY(DropDetached(connection, options_.owner, clock_.Now() - options_.drop_after_ms,
                              options_.timeout_ms));
  figures_.With([&](MaintenanceMetrics& m) { m.dropped_tables += dropped; });
  return Ok();
}

Result<void> Maintenance::Retain(Connection* connection) {
  const auto policy = retention_->Copy();
  const RetentionReport report = TRY(ApplyRetention(connection, options_.owner, leaves_, *policy,
                                                    clock_.Now(), options_.timeout_ms));
  const uint64_t rollups =
      TRY(DropExpiredRollups(connection, options_.owner, policy->rollups,
                             std::min(clock_.Now(), leaves_->Newest()), options_.timeout_ms));
  if (report.by_time + report.by_size + rollups > 0) expiry_from_ = 0;
  if (expiry_from_ != INT64_MAX) {
    const ExpiryStep step =
        TRY_CONTEXT(NoteExpiredSeries(connection, expiry_from_, options_.timeout_ms),
                    "looking for series without data");
    expiry_from_ = step.last;
  }
  TRY_CONTEXT(RetainExemplars(connection, policy->time_ms), "dropping exemplars");
  figures_.With([&](MaintenanceMetrics& m) {
    m.rollup_leaves_dropped += rollups;
    m.dropped_by_time += report.by_time;
    m.dropped_by_size += report.by_size;
    m.store_bytes = report.bytes;
  });
  return Ok();
}

Result<void> Maintenance::RetainExemplars(Connection* connection, int64_t kept_ms) {
  if (kept_ms == 0) return Ok();
  const TimestampMs newest = std::min(clock_.Now(), leaves_->Newest());
  auto dropped =
      DropExemplarsBefore(connection, options_.owner, newest - kept_ms, options_.timeout_ms);
  // With a reader in the way the next pass does it.
  if (!dropped) {
    const bool locked = dropped.error().kind == ErrorKind::kUnavailable && !connection->broken();
    return locked ? Result<void>() : std::move(dropped).error();
  }
  figures_.With([&](MaintenanceMetrics& m) { m.dropped_tables += *dropped; });
  return Ok();
}

Result<uint64_t> Maintenance::DropExpired() {
  MutexLock lock(pass_mutex_);
  auto connection = TRY(Open());
  return DropExpiredSeries(connection.get(), options_.owner, options_.timeout_ms);
}

bool Maintenance::IsClosed(const LeafState& state) const {
  // Before a flush behind its end, memory still has chunks for it.
  return state.leaf.end + options_.closed_after_ms <= clock_.Now() &&
         flush_state_().last >= state.leaf.end;
}

bool Maintenance::MayMergeAgain(const LeafState& state) const {
  // merged_at may be ahead after the clock was set back.
  const TimestampMs now = clock_.Now();
  return state.merged_at == 0 || state.merged_at > now ||
         state.merged_at + options_.merge_again_after_ms <= now;
}

bool Maintenance::IsDue(const LeafState& state) const {
  return state.chunks > state.merged_chunks && IsClosed(state) && MayMergeAgain(state);
}

Result<void> Maintenance::MergeDue(Connection* connection, const std::stop_token& stop) {
  std::vector<LeafState> due = TRY(ReadLeafStates(connection, options_.timeout_ms));
  std::erase_if(due, [this](const LeafState& state) { return !IsDue(state); });
  std::sort(due.begin(), due.end(),
            [](const LeafState& a, const LeafState& b) { return a.leaf.start < b.leaf.start; });
  Result<void> outcome;
  for (size_t i = 0; i < due.size(); ++i) {
    figures_.With([&](MaintenanceMetrics& m) { m.merge_pending = due.size() - i; });
    Result<void> merged = Rewrite(connection, {due[i]}, stop);
    if (merged) continue;
    if (connection->broken() || merged.error().kind == ErrorKind::kCanceled) return merged;
    if (outcome) outcome = std::move(merged);
  }
  figures_.With([&](MaintenanceMetrics& m) { m.merge_pending = 0; });
  return outcome;
}

Result<void> Maintenance::MergeDays(Connection* connection, const std::stop_token& stop) {
  const auto policy = retention_->Copy();
  const std::vector<LeafState> states = TRY(ReadLeafStates(connection, options_.timeout_ms));
  for (size_t first = 0; first < states.size(); ++first) {
    const Leaf& leaf = states[first].leaf;
    const int64_t kept = policy->RetentionOf(leaf.retention_class);
    if (kept != 0 && kept <= options_.long_retention_ms) continue;
    // A day behind: late chunks have come by then.
    if (leaf.start + 2 * options_.long_leaf_ms > clock_.Now()) continue;
    const std::vector<LeafState> group = GroupFrom(states, first, options_.long_leaf_ms);
    if (group.empty() || !std::all_of(group.begin(), group.end(), [this](const LeafState& state) {
          return MayMergeAgain(state);
        })) {
      continue;
    }
    TRY(Rewrite(connection, group, stop));
  }
  return Ok();
}

Result<void> Maintenance::Rewrite(Connection* connection, const std::vector<LeafState>& from,
                                  const std::stop_token& stop) {
  const Leaf to = MergedLeaf(from);
  const int64_t start_ns = clock_.MonotonicNs();
  auto merged = Exchange(connection, from, to, stop);
  const double seconds = static_cast<double>(clock_.MonotonicNs() - start_ns) * 1e-9;
  if (!merged) {
    // What was built is dropped at the next pass.
    tidied_ = false;
    if (merged.error().kind != ErrorKind::kCanceled) {
      figures_.With([](MaintenanceMetrics& m) { ++m.merge_failures; });
    }
    return std::move(merged).error().Prefixed("merging " + from.front().leaf.table);
  }
  figures_.With([&](MaintenanceMetrics& m) {
    ++m.merges;
    m.merge_seconds += seconds;
    m.last_merge_seconds = seconds;
    AddTo(*merged, &m);
  });
  log::Info("compaction", "merged a leaf",
            {{"table", to.table},
             {"rows_before", merged->rows_in},
             {"rows", merged->rows_out},
             {"bytes_before", merged->bytes_in},
             {"bytes", merged->bytes_out},
             {"samples", merged->samples_out},
             {"corrupt", merged->corrupt},
             {"seconds", seconds}});
  return Ok();
}

Result<MergeCounts> Maintenance::Exchange(Connection* connection,
                                          const std::vector<LeafState>& from, const Leaf& to,
                                          const std::stop_token& stop) {
  const auto tombstones = tombstones_.Copy();
  LeafReplacement replacement;
  replacement.leaf = to;
  replacement.counts =
      TRY(BuildMergedLeaf(ReadOptions(stop), LeavesOf(from), to, *tombstones, clock_, stop));
  replacement.same_samples = tombstones->empty() && std::all_of(from.begin(), from.end(), IsMerged);
  if (replacement.counts.unpurged == 0) replacement.purged = tombstones->newest();
  replacement.leaf.newest = std::max(to.start, replacement.counts.newest);
  replacement.now = clock_.Now();
  if (TRY(Swap(connection, from, replacement, stop)) == SwapOutcome::kOverrun) {
    figures_.With([](MaintenanceMetrics& m) { ++m.merge_overruns; });
    return Unavailable("chunks came while it was merged: it is done again later");
  }
  return replacement.counts;
}

Result<SwapOutcome> Maintenance::Swap(Connection* connection, const std::vector<LeafState>& from,
                                      const LeafReplacement& to, const std::stop_token& stop) {
  std::vector<std::string> gone;
  for (const LeafState& state : from) gone.push_back(state.leaf.table);
  for (int attempt = 1; true; ++attempt) {
    {
      MutexLock writing(leaves_->writing);
      auto swapped = SwapLeaves(connection, options_.owner, from, to, options_.timeout_ms);
      if (swapped) {
        if (*swapped == SwapOutcome::kDone) leaves_->Replace(gone, to.leaf);
        return swapped;
      }
      if (connection->broken()) leaves_->MarkStale();  // it may have been committed
      const bool locked = swapped.error().kind == ErrorKind::kUnavailable && !connection->broken();
      if (!locked || attempt >= kSwapAttempts) return swapped;
    }
    WaitFor(std::chrono::milliseconds(kSwapPauseMs), stop);
    if (stop.stop_requested()) return Canceled("compaction was stopped");
  }
}

LeafReadOptions Maintenance::ReadOptions(const std::stop_token& stop) const {
  LeafReadOptions options;
  options.conninfo = options_.conninfo;
  options.timeout_ms = options_.timeout_ms;
  if (options_.duty < 1) {
    options.pause = [this, stop](int64_t took_ns) { Rest(took_ns, stop); };
  }
  return options;
}

Result<void> Maintenance::RollUpDue(Connection* connection, const std::stop_token& stop) {
  const auto policy = retention_->Copy();
  const auto tombstones = tombstones_.Copy();
  for (const LeafState& state : TRY(ReadLeafStates(connection, options_.timeout_ms))) {
    if (!NeedsRollup(state, *policy)) continue;
    auto rolled_up = RollUpLeaf(ReadOptions(stop), options_.owner, state, policy->rollups,
                                *tombstones, clock_, stop);
    figures_.With([&](MaintenanceMetrics& m) {
      ++(rolled_up ? m.rollups : m.rollup_failures);
      if (!rolled_up) return;
      m.rollup_rows += rolled_up->rows;
      m.rollup_buckets += rolled_up->buckets;
      m.rollup_bytes += rolled_up->bytes;
    });
    if (!rolled_up) return std::move(rolled_up).error().Prefixed("rolling up " + state.leaf.table);
    if (rolled_up->thinned) TRY(leaves_->Load(connection, options_.timeout_ms));
  }
  return Ok();
}

void Maintenance::Rest(int64_t took_ns, const std::stop_token& stop) const {
  const double rest = static_cast<double>(took_ns) * (1 / options_.duty - 1);
  WaitFor(std::chrono::nanoseconds(static_cast<int64_t>(rest)), stop);
}

}  // namespace vigil::postgres
