// SPDX-License-Identifier: Apache-2.0
// The message Histogram written.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "server/remote/histogram_message.h"
#include "server/remote/proto_writer.h"

namespace vigil::remote {
namespace {

void WriteSpanFields(uint32_t number, const std::vector<BucketSpan>& spans, ProtoWriter* message) {
  std::string body;
  for (const BucketSpan& span : spans) {
    body.clear();
    ProtoWriter fields(&body);
    fields.SignedVarint(1, span.offset);
    fields.Varint(2, span.length);
    message->Bytes(number, body);
  }
}

void WriteDoubleField(uint32_t number, const std::vector<double>& values, ProtoWriter* message) {
  if (values.empty()) return;
  std::string body;
  for (const double value : values) AppendFixed64(std::bit_cast<uint64_t>(value), &body);
  message->Bytes(number, body);
}

// Each as the change from the bucket before.
void WriteDeltaField(uint32_t number, const std::vector<double>& counts, ProtoWriter* message) {
  if (counts.empty()) return;
  std::string body;
  int64_t before = 0;
  for (const double count : counts) {
    const int64_t now = IntegerCount(count);
    AppendVarint(ZigZag(now - before), &body);
    before = now;
  }
  message->Bytes(number, body);
}

}  // namespace

int64_t IntegerCount(double count) {
  // Half of the range: differences of two stay inside.
  constexpr double kMost = 4.6e18;
  return std::isnan(count) ? 0 : static_cast<int64_t>(std::fmin(std::fmax(count, 0), kMost));
}

void EncodeHistogram(const HistogramSample& sample, std::string* out) {
  const Histogram& h = *sample.histogram;
  ProtoWriter message(out);
  if (h.integer) {
    message.Varint(1, static_cast<uint64_t>(IntegerCount(h.count)));
  } else {
    message.Double(2, h.count);
  }
  message.Double(3, h.sum);
  message.SignedVarint(4, h.schema);
  message.Double(5, h.zero_threshold);
  if (h.integer) {
    message.Varint(6, static_cast<uint64_t>(IntegerCount(h.zero_count)));
  } else {
    message.Double(7, h.zero_count);
  }
  WriteSpanFields(8, h.negative_spans, &message);
  if (h.integer) {
    WriteDeltaField(9, h.negative_buckets, &message);
  } else {
    WriteDoubleField(10, h.negative_buckets, &message);
  }
  WriteSpanFields(11, h.positive_spans, &message);
  if (h.integer) {
    WriteDeltaField(12, h.positive_buckets, &message);
  } else {
    WriteDoubleField(13, h.positive_buckets, &message);
  }
  message.Varint(14, static_cast<uint64_t>(h.reset_hint));
  message.Varint(15, static_cast<uint64_t>(sample.timestamp));
  WriteDoubleField(16, h.custom_values, &message);
}

}  // namespace vigil::remote
