// SPDX-License-Identifier: Apache-2.0
// Deletes: tombstones, and the rewrites that make them true.
#include <algorithm>
#include <utility>

#include "client-lib/base/log.h"
#include "server/postgres/maintenance.h"
#include "server/postgres/rollup_job.h"
#include "server/postgres/tombstone_table.h"

namespace vigil::postgres {
namespace {

// A rewrite on demand that late chunks spoil is tried so often.
constexpr int kForcedAttempts = 5;
// Memory keeps what a flush wrote until the next one, and one may have been running when samples
// were deleted.
constexpr uint64_t kFlushesUntilForgotten = 3;

bool Concerns(const storage::Tombstone& tombstone, const LeafState& state) {
  return tombstone.id > state.purged && tombstone.span.from <= state.leaf.newest &&
         tombstone.span.to >= state.leaf.start;
}

}  // namespace

std::shared_ptr<const storage::Tombstones> Maintenance::tombstones() const {
  return tombstones_.Copy();
}

Result<void> Maintenance::LoadTombstones(Connection* connection) {
  const MutexLock lock(tombstone_mutex_);
  flushes_before_.clear();
  return SetTombstones(TRY(postgres::LoadTombstones(connection, options_.timeout_ms)));
}

Result<void> Maintenance::SetTombstones(std::vector<storage::Tombstone> tombstones) {
  tombstones_.Set(std::make_shared<const storage::Tombstones>(std::move(tombstones)));
  if (on_tombstones_) on_tombstones_(tombstones_.Copy());
  return Ok();
}

void Maintenance::OnTombstones(TombstoneListener listener) {
  const MutexLock lock(tombstone_mutex_);
  on_tombstones_ = std::move(listener);
  if (on_tombstones_) on_tombstones_(tombstones_.Copy());
}

Result<void> Maintenance::Delete(storage::Tombstone tombstone) {
  if (tombstone.series.empty()) return Ok();
  std::sort(tombstone.series.begin(), tombstone.series.end());
  const MutexLock lock(tombstone_mutex_);
  auto connection = TRY(Open());
  TRY_CONTEXT(InsertTombstone(connection.get(), options_.owner, clock_.Now(), &tombstone,
                              options_.timeout_ms),
              "recording what is deleted");
  flushes_before_[tombstone.id] = flush_state_().count;
  std::vector<storage::Tombstone> all = tombstones_.Copy()->all();
  all.push_back(std::move(tombstone));
  return SetTombstones(std::move(all));
}

Result<void> Maintenance::CleanTombstones(const std::stop_token& stop) {
  const auto known = tombstones_.Copy();
  if (known->empty()) return Ok();
  const MutexLock lock(pass_mutex_);
  auto connection = TRY(Open());
  TRY(leaves_->LoadIfStale(connection.get(), options_.timeout_ms));
  TRY_CONTEXT(Tidy(connection.get()), "dropping tables that are no leaves any more");
  TRY(Purge(connection.get(), *known, PurgeWhat::kAll, stop));
  return Forget(connection.get(), *known, known->newest());
}

Result<void> Maintenance::PurgeDue(Connection* connection, const std::stop_token& stop) {
  const auto known = tombstones_.Copy();
  if (known->empty()) return Ok();
  TRY(Purge(connection, *known, PurgeWhat::kDue, stop));
  return Forget(connection, *known, 0);
}

Result<void> Maintenance::Purge(Connection* connection, const storage::Tombstones& tombstones,
                                PurgeWhat what, const std::stop_token& stop) {
  for (const LeafState& state : TRY(ReadLeafStates(connection, options_.timeout_ms))) {
    const bool due = what == PurgeWhat::kAll || (IsClosed(state) && MayMergeAgain(state));
    const bool concerned =
        std::any_of(tombstones.all().begin(), tombstones.all().end(),
                    [&state](const storage::Tombstone& one) { return Concerns(one, state); });
    if (!due || !concerned) continue;
    TRY(PurgeLeaf(connection, state, tombstones, what, stop));
  }
  return Ok();
}

Result<void> Maintenance::PurgeLeaf(Connection* connection, LeafState state,
                                    const storage::Tombstones& tombstones, PurgeWhat what,
                                    const std::stop_token& stop) {
  for (int attempt = 1; true; ++attempt) {
    bool rewrite = false;
    for (const storage::Tombstone& one : tombstones.all()) {
      if (rewrite || !Concerns(one, state)) continue;
      rewrite = TRY(LeafHasDeleted(connection, state.leaf, one, options_.timeout_ms));
    }
    if (!rewrite) {
      return MarkPurged(connection, options_.owner, state, tombstones.newest(),
                        options_.timeout_ms);
    }
    Result<void> done = Rewrite(connection, {state}, stop);
    const bool again = what == PurgeWhat::kAll && attempt < kForcedAttempts && !done &&
                       done.error().kind == ErrorKind::kUnavailable && !connection->broken();
    if (done || !again) return done;
    TRY_CONTEXT(Tidy(connection), "dropping tables that are no leaves any more");
    for (const LeafState& now : TRY(ReadLeafStates(connection, options_.timeout_ms))) {
      if (now.leaf.retention_class == state.leaf.retention_class &&
          now.leaf.start == state.leaf.start) {
        state = now;
      }
    }
  }
}

Result<void> Maintenance::Forget(Connection* connection, const storage::Tombstones& tombstones,
                                 int64_t flushed_through) {
  const std::vector<LeafState> states = TRY(ReadLeafStates(connection, options_.timeout_ms));
  const MutexLock lock(tombstone_mutex_);
  std::vector<storage::Tombstone> left = tombstones_.Copy()->all();
  const size_t before = left.size();
  for (const storage::Tombstone& one : tombstones.all()) {
    const bool in_memory = one.id > flushed_through &&
                           flush_state_().count < flushes_before_[one.id] + kFlushesUntilForgotten;
    const bool in_chunks = std::any_of(states.begin(), states.end(),
                                       [&one](const LeafState& s) { return Concerns(one, s); });
    if (in_memory || in_chunks) continue;
    TRY(PurgeRollups(connection, options_.owner, one, options_.timeout_ms));
    TRY(DeleteTombstone(connection, options_.owner, one.id, options_.timeout_ms));
    flushes_before_.erase(one.id);
    std::erase_if(left, [&one](const storage::Tombstone& t) { return t.id == one.id; });
    log::Info("deletes", "deleted samples are removed",
              {{"matchers", one.matchers}, {"series", static_cast<uint64_t>(one.series.size())}});
  }
  return left.size() == before ? Ok() : SetTombstones(std::move(left));
}

}  // namespace vigil::postgres
