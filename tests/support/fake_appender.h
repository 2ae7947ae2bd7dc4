// SPDX-License-Identifier: Apache-2.0
// A store in memory for tests of writers: it keeps every sample and applies the store's rules.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"
#include "server/storage/storage.h"

namespace vigil::testing_support {

// Threads: one at a time.
class FakeAppender : public storage::Appender {
 public:
  struct Row {
    Labels labels;
    Sample sample;
  };

  Result<storage::SeriesRef> Resolve(const Labels& labels) override {
    ++resolves;
    if (!resolve_error.empty()) return Unavailable(resolve_error);
    auto [found, inserted] = refs_.try_emplace(labels, next_ref_);
    if (inserted) series_[next_ref_++].labels = labels;
    return found->second;
  }

  Result<storage::AppendOutcome> Append(const storage::SampleBatch& batch,
                                        storage::AppendMode mode) override {
    ++appends;
    if (!append_error.empty()) return Unavailable(append_error);
    CHECK(mode == storage::AppendMode::kSkipRejected);
    storage::AppendOutcome outcome;
    for (size_t i = 0; i < batch.size(); ++i) {
      storage::SampleVerdict verdict =
          Take(batch.refs[i], {batch.timestamps[i], batch.values[i]}, &outcome);
      if (verdict == storage::SampleVerdict::kAccepted ||
          outcome.first_reason != storage::SampleVerdict::kAccepted) {
        continue;
      }
      outcome.first_rejected = i;
      outcome.first_reason = verdict;
    }
    for (size_t i = 0; i < batch.histograms.size(); ++i) {
      const auto found = series_.find(batch.histogram_refs[i]);
      CHECK(found != series_.end());
      histograms.push_back({found->second.labels, batch.histograms[i]});
      ++outcome.accepted;
      ++outcome.accepted_histograms;
    }
    outcome.position = ++position_;
    return outcome;
  }

  void AppendExemplars(const storage::ExemplarBatch& batch) override {
    exemplars.refs.insert(exemplars.refs.end(), batch.refs.begin(), batch.refs.end());
    exemplars.exemplars.insert(exemplars.exemplars.end(), batch.exemplars.begin(),
                               batch.exemplars.end());
  }

  Result<void> WaitDurable(storage::JournalPosition, int64_t) override { return Ok(); }

  // The series are known no more; their references are never used again.
  void ForgetSeries() {
    refs_.clear();
    series_.clear();
  }

  // Accepted samples in the order in which they came.
  std::vector<Row> rows;
  std::vector<std::pair<Labels, HistogramSample>> histograms;  // all of them are accepted
  storage::ExemplarBatch exemplars;
  // Set: the next calls fail with this.
  std::string append_error;
  std::string resolve_error;
  // False: samples are only counted (benchmarks).
  bool keep_rows = true;
  size_t resolves = 0;
  size_t appends = 0;

 private:
  struct Series {
    Labels labels;
    Sample newest;
    bool empty = true;
  };

  storage::SampleVerdict Take(storage::SeriesRef ref, Sample sample,
                              storage::AppendOutcome* outcome) {
    using storage::SampleVerdict;
    auto found = series_.find(ref);
    if (found == series_.end()) {
      ++outcome->unknown_series;
      return SampleVerdict::kUnknownSeries;
    }
    Series& series = found->second;
    if (!series.empty && sample.timestamp == series.newest.timestamp) {
      bool same = SameBits(sample.value, series.newest.value);
      ++(same ? outcome->duplicates_same : outcome->duplicates);
      return same ? SampleVerdict::kDuplicateSame : SampleVerdict::kDuplicate;
    }
    if (!series.empty && sample.timestamp < series.newest.timestamp) {
      ++outcome->out_of_order;
      return SampleVerdict::kOutOfOrder;
    }
    series.newest = sample;
    series.empty = false;
    ++outcome->accepted;
    if (keep_rows) rows.push_back({series.labels, sample});
    return SampleVerdict::kAccepted;
  }

  std::unordered_map<Labels, storage::SeriesRef> refs_;
  std::unordered_map<storage::SeriesRef, Series> series_;
  storage::SeriesRef next_ref_ = 1;
  storage::JournalPosition position_ = 0;
};

}  // namespace vigil::testing_support
