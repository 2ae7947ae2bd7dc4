// SPDX-License-Identifier: Apache-2.0
// See federation_writer.h. Field numbers:
// github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto.
#include "server/web/federation_writer.h"

#include "client-lib/exposition/text_writer.h"
#include "server/remote/proto_writer.h"

namespace vigil::web {
namespace {

using remote::ProtoWriter;

constexpr int kUntyped = 3;
constexpr int kHistogram = 4;
constexpr int kGaugeHistogram = 5;

int FamilyType(const FederatedSample& sample) {
  if (sample.histogram == nullptr) return kUntyped;
  const bool gauge = sample.histogram->reset_hint == CounterResetHint::kGauge;
  return gauge ? kGaugeHistogram : kHistogram;
}

void AddSpans(uint32_t number, const std::vector<BucketSpan>& spans, ProtoWriter* histogram) {
  std::string body;
  for (const BucketSpan& span : spans) {
    body.clear();
    ProtoWriter fields(&body);
    fields.SignedVarint(1, span.offset);
    fields.Varint(2, span.length);
    histogram->Bytes(number, body);
  }
}

// All counts as floats: that is what upstream federates.
std::string HistogramBody(const Histogram& h) {
  std::string body;
  ProtoWriter fields(&body);
  fields.Double(2, h.sum);
  fields.Double(4, h.count);
  fields.SignedVarint(5, h.schema);
  fields.Double(6, h.zero_threshold);
  fields.Double(8, h.zero_count);
  AddSpans(9, h.negative_spans, &fields);
  for (const double count : h.negative_buckets) fields.Double(11, count);
  AddSpans(12, h.positive_spans, &fields);
  for (const double count : h.positive_buckets) fields.Double(14, count);
  return body;
}

}  // namespace

void FederationWriter::Add(const FederatedSample& sample, std::span<const LabelView> labels) {
  const std::string_view name = sample.labels.MetricName();
  const int type = FamilyType(sample);
  if (type != type_ || name != name_) {
    EndFamily();
    name_ = name;
    type_ = type;
    const std::string written = EscapeName(name, format_.escaping);
    if (format_.protobuf) {
      ProtoWriter family(&family_);
      family.Bytes(1, written);
      family.Varint(3, static_cast<uint64_t>(type));
    } else {
      exposition::AppendTypeLine(written, exposition::MetricType::kUnknown, &page_);
    }
  }
  format_.protobuf ? AddProtobuf(sample, labels) : AddText(sample, labels);
}

void FederationWriter::AddText(const FederatedSample& sample, std::span<const LabelView> labels) {
  std::vector<std::string> names;
  std::vector<LabelView> escaped(labels.begin(), labels.end());
  names.reserve(labels.size());
  for (LabelView& label : escaped) {
    label.name = names.emplace_back(EscapeName(label.name, format_.escaping));
  }
  exposition::AppendSeries(EscapeName(name_, format_.escaping), {}, escaped, &page_);
  exposition::AppendValue(sample.value, sample.timestamp, &page_);
}

void FederationWriter::AddProtobuf(const FederatedSample& sample,
                                   std::span<const LabelView> labels) {
  std::string metric;
  std::string part;
  ProtoWriter fields(&metric);
  for (const LabelView label : labels) {
    part.clear();
    ProtoWriter pair(&part);
    pair.Bytes(1, EscapeName(label.name, format_.escaping));
    pair.Bytes(2, label.value);
    fields.Bytes(1, part);
  }
  if (sample.histogram == nullptr) {
    part.clear();
    ProtoWriter(&part).Double(1, sample.value);
    fields.Bytes(5, part);
  }
  fields.Varint(6, static_cast<uint64_t>(sample.timestamp));
  if (sample.histogram != nullptr) fields.Bytes(7, HistogramBody(*sample.histogram));
  ProtoWriter(&family_).Bytes(4, metric);
}

void FederationWriter::EndFamily() {
  if (family_.empty()) return;
  remote::AppendVarint(family_.size(), &page_);
  page_ += family_;
  family_.clear();
}

std::string FederationWriter::Take() {
  EndFamily();
  return std::move(page_);
}

}  // namespace vigil::web
