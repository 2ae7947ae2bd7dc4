// SPDX-License-Identifier: Apache-2.0
// See write_metadata.h.
#include "server/remote/write_metadata.h"

#include <array>
#include <map>
#include <string>
#include <utility>

#include "client-lib/base/strings.h"
#include "server/remote/proto_reader.h"

namespace vigil::remote {
namespace {

// By number, the same in 1.0 and 2.0.
constexpr std::array<std::string_view, 8> kTypes = {
    "unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"};
constexpr uint32_t kType = 1;
constexpr uint32_t kFamily = 2;
constexpr uint32_t kHelp = 4;
constexpr uint32_t kUnit = 5;
constexpr uint32_t kHelpRef = 3;
constexpr uint32_t kUnitRef = 4;

std::string TypeName(uint64_t number) {
  return std::string(kTypes[number < kTypes.size() ? number : 0]);
}

bool IsGood(const storage::MetricMetadata& row) {
  return !row.metric.empty() && IsValidUtf8(row.metric) && IsValidUtf8(row.help) &&
         IsValidUtf8(row.unit);
}

// prometheus.MetricMetadata.
bool ReadOne(std::string_view message, storage::MetricMetadata* row) {
  row->type = TypeName(0);
  ProtoReader reader(message);
  while (auto field = reader.Next()) {
    if (field->number == kType && field->type == WireType::kVarint) {
      row->type = TypeName(field->varint);
    } else if (field->type == WireType::kLength) {
      if (field->number == kFamily) row->metric = field->bytes;
      if (field->number == kHelp) row->help = field->bytes;
      if (field->number == kUnit) row->unit = field->bytes;
    }
  }
  return reader.ok();
}

// io.prometheus.write.v2.Metadata: texts are references into the table of symbols.
bool ReadTwo(std::string_view message, const std::vector<std::string_view>& symbols,
             storage::MetricMetadata* row) {
  row->type = TypeName(0);
  ProtoReader reader(message);
  while (auto field = reader.Next()) {
    if (field->type != WireType::kVarint) continue;
    if (field->number == kType) row->type = TypeName(field->varint);
    if (field->number != kHelpRef && field->number != kUnitRef) continue;
    if (field->varint >= symbols.size()) return false;
    (field->number == kHelpRef ? row->help : row->unit) = symbols[field->varint];
  }
  return reader.ok();
}

// The family of a series: its metric, for histograms and summaries without what their series add.
std::string FamilyOf(std::string_view metric, std::string_view type) {
  if (type == "histogram" || type == "gaugehistogram" || type == "summary") {
    for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
      if (metric.ends_with(suffix)) metric.remove_suffix(suffix.size());
    }
  }
  return std::string(metric);
}

}  // namespace

std::vector<storage::MetricMetadata> MetadataOf(const WriteRequest& request) {
  std::map<std::string, storage::MetricMetadata> by_metric;
  for (const WriteMetadata& told : request.metadata) {
    storage::MetricMetadata row;
    if (told.series == WriteMetadata::kOfFamily) {
      if (!ReadOne(told.message, &row)) continue;
    } else {
      if (!ReadTwo(told.message, request.symbols, &row)) continue;
      const Result<Labels> labels = DecodeLabels(request.series[told.series].raw_labels);
      if (!labels) continue;
      row.metric = FamilyOf(labels->Get(kMetricName), row.type);
    }
    if (IsGood(row)) by_metric[row.metric] = std::move(row);
  }
  std::vector<storage::MetricMetadata> rows;
  for (auto& [metric, row] : by_metric) rows.push_back(std::move(row));
  return rows;
}

}  // namespace vigil::remote
