// SPDX-License-Identifier: Apache-2.0
#include "server/rules/recording_rule.h"

#include <fmt/format.h>

#include "client-lib/model/sample.h"

namespace vigil::rules {

void RecordingRule::Adopt(Rule& old) {
  auto& other = static_cast<RecordingRule&>(old);
  // Name and labels are the same, so the outputs are.
  round_ = other.round_;
  outputs_ = std::move(other.outputs_);
  by_series_ = std::move(other.by_series_);
  by_labels_ = std::move(other.by_labels_);
}

void RecordingRule::Retire(std::vector<storage::SeriesRef>* series) {
  for (const Output& output : outputs_) {
    if (output.open) series->push_back(output.ref);
  }
  outputs_.clear();
  by_series_.clear();
  by_labels_.clear();
}

uint32_t RecordingRule::OutputOf(const Labels& series) {
  if (const auto known = by_series_.find(series); known != by_series_.end()) return known->second;
  LabelsBuilder builder(series);
  builder.Set(kMetricName, spec_.record);
  for (const auto& [name, value] : spec_.labels) builder.Set(name, value);
  Labels labels = builder.Build();
  const auto [place, fresh] =
      by_labels_.try_emplace(labels, static_cast<uint32_t>(outputs_.size()));
  if (fresh) outputs_.push_back({std::move(labels)});
  by_series_.emplace(series, place->second);
  return place->second;
}

Result<void> RecordingRule::Match(const promql::QueryResult& result) {
  ++round_;
  hits_.clear();
  for (const promql::ResultSeries& series : result.series) {
    const uint32_t index = OutputOf(series.labels);
    if (outputs_[index].round == round_) {
      return ExecutionError(
          "vector contains metrics with the same labelset after applying rule labels");
    }
    outputs_[index].round = round_;
    hits_.push_back(index);
  }
  return Ok();
}

Result<bool> RecordingRule::Write(const promql::QueryResult& result, TimestampMs at) {
  batch_.Clear();
  Result<void> resolved;
  for (size_t i = 0; i < hits_.size(); ++i) {
    Output& output = outputs_[hits_[i]];
    const promql::ResultSeries& series = result.series[i];
    if (output.ref == 0) {
      // A series that finds no room does not keep the others out.
      Result<storage::SeriesRef> ref = world_.appender.Resolve(output.labels);
      if (!ref) {
        if (resolved) resolved = std::move(ref).error();
        continue;
      }
      output.ref = *ref;
    }
    if (!series.histograms.empty()) {
      batch_.Add(output.ref, at, series.histograms.front().histogram);
    } else {
      batch_.Add(output.ref, at, series.values.front());
    }
  }
  const size_t ended = batch_.size();
  for (Output& output : outputs_) {
    if (output.open && output.round != round_ && output.ref != 0) {
      batch_.Add(output.ref, at, StaleNaN());
    }
  }
  Result<bool> appended = Append(&batch_, ended);
  // Samples that are refused do not keep the others out; any other error does.
  const bool taken = appended ? *appended : appended.error().kind == ErrorKind::kExecution;
  if (!taken) return appended;
  for (Output& output : outputs_) output.open = output.round == round_ && output.ref != 0;
  if (!appended) return appended;
  if (!resolved) return std::move(resolved).error();
  return true;
}

void RecordingRule::Forget() {
  // Rarely, so that labels that come and go every round do not cost a rebuild each.
  const size_t many = 2 * hits_.size() + 16;
  if (by_series_.size() >= many) by_series_.clear();
  if (outputs_.size() < many) return;
  std::vector<Output> kept;
  std::vector<uint32_t> place(outputs_.size(), UINT32_MAX);
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (outputs_[i].round != round_ && !outputs_[i].open) continue;
    place[i] = static_cast<uint32_t>(kept.size());
    kept.push_back(std::move(outputs_[i]));
  }
  for (auto* index : {&by_series_, &by_labels_}) {
    std::erase_if(*index, [&](const auto& entry) { return place[entry.second] == UINT32_MAX; });
    for (auto& entry : *index) entry.second = place[entry.second];
  }
  outputs_ = std::move(kept);
}

Result<size_t> RecordingRule::Evaluate(const Round& round) {
  const promql::QueryResult result = TRY(Query(round.sample_time()));
  Result<size_t> count = Take(result, round);
  // Whatever came of it: a rule that fails for ever learns new labels in each round.
  Forget();
  return count;
}

Result<size_t> RecordingRule::Take(const promql::QueryResult& result, const Round& round) {
  TRY(Match(result));
  const size_t count = hits_.size();
  if (round.limit > 0 && static_cast<int64_t>(count) > round.limit) {
    return ExecutionError(fmt::format("exceeded limit of {} with {} series", round.limit, count));
  }
  if (!TRY(Write(result, round.sample_time()))) {
    for (Output& output : outputs_) output.ref = 0;
    TRY(Write(result, round.sample_time()));
  }
  return count;
}

}  // namespace vigil::rules
