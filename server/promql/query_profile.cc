// SPDX-License-Identifier: Apache-2.0
#include "server/promql/query_profile.h"

#include <utility>

namespace vigil::promql {

NodeCost& NodeCost::operator+=(const NodeCost& other) {
  evaluations += other.evaluations;
  steps += other.steps;
  output_series += other.output_series;
  ns += other.ns;
  series += other.series;
  samples += other.samples;
  chunks_in_memory += other.chunks_in_memory;
  chunks_in_database += other.chunks_in_database;
  return *this;
}

NodeCost QueryProfile::cost(const Expr& expr) const {
  const auto found = nodes_.find(&expr);
  return found == nodes_.end() ? NodeCost() : found->second;
}

NodeCost QueryProfile::total(const Expr& expr) const {
  NodeCost sum = cost(expr);
  ForEachChild(expr, [&](const Expr& child) { sum += total(child); });
  return sum;
}

void QueryProfile::Begin(const Clock& clock, const QueryStats& stats) {
  clock_ = &clock;
  stats_ = &stats;
  current_ = nullptr;
  last_ = Meter();
}

NodeCost QueryProfile::Meter() const {
  NodeCost reading;
  reading.ns = clock_->MonotonicNs();
  reading.series = stats_->series;
  reading.samples = stats_->samples_read;
  reading.chunks_in_memory = stats_->chunks_in_memory;
  reading.chunks_in_database = stats_->chunks_in_database;
  return reading;
}

const Expr* QueryProfile::Switch(const Expr* expr) {
  const NodeCost now = Meter();
  if (current_ != nullptr) {
    NodeCost& node = nodes_[current_];
    node.ns += now.ns - last_.ns;
    node.series += now.series - last_.series;
    node.samples += now.samples - last_.samples;
    node.chunks_in_memory += now.chunks_in_memory - last_.chunks_in_memory;
    node.chunks_in_database += now.chunks_in_database - last_.chunks_in_database;
  }
  last_ = now;
  return std::exchange(current_, expr);
}

Result<void> ProfiledRowSink::Take(const SeriesRow& row) {
  ++node_.output_series;
  const Expr* self = profile_.Switch(above_);
  Result<void> taken = out_.Take(row);
  profile_.Switch(self);
  return taken;
}

}  // namespace vigil::promql
