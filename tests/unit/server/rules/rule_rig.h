// SPDX-License-Identifier: Apache-2.0
// Rules over a store in memory, with everything they write, send and store written down.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "client-lib/model/float_text.h"
#include "server/promql/series_line.h"
#include "server/rules/rule_file.h"
#include "server/rules/rule_group.h"
#include "server/storage/memory_store.h"

namespace vigil::rules {

// Forwards to the store and remembers what was taken.
class SpyAppender : public storage::Appender {
 public:
  explicit SpyAppender(storage::MemoryStore& store) : store_(store) {}

  Result<storage::SeriesRef> Resolve(const Labels& labels) override {
    if (!full.empty() && labels.Get("job") == full) return BadData("no room for " + full);
    const storage::SeriesRef ref = TRY(store_.Resolve(labels));
    labels_[ref] = labels;
    return ref;
  }
  Result<storage::AppendOutcome> Append(const storage::SampleBatch& batch,
                                        storage::AppendMode mode) override {
    ++appends;
    if (!error.empty()) return Unavailable(error);
    for (size_t i = 0; i < batch.size(); ++i) {
      const std::string value =
          IsStaleNaN(batch.values[i]) ? "stale" : FormatFloatG(batch.values[i]);
      written.push_back(labels_[batch.refs[i]].ToMetricString() + " " + value);
    }
    return store_.Append(batch, mode);
  }
  Result<void> WaitDurable(storage::JournalPosition, int64_t) override { return Ok(); }

  std::vector<std::string> written;
  std::string error;  // set: appends fail with it
  std::string full;   // set: series of this job are not made
  size_t appends = 0;

 private:
  storage::MemoryStore& store_;
  std::map<storage::SeriesRef, Labels> labels_;
};

class SpySink : public alerting::AlertSink {
 public:
  Result<void> Post(const std::vector<alerting::PostedAlert>& alerts) override {
    posted.insert(posted.end(), alerts.begin(), alerts.end());
    return Ok();
  }
  void NotePending(const std::vector<alerting::PostedAlert>& alerts) override {
    pending.insert(pending.end(), alerts.begin(), alerts.end());
  }
  std::vector<alerting::PostedAlert> posted;
  std::vector<alerting::PostedAlert> pending;
};

// A table in memory.
class SpyStates : public storage::RuleStateTable {
 public:
  Result<storage::RuleStates> LoadRuleStates() override {
    if (!error.empty()) return Unavailable(error);
    storage::RuleStates states;
    for (const auto& [key, alert] : rows) states.alerts.push_back(alert);
    states.saved_at = saved_at;
    return states;
  }
  Result<void> SaveRuleStates(const storage::RuleStateChanges& changes, TimestampMs now) override {
    if (!error.empty()) return Unavailable(error);
    for (const auto& key : changes.gone) rows.erase(key);
    for (const auto& alert : changes.changed) rows.insert_or_assign(alert.key(), alert);
    saved_at = now;
    return Ok();
  }
  std::map<storage::StoredAlert::Key, storage::StoredAlert> rows;
  std::optional<TimestampMs> saved_at;
  std::string error;
};

struct RuleRig {
  storage::MemoryStore store;
  SpyAppender appender{store};
  SpySink sink;
  ManualClock clock{0};
  promql::Engine engine{promql::EngineOptions{}};

  [[nodiscard]] RuleWorld World() {
    RuleWorld world{engine, store, appender, clock};
    world.sink = &sink;
    world.external_url = "http://vigil";
    return world;
  }
  // `up{job="a"} 1 0x3`, a value every `gap` from 0 on.
  void Load(DurationMs gap, std::string_view line) {
    const promql::SeriesLine series = promql::ParseSeriesLine(line).value();
    for (size_t i = 0; i < series.values.size(); ++i) {
      if (series.values[i].kind != promql::SeriesValue::Kind::kFloat) continue;
      store.Add(series.labels, static_cast<TimestampMs>(i) * gap, series.values[i].value);
    }
  }
};

inline std::vector<GroupSpec> GroupsOf(std::string_view yaml) {
  RuleFile file = ParseRules(yaml, "r.yml");
  for (const std::string& error : file.errors) ADD_FAILURE() << error;
  return std::move(file.groups);
}

}  // namespace vigil::rules
