// SPDX-License-Identifier: Apache-2.0
#include "tests/support/memory_storage.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

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
    return Ok();
  }
  [[nodiscard]] std::vector<std::string> warnings() const override { return {}; }

 private:
  std::vector<Selected> series_;
};

SampleColumns Cut(const SampleColumns& all, TimestampMs start, TimestampMs end) {
  const auto first = std::ranges::lower_bound(all.timestamps, start) - all.timestamps.begin();
  const auto last = std::ranges::upper_bound(all.timestamps, end) - all.timestamps.begin();
  SampleColumns cut;
  if (first >= last) return cut;
  cut.timestamps.assign(all.timestamps.begin() + first, all.timestamps.begin() + last);
  cut.values.assign(all.values.begin() + first, all.values.begin() + last);
  return cut;
}

}  // namespace

void MemoryStorage::Add(const Labels& labels, TimestampMs timestamp, double value) {
  SampleColumns& samples = series_[labels];
  const auto at = std::ranges::lower_bound(samples.timestamps, timestamp);
  const auto index = at - samples.timestamps.begin();
  if (at != samples.timestamps.end() && *at == timestamp) {
    samples.values[static_cast<size_t>(index)] = value;
    return;
  }
  samples.timestamps.insert(at, timestamp);
  samples.values.insert(samples.values.begin() + index, value);
}

Result<std::unique_ptr<storage::SeriesSet>> MemoryStorage::Select(
    const std::vector<Matcher>& matchers, const storage::SelectHints& hints) const {
  std::vector<Selected> selected;
  for (const auto& [labels, samples] : series_) {
    if (!MatchesAll(matchers, labels)) continue;
    selected.push_back({labels, Cut(samples, hints.start, hints.end)});
    if (selected.back().samples.empty()) selected.pop_back();
  }
  return std::unique_ptr<storage::SeriesSet>(
      std::make_unique<MemorySeriesSet>(std::move(selected)));
}

Result<std::vector<std::string>> MemoryStorage::LabelNames(const std::vector<Matcher>& matchers,
                                                           TimestampMs start,
                                                           TimestampMs end) const {
  std::set<std::string> names;
  for (const auto& [labels, samples] : series_) {
    if (!MatchesAll(matchers, labels) || Cut(samples, start, end).empty()) continue;
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
    if (!Cut(samples, start, end).empty()) values.emplace(labels.Get(name));
  }
  return std::vector<std::string>(values.begin(), values.end());
}

}  // namespace vigil::tests
