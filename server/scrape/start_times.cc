// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/start_times.h"

#include <cmath>
#include <functional>
#include <memory>
#include <utility>

#include "client-lib/exposition/classic_line.h"

namespace vigil::scrape {
namespace {

using exposition::MetricType;

// A counter reset by definition, in the layout of what comes behind it.
HistogramPtr ZeroLike(const Histogram& next) {
  auto zero = std::make_shared<Histogram>();
  zero->reset_hint = CounterResetHint::kReset;
  zero->integer = next.integer;
  zero->schema = next.schema;
  zero->zero_threshold = next.zero_threshold;
  zero->custom_values = next.custom_values;
  return zero;
}

}  // namespace

void StartTimes::BeginFamily(const exposition::Entry& type) {
  samples_.clear();
  counts_ = type.type == MetricType::kCounter || type.type == MetricType::kHistogram ||
            type.type == MetricType::kSummary;
  if (!counts_) return;
  family_ = type.series;
  own_label_ = type.type == MetricType::kHistogram ? "le"
               : type.type == MetricType::kSummary ? "quantile"
                                                   : "";
}

std::string_view StartTimes::BaseOf(std::string_view series, std::string_view* suffix) {
  const auto line = exposition::ReadFamilyLine(series, family_, own_label_, &base_);
  if (!line) return {};
  *suffix = line->suffix;
  return base_;
}

bool StartTimes::TakeCreated(const exposition::Entry& entry, storage::SampleBatch* zeros) {
  if (!counts_ || entry.series.find("_created") == std::string_view::npos) return false;
  std::string_view suffix;
  const std::string_view base = BaseOf(entry.series, &suffix);
  if (base.empty() || suffix != "_created") return false;
  constexpr double kMostSeconds = 9e12;
  if (!(entry.value > 0 && entry.value < kMostSeconds)) return true;
  const auto start = static_cast<TimestampMs>(std::trunc(entry.value * 1000));
  if (std::hash<std::string_view>()(base) != base_hash_) return true;
  for (const StartedSample& one : samples_) AddZero(one, start, zeros);
  samples_.clear();
  return true;
}

void StartTimes::Remember(const exposition::Entry& entry, StartedSample sample) {
  if (!counts_) return;
  std::string_view suffix;
  // A native histogram has the text of the metric itself.
  const std::string_view base = BaseOf(entry.series, &suffix);
  if (base.empty()) return;
  const size_t hash = std::hash<std::string_view>()(base);
  if (hash != base_hash_) samples_.clear();
  base_hash_ = hash;
  samples_.push_back(std::move(sample));
}

void StartTimes::AddZero(const StartedSample& sample, TimestampMs start,
                         storage::SampleBatch* zeros) {
  if (start >= sample.time || start <= sample.newest) return;
  if (sample.histogram == nullptr) {
    zeros->Add(sample.ref, start, 0.0);
  } else {
    zeros->Add(sample.ref, start, ZeroLike(*sample.histogram));
  }
}

}  // namespace vigil::scrape
