// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/series_insert.h"

#include <utility>

#include "server/postgres/binary.h"

namespace vigil::postgres {
namespace {

constexpr size_t kSeriesPerStatement = 5'000;
// A parameter has at most a gigabyte, which many series with long labels would exceed.
constexpr size_t kBytesPerStatement = 16 << 20;

constexpr const char* kInsertSeries =
    "INSERT INTO vigil.series_data (id, metric, labels) SELECT s.id, s.metric, s.labels::text[] "
    "FROM unnest($1::int8[], $2::text[], $3::text[]) AS s (id, metric, labels) "
    "ON CONFLICT (id) DO NOTHING";

}  // namespace

std::string SeriesInsert::Mend(std::string_view text) {
  std::string mended_text;
  if (!MendText(text, &mended_text)) return std::string(text);
  ++mended_;
  return mended_text;
}

Result<void> SeriesInsert::Add(const storage::SeriesRecord& record) {
  ids_.push_back(record.id);
  metrics_.push_back(Mend(record.labels.MetricName()));
  std::string literal = "{";
  for (const LabelView label : record.labels) {
    if (label.name == kMetricName) continue;
    AppendArrayElement(Mend(label.name), literal.size() == 1, &literal);
    AppendArrayElement(Mend(label.value), false, &literal);
  }
  bytes_ += metrics_.back().size() + literal.size();
  labels_.push_back(std::move(literal += '}'));
  return ids_.size() == kSeriesPerStatement || bytes_ >= kBytesPerStatement ? Finish() : Ok();
}

Result<void> SeriesInsert::Finish() {
  if (ids_.empty()) return Ok();
  Parameters parameters;
  parameters.Int8Array(ids_).TextArray(metrics_).TextArray(labels_);
  TRY(connection_->Query(kInsertSeries, parameters, timeout_ms_));
  ids_.clear();
  metrics_.clear();
  labels_.clear();
  bytes_ = 0;
  return Ok();
}

}  // namespace vigil::postgres
