// SPDX-License-Identifier: Apache-2.0
#include "tests/support/memory_storage.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "client-lib/model/histogram_math.h"

namespace vigil::tests {
namespace {

struct Selected {
  Labels labels;
  SampleColumns samples;
};

class MemorySeriesSet : public storage::SeriesSet {
 public:
  explicit MemorySeriesSet(std::vector<Selected> series) : series_(std::move(series)) {}
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
  std::vector<Selected> series_;
};

bool IsGauge(const Histogram& h) { return h.reset_hint == CounterResetHint::kGauge; }

// A writer would begin a new chunk with it: what is known of the samples before is of no use.
bool StartsAnew(const Histogram& h, const Histogram& previous) {
  if (h.reset_hint == CounterResetHint::kReset || IsGauge(previous)) return true;
  if (h.schema != previous.schema || h.zero_threshold != previous.zero_threshold ||
      h.custom_values != previous.custom_values) {
    return true;
  }
  Histogram open = h;
  open.reset_hint = CounterResetHint::kUnknown;
  return DetectReset(open, previous);
}

// The hints that a store would give.
std::vector<HistogramSample> WithHints(const SampleColumns& all) {
  std::vector<HistogramSample> out;
  const HistogramSample* previous = nullptr;
  for (const HistogramSample& sample : all.histograms) {
    auto histogram = std::make_shared<Histogram>(*sample.histogram);
    if (!IsGauge(*histogram)) {
      const auto next_float = std::ranges::upper_bound(
          all.timestamps, previous == nullptr ? sample.timestamp : previous->timestamp);
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

SampleColumns Cut(const SampleColumns& all, TimestampMs start, TimestampMs end) {
  SampleColumns cut;
  for (HistogramSample& sample : WithHints(all)) {
    if (sample.timestamp < start || sample.timestamp > end) continue;
    cut.histograms.push_back(std::move(sample));
  }
  const auto first = std::ranges::lower_bound(all.timestamps, start) - all.timestamps.begin();
  const auto last = std::ranges::upper_bound(all.timestamps, end) - all.timestamps.begin();
  if (first >= last) return cut;
  cut.timestamps.assign(all.timestamps.begin() + first, all.timestamps.begin() + last);
  cut.values.assign(all.values.begin() + first, all.values.begin() + last);
  const auto starts = all.start_timestamps.begin();
  if (std::any_of(starts + first, starts + last, [](TimestampMs t) { return t != 0; })) {
    cut.start_timestamps.assign(starts + first, starts + last);
  }
  return cut;
}

bool HasAny(const SampleColumns& all, TimestampMs start, TimestampMs end) {
  const SampleColumns cut = Cut(all, start, end);
  return !cut.empty() || !cut.histograms.empty();
}

}  // namespace

void MemoryStorage::Add(const Labels& labels, TimestampMs timestamp, double value,
                        TimestampMs start_timestamp) {
  SampleColumns& samples = series_[labels];
  const auto at = std::ranges::lower_bound(samples.timestamps, timestamp);
  const auto index = at - samples.timestamps.begin();
  if (at == samples.timestamps.end() || *at != timestamp) {
    samples.timestamps.insert(at, timestamp);
    samples.values.insert(samples.values.begin() + index, 0);
    samples.start_timestamps.insert(samples.start_timestamps.begin() + index, 0);
  }
  samples.values[static_cast<size_t>(index)] = value;
  samples.start_timestamps[static_cast<size_t>(index)] = start_timestamp;
}

void MemoryStorage::AddHistogram(const Labels& labels, TimestampMs timestamp, Histogram histogram,
                                 TimestampMs start_timestamp) {
  std::vector<HistogramSample>& samples = series_[labels].histograms;
  auto at = std::ranges::lower_bound(samples, timestamp, {}, &HistogramSample::timestamp);
  if (at == samples.end() || at->timestamp != timestamp)
    at = samples.insert(at, {timestamp, {}, 0});
  at->histogram = std::make_shared<const Histogram>(std::move(histogram));
  at->start_timestamp = start_timestamp;
}

Result<std::unique_ptr<storage::SeriesSet>> MemoryStorage::Select(
    const std::vector<Matcher>& matchers, const storage::SelectHints& hints) const {
  std::vector<Selected> selected;
  for (const auto& [labels, samples] : series_) {
    if (!MatchesAll(matchers, labels)) continue;
    selected.push_back({labels, Cut(samples, hints.start, hints.end)});
    const SampleColumns& cut = selected.back().samples;
    if (cut.empty() && cut.histograms.empty()) selected.pop_back();
  }
  return std::unique_ptr<storage::SeriesSet>(
      std::make_unique<MemorySeriesSet>(std::move(selected)));
}

Result<std::vector<std::string>> MemoryStorage::LabelNames(const std::vector<Matcher>& matchers,
                                                           TimestampMs start,
                                                           TimestampMs end) const {
  std::set<std::string> names;
  for (const auto& [labels, samples] : series_) {
    if (!MatchesAll(matchers, labels) || !HasAny(samples, start, end)) continue;
    for (const LabelView label : labels) names.emplace(label.name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<std::string>> MemoryStorage::LabelValues(std::string_view name,
                                                            const std::vector<Matcher>& matchers,
                                                            TimestampMs start,
                                                            TimestampMs end) const {
  std::set<std::string> values;
  for (const auto& [labels, samples] : series_) {
    if (!labels.Has(name) || !MatchesAll(matchers, labels)) continue;
    if (HasAny(samples, start, end)) values.emplace(labels.Get(name));
  }
  return std::vector<std::string>(values.begin(), values.end());
}

}  // namespace vigil::tests
