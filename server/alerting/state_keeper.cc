// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/state_keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client-lib/base/log.h"

namespace vigil::alerting {
namespace {

constexpr DurationMs kFirstSavePause = 1'000;
constexpr DurationMs kLongestSavePause = 30'000;

// So many rows are stored without waiting for more: they take memory, twice while they are written.
constexpr size_t kManyUnsaved = 10'000;

}  // namespace

Error StateKeeper::Lost() {
  return Unavailable("another server has taken the database over: this one alerts no more, end it");
}

void StateKeeper::Add(AlertingChanges changes, TimestampMs now) {
  if (changes.known_alerts) known_alerts_ = changes.known_alerts;
  if (unsaved_.empty()) unsaved_since_ = now;
  unsaved_.Add(std::move(changes));
}

Result<void> StateKeeper::StoreNow(const AlertingChanges& changes, std::string_view what) {
  if (lost_) return Lost();
  const Result<void> saved = store_.Save(changes);
  if (saved) {
    // What waits may hold an older word on the same thing, and is written later.
    if (!unsaved_.empty()) unsaved_.Add(changes);
    return Ok();
  }
  if (saved.error().kind == ErrorKind::kNotFound) NoteLost(saved.error());
  return Unavailable(fmt::format("{} could not be stored and nothing was changed, try again: {}",
                                 what, saved.error().message));
}

TimestampMs StateKeeper::NextSave() const {
  if (unsaved_.empty()) return kNever;
  if (pause_ != 0) return save_not_before_;
  return unsaved_since_ + save_delay_;
}

void StateKeeper::SaveIfDue(TimestampMs now, bool wanted) {
  if (unsaved_.empty() || lost_) return;
  if (pause_ != 0 && now < save_not_before_ && now + kLongestSavePause > save_not_before_) return;
  // The first condition of the next line sees a wall clock that was set back, as the one above.
  const bool waited = now < unsaved_since_ || now >= unsaved_since_ + save_delay_;
  const bool before_sending = wanted && unsaved_.has_state();
  const bool many = unsaved_.rows() >= kManyUnsaved;
  if (waited || before_sending || many || unsaved_.has_log()) Save();
}

void StateKeeper::SaveAll(const std::vector<GroupState>& groups) {
  if (!unsaved_.empty() && !lost_) Save();
  if (lost_) return;  // said before
  Result<void> saved = store_.SaveGroups(groups);
  if (saved) return;
  log::Warn("alerting", "the timers of groups are lost: they are flushed at the next start",
            {{"err", saved.error()}});
}

void StateKeeper::Save() {
  AlertingChanges changes = unsaved_.Take();
  changes.known_alerts = known_alerts_;
  const int64_t began_ns = clock_.MonotonicNs();
  Result<void> saved = store_.Save(changes);
  const double seconds = static_cast<double>(clock_.MonotonicNs() - began_ns) / 1e9;
  if (!saved) unsaved_.Return(std::move(changes));
  stats_.With([&](SaveStats& stats) {
    stats.works = saved.has_value();
    stats.seconds += seconds;
    stats.unsaved_rows = unsaved_.rows();
    stats.dropped_events = unsaved_.dropped_events();
    ++(saved ? stats.saves : stats.failures);
  });
  if (!saved) return SaveFailed(saved.error());
  if (std::exchange(pause_, 0) == 0) return;
  log::Info("alerting", "the state of alerting is stored again");
}

void StateKeeper::SaveFailed(const Error& error) {
  if (error.kind == ErrorKind::kNotFound) return NoteLost(error);
  if (pause_ == 0) {
    log::Error("alerting",
               "the state of alerting could not be stored; notifying goes on from memory, silences "
               "cannot be changed",
               {{"err", error}});
  }
  pause_ = std::clamp(2 * pause_, kFirstSavePause, kLongestSavePause);
  // The attempt may have taken long.
  save_not_before_ = clock_.Now() + pause_;
}

void StateKeeper::NoteLost(const Error& error) {
  if (lost_.exchange(true)) return;
  log::Error("alerting",
             "another server has taken the database over: this one notifies nobody any more and "
             "takes neither alerts nor silences; end it",
             {{"err", error}});
}

void StateKeeper::Count(AlertingStats* stats) const {
  const SaveStats saves = stats_.Copy();
  stats->store_works = saves.works;
  stats->saves = saves.saves;
  stats->save_failures = saves.failures;
  stats->save_seconds = saves.seconds;
  stats->unsaved_rows = saves.unsaved_rows;
  stats->dropped_events = saves.dropped_events;
}

}  // namespace vigil::alerting
