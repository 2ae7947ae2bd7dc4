// SPDX-License-Identifier: Apache-2.0
// Operations on whole vectors: merging, filtering and reordering of rows.
#include "server/promql/value.h"

#include <unordered_map>

namespace vigil::promql {
namespace {

// Puts the samples of `from` where `into` has none; false when both have one.
bool MergeRow(std::span<const double> from, std::span<double> into) {
  for (size_t i = 0; i < from.size(); ++i) {
    if (IsStaleNaN(from[i])) continue;
    if (!IsStaleNaN(into[i])) return false;
    into[i] = from[i];
  }
  return true;
}

}  // namespace

Vector Reordered(const Vector& vector, std::span<const size_t> order) {
  Vector out;
  out.steps = vector.steps;
  out.labels.reserve(order.size());
  out.drop_name.reserve(order.size());
  out.values.reserve(order.size() * vector.steps);
  for (const size_t i : order) {
    out.Append(vector.labels[i], vector.drop_name[i] != 0, vector.row(i));
  }
  return out;
}

void DropEmptyRows(Vector* vector) {
  std::vector<size_t> kept;
  for (size_t i = 0; i < vector->size(); ++i) {
    const std::span<const double> row = vector->row(i);
    if (std::ranges::any_of(row, [](double v) { return !IsStaleNaN(v); })) kept.push_back(i);
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
    if (!MergeRow(vector->row(i), vector->row(at->second))) {
      return ExecutionError(std::string(kSameLabelset));
    }
    if (vector->drop_name[i] != 0) vector->drop_name[at->second] = 1;
  }
  if (kept.size() != vector->size()) *vector = Reordered(*vector, kept);
  return Ok();
}

}  // namespace vigil::promql
