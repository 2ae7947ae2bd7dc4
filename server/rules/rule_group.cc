// SPDX-License-Identifier: Apache-2.0
#include "server/rules/rule_group.h"

#include <algorithm>
#include <map>
#include <system_error>
#include <thread>

#include "client-lib/base/log.h"
#include "server/rules/recording_rule.h"
#include "server/rules/rule_dependencies.h"

namespace vigil::rules {
namespace {

// Rules that follow each other in a reload have the same; separators cannot stand in names.
std::string RuleKey(const RuleSpec& spec) {
  std::string key = (spec.alerting() ? "a\xff" : "r\xff") + spec.name();
  for (const auto& [name, value] : spec.labels) key += '\xff' + name + '\xff' + value;
  return key;
}

storage::RuleIdentity IdentityOf(const GroupSpec& group, const RuleSpec& rule,
                                 const std::string& key, size_t place) {
  storage::RuleIdentity identity{0, group.file, group.name, rule.name()};
  identity.id = Labels::Of({{"file", group.file},
                            {"group", group.name},
                            {"place", std::to_string(place)},
                            {"rule", key}})
                    .Hash();
  return identity;
}

bool SameRule(const RuleSpec& a, const RuleSpec& b) {
  return a.record == b.record && a.alert == b.alert && a.hold == b.hold &&
         a.keep_firing_for == b.keep_firing_for && a.labels == b.labels &&
         a.annotations == b.annotations && promql::Print(*a.parsed) == promql::Print(*b.parsed);
}

// False when the system has no thread to give.
template <typename F>
bool StartHelper(const F& run, std::vector<std::jthread>* helpers) {
  try {
    helpers->emplace_back(run);
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

}  // namespace

RuleGroup::RuleGroup(GroupSpec spec, GroupDefaults defaults, const RuleWorld& world)
    : spec_(std::move(spec)), defaults_(std::move(defaults)), world_(world) {
  const AlertTemplate::Functions functions;
  std::map<std::string, size_t> seen;
  for (const RuleSpec& rule : spec_.rules) {
    const std::string key = RuleKey(rule);
    const size_t place = seen[key]++;
    if (rule.alerting()) {
      rules_.push_back(std::make_unique<AlertingRule>(
          rule, world_, functions, defaults_.external_labels, IdentityOf(spec_, rule, key, place)));
    } else {
      rules_.push_back(std::make_unique<RecordingRule>(rule, world_));
    }
  }
  if (world_.helpers != nullptr) {
    batches_ = RuleBatches(spec_.rules);
  } else {
    for (size_t i = 0; i < rules_.size(); ++i) batches_.push_back({i});
  }
}

DurationMs RuleGroup::interval() const {
  return spec_.interval == 0 ? defaults_.interval : spec_.interval;
}

DurationMs RuleGroup::query_offset() const {
  return spec_.query_offset.value_or(defaults_.query_offset);
}

bool RuleGroup::SameAs(const RuleGroup& other) const {
  return spec_.file == other.spec_.file && spec_.name == other.spec_.name &&
         interval() == other.interval() && query_offset() == other.query_offset() &&
         spec_.limit == other.spec_.limit &&
         defaults_.external_labels == other.defaults_.external_labels &&
         std::equal(spec_.rules.begin(), spec_.rules.end(), other.spec_.rules.begin(),
                    other.spec_.rules.end(), &SameRule);
}

bool RuleGroup::RunBatch(const std::vector<size_t>& batch, const Round& round) {
  std::atomic<size_t> next{0};
  std::atomic<size_t> done{0};
  const auto run = [&] {
    for (size_t i = next++; i < batch.size(); i = next++) {
      if (stopped_ || world_.stop.stop_requested()) return;
      rules_[batch[i]]->Run(round);
      ++done;
    }
  };
  {
    HelperSlots* const slots = world_.helpers.get();
    const auto help = [&run, slots] {
      run();
      slots->Give();
    };
    std::vector<std::jthread> helpers;
    while (helpers.size() + 1 < batch.size() && slots != nullptr && slots->TryTake()) {
      if (StartHelper(help, &helpers)) continue;
      slots->Give();
      break;
    }
    run();
  }
  return done == batch.size();
}

bool RuleGroup::Evaluate(TimestampMs at, const Observe& observe) {
  Round round{at, interval(), query_offset(), spec_.limit};
  GroupReport done;
  done.last_evaluation = world_.clock.Now();
  const int64_t begun_ns = world_.clock.MonotonicNs();
  for (const std::vector<size_t>& batch : batches_) {
    if (!RunBatch(batch, round)) return false;
    for (const size_t place : batch) {
      const RuleReport report = rules_[place]->report();
      ++done.evaluations;
      done.failures += report.health == RuleHealth::kBad ? 1 : 0;
      done.samples += report.samples;
      done.rule_seconds += report.evaluation_seconds;
      if (observe) observe(report.evaluation_seconds);
    }
  }
  EndLeftSeries(round.sample_time());
  done.evaluation_seconds = static_cast<double>(world_.clock.MonotonicNs() - begun_ns) / 1e9;
  report_.With([&](GroupReport& report) {
    report.last_evaluation = done.last_evaluation;
    report.evaluation_seconds = done.evaluation_seconds;
    report.rule_seconds = done.rule_seconds;
    report.samples = done.samples;
    report.evaluations += done.evaluations;
    report.failures += done.failures;
    ++report.iterations;
  });
  return true;
}

void RuleGroup::CountMissed(uint64_t rounds) {
  report_.With([&](GroupReport& report) {
    report.missed += rounds;
    report.iterations += rounds;
  });
}

void RuleGroup::EndLeftSeries(TimestampMs at) {
  if (left_.empty()) return;
  storage::SampleBatch markers;
  for (const storage::SeriesRef ref : left_) markers.Add(ref, at, StaleNaN());
  left_.clear();
  // What is refused is written by others or gone.
  if (auto done = world_.appender.Append(markers, storage::AppendMode::kSkipRejected); !done) {
    log::Warn("rules", "series of removed rules could not be ended",
              {{"group", spec_.name}, {"err", done.error()}});
  }
}

void RuleGroup::Adopt(RuleGroup& old) {
  std::multimap<std::string, Rule*> others;
  for (const std::unique_ptr<Rule>& rule : old.rules_) {
    others.emplace(RuleKey(rule->spec()), rule.get());
  }
  for (const std::unique_ptr<Rule>& rule : rules_) {
    const auto found = others.lower_bound(RuleKey(rule->spec()));
    if (found == others.end() || found->first != RuleKey(rule->spec())) continue;
    rule->Adopt(*found->second);
    others.erase(found);
  }
  left_ = std::move(old.left_);
  for (const auto& [key, rule] : others) rule->Retire(&left_);
  report_.Set(old.report());
}

std::vector<storage::SeriesRef> RuleGroup::Retire() {
  std::vector<storage::SeriesRef> series = std::move(left_);
  for (const std::unique_ptr<Rule>& rule : rules_) rule->Retire(&series);
  return series;
}

bool RuleGroup::NeedsRestore() const {
  return std::any_of(rules_.begin(), rules_.end(), [](const std::unique_ptr<Rule>& rule) {
    return rule->alerting() != nullptr && !rule->alerting()->restored();
  });
}

void RuleGroup::RestoreFromSeries(TimestampMs now) {
  const int64_t begun_ns = world_.clock.MonotonicNs();
  for (const std::unique_ptr<Rule>& rule : rules_) {
    auto* alerting = dynamic_cast<AlertingRule*>(rule.get());
    if (alerting != nullptr && !alerting->restored()) alerting->RestoreFromSeries(now);
  }
  report_.With([&](GroupReport& report) {
    report.restore_seconds = static_cast<double>(world_.clock.MonotonicNs() - begun_ns) / 1e9;
  });
}

void RuleGroup::SetRestored() {
  for (const std::unique_ptr<Rule>& rule : rules_) {
    if (auto* alerting = dynamic_cast<AlertingRule*>(rule.get())) alerting->SetRestored();
  }
}

}  // namespace vigil::rules
