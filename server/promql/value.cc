// SPDX-License-Identifier: Apache-2.0
// Operations on whole vectors: merging, filtering and reordering of rows.
#include "server/promql/value.h"

#include <unordered_map>

#include "client-lib/model/histogram_math.h"

namespace vigil::promql {
namespace {

// Puts the samples of row `from` where row `into` has none; false when both have one.
bool MergeRow(Vector* vector, size_t from, size_t into) {
  for (size_t step = 0; step < vector->steps; ++step) {
    if (!vector->present(from, step)) continue;
    if (vector->present(into, step)) return false;
    vector->row(into)[step] = vector->row(from)[step];
    if (IsStaleNaN(vector->row(from)[step])) {
      HistogramPtr histogram = vector->histogram_row(from)[step];
      vector->MakeHistogramRow(into)[step] = std::move(histogram);
    }
  }
  return true;
}

bool HasSample(const Vector& vector, size_t i) {
  return AnyPresent(vector.row(i)) || AnyPresent(vector.histogram_row(i));
}

}  // namespace

Vector Reordered(const Vector& vector, std::span<const size_t> order) {
  Vector out;
  out.steps = vector.steps;
  out.labels.reserve(order.size());
  out.drop_name.reserve(order.size());
  out.values.reserve(order.size() * vector.steps);
  for (const size_t i : order) {
    out.Append(vector.labels[i], vector.drop_name[i] != 0, vector.row(i), vector.histogram_row(i));
  }
  return out;
}

size_t RowCost(std::span<const double> values, std::span<const HistogramPtr> histograms) {
  size_t cost = CountPresent(values);
  for (const HistogramPtr& h : histograms) cost += h == nullptr ? 0 : SampleCost(*h);
  return std::max(cost, values.size() / 4);
}

size_t RowBytes(const SeriesRow& row) {
  // Twice the columns, for a vector that grows is there twice for a moment.
  size_t bytes = 2 * row.values.size_bytes() + row.labels.HeapBytes() + 2 * sizeof(Labels);
  for (const HistogramPtr& h : row.histograms) bytes += h == nullptr ? 16 : 16 * SampleCost(*h);
  return bytes;
}

size_t SamplesCost(const SampleColumns& samples) {
  size_t cost = samples.size();
  for (const HistogramSample& sample : samples.histograms) cost += SampleCost(*sample.histogram);
  return cost;
}

void DropEmptyRows(Vector* vector) {
  std::vector<size_t> kept;
  for (size_t i = 0; i < vector->size(); ++i) {
    if (HasSample(*vector, i)) kept.push_back(i);
  }
  if (kept.size() != vector->size()) *vector = Reordered(*vector, kept);
}

Result<void> MergeSameLabels(Vector* vector) {
  std::unordered_map<Labels, size_t> first;
  first.reserve(vector->size());
  std::vector<size_t> kept;
  for (size_t i = 0; i < vector->size(); ++i) {
    const auto [at, fresh] = first.emplace(vector->labels[i], i);
    if (fresh) {
      kept.push_back(i);
      continue;
    }
    if (!MergeRow(vector, i, at->second)) {
      return ExecutionError(std::string(kSameLabelset));
    }
    if (vector->drop_name[i] != 0) vector->drop_name[at->second] = 1;
  }
  if (kept.size() != vector->size()) *vector = Reordered(*vector, kept);
  return Ok();
}

}  // namespace vigil::promql
