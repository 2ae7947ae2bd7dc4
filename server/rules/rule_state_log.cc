// SPDX-License-Identifier: Apache-2.0
#include "server/rules/rule_state_log.h"

#include <chrono>

#include "client-lib/base/log.h"

namespace vigil::rules {
namespace {

constexpr auto kWriteEvery = std::chrono::milliseconds(500);
// How often it is said that the server is alive, in rounds without a change.
constexpr int kIdleRounds = 20;

}  // namespace

void RuleStateLog::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Loop(stop); });
}

void RuleStateLog::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  wake_.notify_all();
  thread_.join();
  if (Result<void> written = Write(); !written) {
    log::Warn("rules", "the last changes of alerts were not stored", {{"err", written.error()}});
  }
}

void RuleStateLog::Note(storage::RuleStateChanges changes) {
  pending_.With([&](Pending& pending) {
    for (const storage::StoredAlert::Key& key : changes.gone) pending[key].reset();
    for (storage::StoredAlert& alert : changes.changed) {
      const storage::StoredAlert::Key key = alert.key();
      pending.insert_or_assign(key, std::move(alert));
    }
  });
}

Result<std::vector<storage::StoredAlert::Key>> RuleStateLog::Others(const Pending& taken) const {
  const storage::RuleStates states = TRY(table_.LoadRuleStates());
  std::vector<storage::StoredAlert::Key> others;
  for (const storage::StoredAlert& alert : states.alerts) {
    const storage::StoredAlert::Key key = alert.key();
    if (!taken.contains(key) && !written_.contains(key)) others.push_back(key);
  }
  return others;
}

Result<void> RuleStateLog::Write() {
  Pending taken;
  pending_.With([&](Pending& pending) { taken.swap(pending); });
  storage::RuleStateChanges changes;
  for (const auto& [key, alert] : taken) {
    if (alert) {
      changes.changed.push_back(*alert);
    } else {
      changes.gone.push_back(key);
    }
  }
  bool forgotten = false;
  if (forgets_) {
    // A table that cannot be read can be written perhaps.
    const Result<std::vector<storage::StoredAlert::Key>> others = Others(taken);
    forgotten = others.has_value();
    if (others) changes.gone.insert(changes.gone.end(), others->begin(), others->end());
  }
  Result<void> saved = table_.SaveRuleStates(changes, clock_.Now());
  if (!saved) {
    // What came meanwhile is newer.
    pending_.With([&](Pending& pending) { pending.merge(taken); });
  } else if (forgotten) {
    forgets_ = false;
    written_.clear();
  } else if (forgets_) {
    for (const storage::StoredAlert& alert : changes.changed) written_.insert(alert.key());
  }
  return saved;
}

void RuleStateLog::Loop(const std::stop_token& stop) {
  int idle = kIdleRounds;
  while (!stop.stop_requested()) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait_for(lock, stop, kWriteEvery, [] { return false; });
    }
    if (stop.stop_requested()) return;
    const bool changed = pending_.With([](const Pending& pending) { return !pending.empty(); });
    if (!changed && ++idle < kIdleRounds) continue;
    idle = 0;
    const Result<void> written = Write();
    if (!written && !failing_) {
      log::Warn("rules", "changes of alerts could not be stored; trying again",
                {{"err", written.error()}});
    }
    failing_ = !written;
  }
}

}  // namespace vigil::rules
