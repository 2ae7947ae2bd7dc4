// SPDX-License-Identifier: Apache-2.0
// See write_encoder.h.
#include "server/remote/write_encoder.h"

#include <snappy.h>

#include "server/remote/proto_writer.h"

namespace vigil::remote {

std::string EncodeLabels(const Labels& labels) {
  std::string out;
  std::string pair;
  for (const LabelView label : labels) {
    pair.clear();
    ProtoWriter fields(&pair);
    fields.Bytes(1, label.name);
    fields.Bytes(2, label.value);
    ProtoWriter(&out).Bytes(1, pair);
  }
  return out;
}

void WriteEncoder::Add(std::string_view labels, std::span<const TimestampMs> times,
                       std::span<const double> values) {
  series_.assign(labels);
  ProtoWriter series(&series_);
  for (size_t i = 0; i < times.size(); ++i) series.Sample(2, times[i], values[i]);
  ProtoWriter(&message_).Bytes(1, series_);
}

std::string WriteEncoder::Take() {
  std::string compressed;
  snappy::Compress(message_.data(), message_.size(), &compressed);
  message_.clear();
  return compressed;
}

}  // namespace vigil::remote
