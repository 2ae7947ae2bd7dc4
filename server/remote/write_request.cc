// SPDX-License-Identifier: Apache-2.0
// See write_request.h.
#include "server/remote/write_request.h"

#include <algorithm>
#include <bit>

#include "client-lib/base/strings.h"
#include "server/remote/proto_reader.h"

namespace vigil::remote {
namespace {

constexpr uint32_t kRequestTimeseries = 1;
constexpr uint32_t kSeriesLabels = 1;
constexpr uint32_t kSeriesSamples = 2;
constexpr uint32_t kSeriesExemplars = 3;
constexpr uint32_t kSeriesHistograms = 4;
constexpr uint32_t kLabelName = 1;
constexpr uint32_t kLabelValue = 2;
constexpr uint32_t kSampleValue = 1;
constexpr uint32_t kSampleTimestamp = 2;

Error Broken(std::string_view where) {
  return BadData("the body is not a prometheus.WriteRequest: broken protobuf in " +
                 std::string(where));
}

Result<void> DecodeSample(std::string_view message, WriteRequest* out) {
  double value = 0;
  TimestampMs timestamp = 0;
  ProtoReader reader(message);
  while (auto field = reader.Next()) {
    if (field->number == kSampleValue && field->type == WireType::kFixed64) {
      value = std::bit_cast<double>(field->varint);
    } else if (field->number == kSampleTimestamp && field->type == WireType::kVarint) {
      timestamp = static_cast<TimestampMs>(field->varint);
    }
  }
  if (!reader.ok()) return Broken("a sample");
  out->timestamps.push_back(timestamp);
  out->values.push_back(value);
  return Ok();
}

Result<void> DecodeSeries(std::string_view message, WriteRequest* out) {
  WriteSeries series;
  series.first_sample = out->timestamps.size();
  const char* labels_begin = nullptr;
  const char* labels_end = nullptr;
  const char* previous_end = message.data();
  ProtoReader reader(message);
  while (auto field = reader.Next()) {
    if (field->type != WireType::kLength) continue;
    const char* end = field->bytes.data() + field->bytes.size();
    switch (field->number) {
      case kSeriesLabels:
        // Senders write all labels first; the run of label fields is the key of the series.
        if (labels_begin == nullptr) labels_begin = previous_end;
        if (labels_end != nullptr && labels_end != previous_end) return Broken("the labels");
        labels_end = end;
        break;
      case kSeriesSamples:
        TRY(DecodeSample(field->bytes, out));
        break;
      case kSeriesExemplars:
        ++out->exemplars;
        break;
      case kSeriesHistograms:
        ++out->histograms;
        break;
      default:
        break;
    }
    previous_end = end;
  }
  if (!reader.ok()) return Broken("a time series");
  if (labels_begin != nullptr) {
    series.raw_labels = {labels_begin, static_cast<size_t>(labels_end - labels_begin)};
  }
  series.sample_count = out->timestamps.size() - series.first_sample;
  out->series.push_back(series);
  return Ok();
}

Result<LabelView> DecodeLabel(std::string_view message) {
  LabelView label;
  ProtoReader reader(message);
  while (auto field = reader.Next()) {
    if (field->type != WireType::kLength) continue;
    if (field->number == kLabelName) label.name = field->bytes;
    if (field->number == kLabelValue) label.value = field->bytes;
  }
  if (!reader.ok()) return Broken("a label");
  return label;
}

Result<void> CheckLabels(const std::vector<LabelView>& sorted) {
  bool named = false;
  for (size_t i = 0; i < sorted.size(); ++i) {
    const LabelView& label = sorted[i];
    if (!IsUtf8Name(label.name)) return BadData("invalid label name " + Quote(label.name));
    if (!IsValidUtf8(label.value)) {
      return BadData("the value of label " + Quote(label.name) + " is not valid UTF-8");
    }
    if (i > 0 && sorted[i - 1].name == label.name) {
      return BadData("label " + Quote(label.name) + " occurs twice in one series");
    }
    if (label.name == kMetricName) named = !label.value.empty();
  }
  if (!named) return BadData("a series has no metric name (label __name__)");
  return Ok();
}

}  // namespace

void WriteRequest::Clear() {
  series.clear();
  timestamps.clear();
  values.clear();
  histograms = 0;
  exemplars = 0;
}

Result<void> DecodeWriteRequest(std::string_view message, WriteRequest* out) {
  out->Clear();
  ProtoReader reader(message);
  while (auto field = reader.Next()) {
    if (field->number == kRequestTimeseries && field->type == WireType::kLength) {
      TRY(DecodeSeries(field->bytes, out));
    }
  }
  if (!reader.ok()) return Broken("the request");
  return Ok();
}

Result<Labels> DecodeLabels(std::string_view raw_labels) {
  std::vector<LabelView> pairs;
  ProtoReader reader(raw_labels);
  while (auto field = reader.Next()) {
    if (field->number == kSeriesLabels && field->type == WireType::kLength) {
      pairs.push_back(TRY(DecodeLabel(field->bytes)));
    }
  }
  if (!reader.ok()) return Broken("the labels");
  std::sort(pairs.begin(), pairs.end());
  TRY(CheckLabels(pairs));
  return Labels::Of(std::move(pairs));
}

}  // namespace vigil::remote
