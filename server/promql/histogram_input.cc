// SPDX-License-Identifier: Apache-2.0
#include "server/promql/histogram_input.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "client-lib/model/float_text.h"

namespace vigil::promql {
namespace {

constexpr std::string_view kBucketLabel = "le";

}  // namespace

HistogramInput::HistogramInput(CallContext& call, const Vector& vector, const Expr& arg)
    : vector_(vector) {
  for (size_t i = 0; i < vector.histograms.size(); ++i) {
    if (AnyPresent(vector.histogram_row(i))) native_.push_back(i);
  }
  GroupBuckets(call, arg);
  if (!native_.empty() && !classic_.empty()) FindConflicts(call, arg);
}

// In the order of first appearance.
void HistogramInput::GroupBuckets(CallContext& call, const Expr& arg) {
  std::unordered_map<Labels, size_t> by_labels;
  LabelsBuilder builder;
  for (size_t i = 0; i < vector_.size(); ++i) {
    // A row that is all native histograms has no buckets.
    if (!vector_.histogram_row(i).empty() && !AnyPresent(vector_.row(i))) continue;
    const std::string_view le = vector_.labels[i].Get(kBucketLabel);
    const std::optional<double> bound = ParseFloat(le);
    if (!bound) {
      call.notes().BadBucketLabel(arg.pos, vector_.labels[i].MetricName(), le);
      continue;
    }
    builder.Reset(vector_.labels[i]);
    builder.Delete(kBucketLabel);
    Labels labels = builder.Build();
    const auto [at, fresh] = by_labels.emplace(labels, classic_.size());
    if (fresh) classic_.push_back({std::move(labels), vector_.drop_name[i] != 0, {}});
    classic_[at->second].rows.emplace_back(*bound, i);
  }
  for (Classic& histogram : classic_) {
    std::ranges::stable_sort(histogram.rows, {}, &std::pair<double, size_t>::first);
  }
}

void HistogramInput::FindConflicts(CallContext& call, const Expr& arg) {
  std::unordered_map<Labels, size_t> by_labels;
  for (size_t i = 0; i < classic_.size(); ++i) by_labels.emplace(classic_[i].labels, i);
  std::vector<Bucket> buckets;
  for (const size_t row : native_) {
    const auto found = by_labels.find(vector_.labels[row]);
    if (found == by_labels.end()) continue;
    for (size_t step = 0; step < vector_.steps; ++step) {
      if (vector_.histogram_row(row)[step] == nullptr) continue;
      if (!GatherAny(found->second, step, &buckets)) continue;
      call.notes().MixedClassicNative(arg.pos, vector_.labels[row].MetricName());
      classic_conflicts_.resize(classic_.size());
      classic_conflicts_[found->second].resize(vector_.steps);
      classic_conflicts_[found->second][step] = 1;
      native_conflicts_.resize(vector_.size());
      native_conflicts_[row].resize(vector_.steps);
      native_conflicts_[row][step] = 1;
    }
  }
}

bool HistogramInput::GatherAny(size_t classic, size_t step, std::vector<Bucket>* buckets) const {
  buckets->clear();
  for (const auto& [bound, row] : classic_[classic].rows) {
    const double count = vector_.row(row)[step];
    if (!IsStaleNaN(count)) buckets->push_back({bound, count});
  }
  return !buckets->empty();
}

bool HistogramInput::Gather(size_t classic, size_t step, std::vector<Bucket>* buckets) const {
  const bool conflict = classic < classic_conflicts_.size() &&
                        !classic_conflicts_[classic].empty() &&
                        classic_conflicts_[classic][step] != 0;
  return !conflict && GatherAny(classic, step, buckets);
}

const Histogram* HistogramInput::NativeAt(size_t row, size_t step) const {
  const bool conflict = row < native_conflicts_.size() && !native_conflicts_[row].empty() &&
                        native_conflicts_[row][step] != 0;
  return conflict ? nullptr : vector_.histogram_row(row)[step].get();
}

}  // namespace vigil::promql
