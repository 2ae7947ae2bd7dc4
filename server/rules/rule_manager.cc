// SPDX-License-Identifier: Apache-2.0
#include "server/rules/rule_manager.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "client-lib/base/log.h"
#include "server/rules/group_schedule.h"

namespace vigil::rules {
namespace {

// The clock may be set while threads sleep.
constexpr int64_t kLongestSleepMs = 1000;
// Rounds before alerts are restored from their series: what they depend on is there again then.
constexpr int kRoundsBeforeRestore = 2;
// A server that was away for longer finds little of what it scraped before: it waits a while before
// it takes alerts for resolved.
constexpr DurationMs kShortOutage = 2 * 60'000;
constexpr DurationMs kSettleTime = 2 * 60'000;

RuleWorld WorldOf(RuleWorld world, RuleStateSink* states, std::stop_token stop) {
  world.states = states;
  world.stop = std::move(stop);
  return world;
}

}  // namespace

RuleManager::RuleManager(RuleWorld world, storage::RuleStateTable* table, Options options)
    : options_(options),
      log_(table == nullptr ? nullptr : std::make_unique<RuleStateLog>(*table, world.clock)),
      table_(table),
      world_(WorldOf(std::move(world), log_.get(), stop_source_.get_token())) {}

RuleManager::EntryPtr RuleManager::NewEntry(GroupSpec spec, const GroupDefaults& defaults) const {
  auto entry = std::make_shared<Entry>();
  entry->group = std::make_shared<RuleGroup>(std::move(spec), defaults, world_);
  const DurationMs interval = entry->group->interval();
  const GroupSpec& made = entry->group->spec();
  entry->last =
      SlotBefore(SlotOffset(made.file, made.name, interval), interval, world_.clock.Now());
  return entry;
}

void RuleManager::LoadStates(std::vector<EntryPtr>* entries) {
  if (table_ == nullptr) return;
  Result<storage::RuleStates> states = table_->LoadRuleStates();
  if (!states) {
    log::Warn("rules", "the stored state of alerts could not be read, ALERTS_FOR_STATE stands in",
              {{"err", states.error()}});
    // With the first save they would look as if they were of now.
    log_->ForgetOthers();
    return;
  }
  const TimestampMs now = world_.clock.Now();
  const bool fresh = states->saved_at && now - *states->saved_at <= world_.outage_tolerance;
  const bool long_outage = fresh && now - *states->saved_at > kShortOutage;
  std::map<uint64_t, std::vector<storage::StoredAlert>> by_rule;
  for (storage::StoredAlert& alert : states->alerts) {
    by_rule[alert.rule->id].push_back(std::move(alert));
  }
  for (const EntryPtr& entry : *entries) {
    if (!fresh) break;
    for (const std::unique_ptr<Rule>& rule : entry->group->rules()) {
      if (rule->alerting() == nullptr) continue;
      auto* alerting = static_cast<AlertingRule*>(rule.get());
      const auto found = by_rule.find(alerting->identity().id);
      if (found == by_rule.end()) continue;
      const DurationMs settle = std::max(kSettleTime, 2 * entry->group->interval());
      alerting->Load(std::move(found->second), long_outage ? now + settle : storage::kNever);
      by_rule.erase(found);
    }
    entry->group->SetRestored();
  }
  // Of rules that are gone, or too old to go on with.
  storage::RuleStateChanges left;
  for (const auto& [id, alerts] : by_rule) {
    for (const storage::StoredAlert& alert : alerts) left.gone.push_back(alert.key());
  }
  if (!left.empty()) log_->Note(std::move(left));
}

void RuleManager::Start(std::vector<GroupSpec> specs, const GroupDefaults& defaults) {
  std::vector<EntryPtr> entries;
  for (GroupSpec& spec : specs) entries.push_back(NewEntry(std::move(spec), defaults));
  LoadStates(&entries);
  std::sort(entries.begin(), entries.end(), [](const EntryPtr& a, const EntryPtr& b) {
    return std::tie(a->group->spec().file, a->group->spec().name) <
           std::tie(b->group->spec().file, b->group->spec().name);
  });
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    entries_ = std::move(entries);
  }
  if (log_ != nullptr && options_.threads > 0) log_->Start();
  for (size_t i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { Loop(stop); });
  }
}

void RuleManager::Remove(const std::vector<EntryPtr>& entries) {
  std::unique_lock<std::mutex> lock(mutex_);
  // All at once, so that the wait is for the longest rule that runs.
  for (const EntryPtr& entry : entries) {
    entry->removed = true;
    entry->group->StopEvaluating();
  }
  changed_.wait(lock, [&] {
    return std::none_of(entries.begin(), entries.end(),
                        [](const EntryPtr& entry) { return entry->running; });
  });
}

void RuleManager::RetireEntry(const EntryPtr& entry) {
  const TimestampMs now = world_.clock.Now();
  // Two intervals, so that a rule that moved to another group has written there before.
  Retired retired{now + 2 * entry->group->interval(), now, entry->group->Retire()};
  if (retired.series.empty()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  retired_.push_back(std::move(retired));
}

void RuleManager::Apply(std::vector<GroupSpec> specs, const GroupDefaults& defaults) {
  std::map<std::string, EntryPtr> old;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const EntryPtr& entry : entries_) old.emplace(entry->group->Key(), entry);
  }
  std::map<std::string, EntryPtr> fresh;
  std::vector<std::pair<EntryPtr, EntryPtr>> replaced;  // new, old
  std::vector<EntryPtr> leaving;
  for (GroupSpec& spec : specs) {
    EntryPtr entry = NewEntry(std::move(spec), defaults);
    entry->group->SetRestored();
    const auto found = old.find(entry->group->Key());
    if (found != old.end() && found->second->group->SameAs(*entry->group)) {
      entry = found->second;
    } else if (found != old.end()) {
      replaced.emplace_back(entry, found->second);
      leaving.push_back(found->second);
    }
    if (found != old.end()) old.erase(found);
    fresh.emplace(entry->group->Key(), std::move(entry));
  }
  for (const auto& [key, entry] : old) leaving.push_back(entry);
  Remove(leaving);
  for (const auto& [entry, before] : replaced) {
    entry->group->Adopt(*before->group);
    entry->rounds = before->rounds;
  }
  for (const auto& [key, entry] : old) RetireEntry(entry);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    entries_.clear();
    for (auto& [key, entry] : fresh) entries_.push_back(std::move(entry));
    ++generation_;
  }
  changed_.notify_all();
}

void RuleManager::Stop() {
  stop_source_.request_stop();
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
  if (log_ != nullptr) log_->Stop();
}

std::vector<std::shared_ptr<const RuleGroup>> RuleManager::Groups() const {
  std::vector<std::shared_ptr<const RuleGroup>> groups;
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const EntryPtr& entry : entries_) groups.push_back(entry->group);
  return groups;
}

RuleManager::EntryPtr RuleManager::TakeDue(TimestampMs now, int64_t* wait_ms) {
  EntryPtr first;
  *wait_ms = kLongestSleepMs;
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const EntryPtr& entry : entries_) {
    if (entry->running || entry->removed) continue;
    // The clock was set back.
    if (entry->last > now + entry->group->interval()) {
      const GroupSpec& spec = entry->group->spec();
      const DurationMs interval = entry->group->interval();
      entry->last = SlotBefore(SlotOffset(spec.file, spec.name, interval), interval, now);
    }
    if (first == nullptr || entry->next() < first->next()) first = entry;
  }
  if (first == nullptr) return nullptr;
  *wait_ms = std::min(*wait_ms, first->next() - now);
  if (*wait_ms > 0) return nullptr;
  first->running = true;
  return first;
}

void RuleManager::RunEntry(Entry* entry, TimestampMs now) {
  RuleGroup& group = *entry->group;
  const DueRound due = NextRound(entry->last, group.interval(), now);
  if (due.missed > 0) group.CountMissed(due.missed);
  if (group.Evaluate(due.at, [this](double seconds) { rule_durations_.Observe(seconds); })) {
    group_durations_.Observe(group.report().evaluation_seconds);
    ++entry->rounds;
    if (entry->rounds >= kRoundsBeforeRestore && group.NeedsRestore()) {
      group.RestoreFromSeries(world_.clock.Now());
    }
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    entry->last = due.at;
    entry->running = false;
  }
  // Others may wait for it to end.
  changed_.notify_all();
}

void RuleManager::EndRetired(TimestampMs now) {
  std::vector<Retired> due;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto later = std::stable_partition(retired_.begin(), retired_.end(),
                                             [&](const Retired& one) { return one.due > now; });
    std::move(later, retired_.end(), std::back_inserter(due));
    retired_.erase(later, retired_.end());
  }
  for (const Retired& retired : due) {
    storage::SampleBatch markers;
    for (const storage::SeriesRef ref : retired.series) {
      markers.Add(ref, retired.at, StaleNaN());
    }
    // A series that another group writes now has newer samples: its marker is refused.
    auto done = world_.appender.Append(markers, storage::AppendMode::kSkipRejected);
    if (!done) {
      log::Warn("rules", "series of removed groups could not be ended", {{"err", done.error()}});
    }
  }
}

size_t RuleManager::RunDueForTest() {
  const TimestampMs now = world_.clock.Now();
  EndRetired(now);
  size_t count = 0;
  int64_t wait_ms = 0;
  while (const EntryPtr entry = TakeDue(now, &wait_ms)) {
    RunEntry(entry.get(), now);
    ++count;
  }
  return count;
}

void RuleManager::Loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const TimestampMs now = world_.clock.Now();
    EndRetired(now);
    int64_t wait_ms = 0;
    if (const EntryPtr entry = TakeDue(now, &wait_ms)) {
      RunEntry(entry.get(), now);
      continue;
    }
    std::unique_lock<std::mutex> lock(mutex_);
    const uint64_t seen = generation_;
    changed_.wait_for(lock, stop, std::chrono::milliseconds(wait_ms),
                      [&] { return generation_ != seen; });
  }
}

}  // namespace vigil::rules
