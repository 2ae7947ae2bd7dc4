// SPDX-License-Identifier: Apache-2.0
// See write_request.h.
#include "server/remote/write_request.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "client-lib/base/strings.h"
#include "server/remote/histogram_message.h"
#include "server/remote/proto_reader.h"

namespace vigil::remote {
namespace {

constexpr uint32_t kRequestTimeseries = 1;
constexpr uint32_t kRequestMetadata = 3;
constexpr uint32_t kSeriesLabels = 1;
constexpr uint32_t kSeriesSamples = 2;
constexpr uint32_t kSeriesExemplars = 3;
constexpr uint32_t kSeriesHistograms = 4;
constexpr uint32_t kLabelName = 1;
constexpr uint32_t kLabelValue = 2;
constexpr uint32_t kSampleValue = 1;
constexpr uint32_t kSampleTimestamp = 2;
constexpr uint32_t kExemplarValue = 2;
constexpr uint32_t kExemplarTimestamp = 3;

Error Broken(std::string_view where) {
  return BadData("the body is not a prometheus.WriteRequest: broken protobuf in " +
                 std::string(where));
}

// The run of label fields of a message, which senders write one behind the other.
class LabelRun {
 public:
  explicit LabelRun(std::string_view message) : previous_end_(message.data()) {}

  // False when the labels are not one run.
  bool See(const ProtoField& field, bool is_label) {
    const char* const end = field.bytes.data() + field.bytes.size();
    if (is_label) {
      if (begin_ == nullptr) begin_ = previous_end_;
      if (end_ != nullptr && end_ != previous_end_) return false;
      end_ = end;
    }
    previous_end_ = end;
    return true;
  }
  [[nodiscard]] std::string_view bytes() const {
    if (begin_ == nullptr) return {};
    return {begin_, static_cast<size_t>(end_ - begin_)};
  }

 private:
  const char* previous_end_;
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
};

Result<void> DecodeExemplar(std::string_view message, WriteRequest* out) {
  WriteExemplar exemplar;
  LabelRun labels(message);
  ProtoReader reader(message);
  while (auto field = reader.Next()) {
    if (field->type == WireType::kLength) {
      if (!labels.See(*field, field->number == kSeriesLabels)) return Broken("an exemplar");
    } else if (field->number == kExemplarValue && field->type == WireType::kFixed64) {
      exemplar.value = std::bit_cast<double>(field->varint);
    } else if (field->number == kExemplarTimestamp && field->type == WireType::kVarint) {
      exemplar.timestamp = static_cast<TimestampMs>(field->varint);
    }
  }
  if (!reader.ok()) return Broken("an exemplar");
  exemplar.raw_labels = labels.bytes();
  out->exemplars.push_back(exemplar);
  return Ok();
}

Result<void> DecodeSeries(std::string_view message, WriteRequest* out) {
  WriteSeries series;
  series.first_sample = out->timestamps.size();
  series.first_histogram = out->histograms.size();
  series.first_exemplar = out->exemplars.size();
  LabelRun labels(message);
  ProtoReader reader(message);
  while (auto field = reader.Next()) {
    if (field->type != WireType::kLength) continue;
    if (!labels.See(*field, field->number == kSeriesLabels)) return Broken("the labels");
    switch (field->number) {
      case kSeriesSamples:
        if (!DecodeWriteSample(field->bytes, out)) return Broken("a sample");
        break;
      case kSeriesExemplars:
        TRY(DecodeExemplar(field->bytes, out));
        break;
      case kSeriesHistograms:
        TRY(DecodeWriteHistogram(field->bytes, Broken("a histogram"), out));
        break;
      default:
        break;
    }
  }
  if (!reader.ok()) return Broken("a time series");
  series.raw_labels = labels.bytes();
  if (series.raw_labels.empty()) {
    out->DropUnlabelled(series);
    return Ok();
  }
  series.sample_count = out->timestamps.size() - series.first_sample;
  series.histogram_count = out->histograms.size() - series.first_histogram;
  series.exemplar_count = out->exemplars.size() - series.first_exemplar;
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

Result<void> CheckLabels(const std::vector<LabelView>& sorted, bool must_be_named) {
  bool named = !must_be_named;
  for (size_t i = 0; i < sorted.size(); ++i) {
    const LabelView& label = sorted[i];
    if (!IsUtf8Name(label.name)) return BadData("invalid label name " + Quote(label.name));
    if (!IsValidUtf8(label.value)) {
      return BadData("the value of label " + Quote(label.name) + " is not valid UTF-8");
    }
    if (i > 0 && sorted[i - 1].name == label.name) {
      return BadData("label " + Quote(label.name) + " occurs twice in one series");
    }
    if (label.name == kMetricName) named = named || !label.value.empty();
  }
  if (!named) return BadData("a series has no metric name (label __name__)");
  return Ok();
}

Result<Labels> ReadLabels(std::string_view raw_labels, bool must_be_named) {
  std::vector<LabelView> pairs;
  ProtoReader reader(raw_labels);
  while (auto field = reader.Next()) {
    if (field->number == kSeriesLabels && field->type == WireType::kLength) {
      pairs.push_back(TRY(DecodeLabel(field->bytes)));
    }
  }
  if (!reader.ok()) return Broken("the labels");
  std::sort(pairs.begin(), pairs.end());
  TRY(CheckLabels(pairs, must_be_named));
  return Labels::Of(std::move(pairs));
}

}  // namespace

bool DecodeWriteSample(std::string_view message, WriteRequest* out) {
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
  if (!reader.ok()) return false;
  out->timestamps.push_back(timestamp);
  out->values.push_back(value);
  return true;
}

Result<void> DecodeWriteHistogram(std::string_view message, const Error& broken,
                                  WriteRequest* out) {
  std::optional<HistogramSample> sample = TRY(DecodeHistogram(message));
  if (!sample) return broken;
  if (IsStaleNaN(sample->histogram->sum)) {
    out->timestamps.push_back(sample->timestamp);
    out->values.push_back(StaleNaN());
  } else {
    out->histograms.push_back(std::move(*sample));
  }
  return Ok();
}

void WriteRequest::Clear() {
  series.clear();
  timestamps.clear();
  values.clear();
  histograms.clear();
  exemplars.clear();
  metadata.clear();
  symbols.clear();
  arena.clear();
  unlabelled = 0;
}

void WriteRequest::DropUnlabelled(const WriteSeries& begun) {
  timestamps.resize(begun.first_sample);
  values.resize(begun.first_sample);
  histograms.resize(begun.first_histogram);
  exemplars.resize(begun.first_exemplar);
  while (!metadata.empty() && metadata.back().series == series.size()) metadata.pop_back();
  ++unlabelled;
}

size_t WriteRequest::CapacityBytes() const {
  const auto bytes = [](const auto& column) { return column.capacity() * sizeof(column[0]); };
  return bytes(series) + bytes(timestamps) + bytes(values) + bytes(histograms) + bytes(exemplars) +
         bytes(metadata) + bytes(symbols) + bytes(arena);
}

Result<void> DecodeWriteRequest(std::string_view message, WriteRequest* out) {
  out->Clear();
  ProtoReader reader(message);
  while (auto field = reader.Next()) {
    if (field->number == kRequestTimeseries && field->type == WireType::kLength) {
      TRY(DecodeSeries(field->bytes, out));
    } else if (field->number == kRequestMetadata && field->type == WireType::kLength) {
      out->metadata.push_back({WriteMetadata::kOfFamily, field->bytes});
    }
  }
  if (!reader.ok()) return Broken("the request");
  return Ok();
}

Result<Labels> DecodeLabels(std::string_view raw_labels) { return ReadLabels(raw_labels, true); }

Result<Labels> DecodeExemplarLabels(std::string_view raw_labels) {
  return ReadLabels(raw_labels, false);
}

}  // namespace vigil::remote
