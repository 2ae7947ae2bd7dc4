// SPDX-License-Identifier: Apache-2.0
#include "server/storage/memory_store.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "client-lib/model/histogram_math.h"

namespace vigil::storage {
namespace {

struct MemorySeries {
  Labels labels;
  SampleColumns samples;
};

class MemorySeriesSet : public SeriesSet {
 public:
  explicit MemorySeriesSet(std::vector<MemorySeries> series) : series_(std::move(series)) {}
  [[nodiscard]] size_t size() const override { return series_.size(); }
  [[nodiscard]] const Labels& labels(size_t i) const override { return series_[i].labels; }
  Result<void> Read(size_t i, SampleColumns* out) const override {
    const SampleColumns& samples = series_[i].samples;
    out->timestamps.insert(out->timestamps.end(), samples.timestamps.begin(),
                           samples.timestamps.end());
    out->values.insert(out->values.end(), samples.values.begin(), samples.values.end());
    out->histograms.insert(out->histograms.end(), samples.histograms.begin(),
                           samples.histograms.end());
    out->start_timestamps.insert(out->start_timestamps.end(), samples.start_timestamps.begin(),
                                 samples.start_timestamps.end());
    return Ok();
  }
  [[nodiscard]] std::vector<std::string> warnings() const override { return {}; }

 private:
  std::vector<MemorySeries> series_;
};

bool IsGaugeHistogram(const Histogram& h) { return h.reset_hint == CounterResetHint::kGauge; }

// A writer would begin a new chunk with it: what is known of the samples before is of no use.
bool StartsAnew(const Histogram& h, const Histogram& previous) {
  if (h.reset_hint == CounterResetHint::kReset || IsGaugeHistogram(previous)) return true;
  if (h.schema != previous.schema || h.zero_threshold != previous.zero_threshold ||
      h.custom_values != previous.custom_values) {
    return true;
  }
  Histogram open = h;
  open.reset_hint = CounterResetHint::kUnknown;
  return DetectReset(open, previous);
}

// The hints that a store would give.
std::vector<HistogramSample> HistogramsWithHints(const SampleColumns& all) {
  std::vector<HistogramSample> out;
  const HistogramSample* previous = nullptr;
  for (const HistogramSample& sample : all.histograms) {
    auto histogram = std::make_shared<Histogram>(*sample.histogram);
    if (!IsGaugeHistogram(*histogram)) {
      const auto next_float =
          std::upper_bound(all.timestamps.begin(), all.timestamps.end(),
                           previous == nullptr ? sample.timestamp : previous->timestamp);
      const bool anew = previous == nullptr ||
                        (next_float != all.timestamps.end() && *next_float < sample.timestamp) ||
                        StartsAnew(*histogram, *previous->histogram);
      histogram->reset_hint = anew ? CounterResetHint::kUnknown : CounterResetHint::kNotReset;
    }
    out.push_back({sample.timestamp, std::move(histogram), sample.start_timestamp});
    previous = &sample;
  }
  return out;
}

SampleColumns CutSamples(const SampleColumns& all, TimestampMs start, TimestampMs end) {
  SampleColumns cut;
  for (HistogramSample& sample : HistogramsWithHints(all)) {
    if (sample.timestamp < start || sample.timestamp > end) continue;
    cut.histograms.push_back(std::move(sample));
  }
  const auto first = std::lower_bound(all.timestamps.begin(), all.timestamps.end(), start) -
                     all.timestamps.begin();
  const auto last =
      std::upper_bound(all.timestamps.begin(), all.timestamps.end(), end) - all.timestamps.begin();
  if (first >= last) return cut;
  cut.timestamps.assign(all.timestamps.begin() + first, all.timestamps.begin() + last);
  cut.values.assign(all.values.begin() + first, all.values.begin() + last);
  const auto starts = all.start_timestamps.begin();
  if (std::any_of(starts + first, starts + last, [](TimestampMs t) { return t != 0; })) {
    cut.start_timestamps.assign(starts + first, starts + last);
  }
  return cut;
}

bool HasSamplesWithin(const SampleColumns& all, TimestampMs start, TimestampMs end) {
  const SampleColumns cut = CutSamples(all, start, end);
  return !cut.empty() || !cut.histograms.empty();
}

}  // namespace

MemoryStore::Entry& MemoryStore::EntryOf(const Labels& labels) {
  return series_[std::string(labels.MetricName())][labels];
}

std::vector<const MemoryStore::SeriesOfName*> MemoryStore::Candidates(
    const std::vector<Matcher>& matchers) const {
  std::vector<const SeriesOfName*> candidates;
  for (const Matcher& matcher : matchers) {
    if (matcher.name() != kMetricName || matcher.type() != MatchType::kEqual) continue;
    const auto found = series_.find(matcher.value());
    if (found != series_.end()) candidates.push_back(&found->second);
    return candidates;
  }
  for (const auto& [name, of_name] : series_) candidates.push_back(&of_name);
  return candidates;
}

void MemoryStore::Clear() {
  by_ref_.clear();
  series_.clear();
}

void MemoryStore::Add(const Labels& labels, TimestampMs timestamp, double value,
                      TimestampMs start_timestamp) {
  SampleColumns& samples = EntryOf(labels).samples;
  const auto at = std::lower_bound(samples.timestamps.begin(), samples.timestamps.end(), timestamp);
  const auto index = at - samples.timestamps.begin();
  if (at == samples.timestamps.end() || *at != timestamp) {
    samples.timestamps.insert(at, timestamp);
    samples.values.insert(samples.values.begin() + index, 0);
    samples.start_timestamps.insert(samples.start_timestamps.begin() + index, 0);
  }
  samples.values[static_cast<size_t>(index)] = value;
  samples.start_timestamps[static_cast<size_t>(index)] = start_timestamp;
}

void MemoryStore::AddHistogram(const Labels& labels, TimestampMs timestamp, Histogram histogram,
                               TimestampMs start_timestamp) {
  std::vector<HistogramSample>& samples = EntryOf(labels).samples.histograms;
  auto at = std::lower_bound(
      samples.begin(), samples.end(), timestamp,
      [](const HistogramSample& sample, TimestampMs t) { return sample.timestamp < t; });
  if (at == samples.end() || at->timestamp != timestamp)
    at = samples.insert(at, {timestamp, {}, 0});
  at->histogram = std::make_shared<const Histogram>(std::move(histogram));
  at->start_timestamp = start_timestamp;
}

Result<std::unique_ptr<SeriesSet>> MemoryStore::Select(const std::vector<Matcher>& matchers,
                                                       const SelectHints& hints) const {
  std::vector<MemorySeries> selected;
  const std::vector<const SeriesOfName*> candidates = Candidates(matchers);
  for (const SeriesOfName* of_name : candidates) {
    for (const auto& [labels, entry] : *of_name) {
      if (!MatchesAll(matchers, labels)) continue;
      selected.push_back({labels, CutSamples(entry.samples, hints.start, hints.end)});
      const SampleColumns& cut = selected.back().samples;
      if (cut.empty() && cut.histograms.empty()) selected.pop_back();
    }
  }
  // Labels that sort before the name may mix the names.
  if (candidates.size() > 1) {
    std::sort(selected.begin(), selected.end(),
              [](const MemorySeries& x, const MemorySeries& y) { return x.labels < y.labels; });
  }
  return std::unique_ptr<SeriesSet>(std::make_unique<MemorySeriesSet>(std::move(selected)));
}

Result<std::vector<std::string>> MemoryStore::LabelNames(const std::vector<Matcher>& matchers,
                                                         TimestampMs start, TimestampMs end) const {
  std::set<std::string> names;
  for (const SeriesOfName* of_name : Candidates(matchers)) {
    for (const auto& [labels, entry] : *of_name) {
      if (!MatchesAll(matchers, labels) || !HasSamplesWithin(entry.samples, start, end)) continue;
      for (const LabelView label : labels) names.emplace(label.name);
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<std::string>> MemoryStore::LabelValues(std::string_view name,
                                                          const std::vector<Matcher>& matchers,
                                                          TimestampMs start,
                                                          TimestampMs end) const {
  std::set<std::string> values;
  for (const SeriesOfName* of_name : Candidates(matchers)) {
    for (const auto& [labels, entry] : *of_name) {
      if (!labels.Has(name) || !MatchesAll(matchers, labels)) continue;
      if (HasSamplesWithin(entry.samples, start, end)) values.emplace(labels.Get(name));
    }
  }
  return std::vector<std::string>(values.begin(), values.end());
}

Result<SeriesRef> MemoryStore::Resolve(const Labels& labels) {
  Entry& entry = EntryOf(labels);
  if (entry.ref == 0) {
    by_ref_.push_back(&entry.samples);
    entry.ref = by_ref_.size();
  }
  return entry.ref;
}

Result<AppendOutcome> MemoryStore::Append(const SampleBatch& batch, AppendMode mode) {
  CHECK(mode != AppendMode::kAllOrNothing);
  AppendOutcome outcome;
  const auto count = [&outcome](size_t index, SampleVerdict verdict) {
    if (verdict == SampleVerdict::kAccepted) {
      ++outcome.accepted;
      return true;
    }
    if (verdict == SampleVerdict::kDuplicateSame) {
      ++outcome.duplicates_same;
      return false;
    }
    if (outcome.rejected() == 0) {
      outcome.first_rejected = index;
      outcome.first_reason = verdict;
    }
    (verdict == SampleVerdict::kUnknownSeries ? outcome.unknown_series
     : verdict == SampleVerdict::kDuplicate   ? outcome.duplicates
                                              : outcome.out_of_order)++;
    return false;
  };
  for (size_t i = 0; i < batch.size(); ++i) {
    const TimestampMs at = batch.timestamps[i];
    if (!count(i, Judge(batch.refs[i], at, &batch.values[i]))) continue;
    SampleColumns& samples = *by_ref_[batch.refs[i] - 1];
    samples.Add(at, batch.values[i]);
    samples.start_timestamps.push_back(0);
  }
  for (size_t i = 0; i < batch.histograms.size(); ++i) {
    const HistogramSample& sample = batch.histograms[i];
    const SeriesRef ref = batch.histogram_refs[i];
    if (!count(batch.size() + i, Judge(ref, sample.timestamp, nullptr))) continue;
    by_ref_[ref - 1]->histograms.push_back(sample);
    ++outcome.accepted_histograms;
  }
  return outcome;
}

SampleVerdict MemoryStore::Judge(SeriesRef ref, TimestampMs timestamp, const double* value) const {
  if (ref == 0 || ref > by_ref_.size()) return SampleVerdict::kUnknownSeries;
  const SampleColumns& samples = *by_ref_[ref - 1];
  if (!samples.histograms.empty() && timestamp <= samples.histograms.back().timestamp) {
    return timestamp == samples.histograms.back().timestamp ? SampleVerdict::kDuplicate
                                                            : SampleVerdict::kOutOfOrder;
  }
  if (samples.empty() || timestamp > samples.timestamps.back()) return SampleVerdict::kAccepted;
  if (timestamp < samples.timestamps.back()) return SampleVerdict::kOutOfOrder;
  const bool same = value != nullptr && SameBits(*value, samples.values.back());
  return same ? SampleVerdict::kDuplicateSame : SampleVerdict::kDuplicate;
}

}  // namespace vigil::storage
