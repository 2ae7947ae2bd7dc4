// SPDX-License-Identifier: Apache-2.0
// Builds pages of the protobuf exposition format for tests, independently of the reader.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/model/labels.h"
#include "tests/support/remote_write_message.h"

namespace vigil::test {

using LabelList = std::vector<std::pair<std::string, std::string>>;

inline std::string LabelFields(const LabelList& labels) {
  std::string out;
  for (const auto& [name, value] : labels) out += LabelField(name, value);
  return out;
}

// {seconds, nanos} as field `number`.
inline std::string TimestampField(uint32_t number, int64_t seconds, int64_t nanos = 0) {
  return Message(
      number, Varint(1, static_cast<uint64_t>(seconds)) + Varint(2, static_cast<uint64_t>(nanos)));
}

// An exemplar as field `number`; without a time when seconds is 0.
inline std::string ExemplarField(uint32_t number, const LabelList& labels, double value,
                                 int64_t seconds = 0) {
  return Message(number, LabelFields(labels) + Double(2, value) +
                             (seconds == 0 ? "" : TimestampField(3, seconds)));
}

// A metric: its labels, its value message as field `number`, its time in milliseconds (0: none).
inline std::string MetricField(const LabelList& labels, uint32_t number, std::string_view value,
                               int64_t time_ms = 0) {
  return Message(4, LabelFields(labels) + Message(number, value) +
                        (time_ms == 0 ? "" : Varint(6, static_cast<uint64_t>(time_ms))));
}

// A family behind its length. Types: 0 counter, 1 gauge, 2 summary, 3 untyped, 4 histogram, 5 gauge
// histogram.
inline std::string FamilyOf(std::string_view name, uint64_t type, std::string_view metrics,
                            std::string_view help = {}, std::string_view unit = {}) {
  std::string body = Message(1, name);
  if (!help.empty()) body += Message(2, help);
  body += Varint(3, type);
  body += metrics;
  if (!unit.empty()) body += Message(5, unit);
  return Varint(body.size()) + body;
}

// A histogram with native and classic buckets: 1 in the zero bucket, 2, 5 and 1 above.
inline std::string NativeHistogramBody(bool classic) {
  std::string body = Varint(1, 9) + Double(2, 12.5);
  if (classic) {
    body += Message(3, Varint(1, 3) + Double(2, 1) + ExemplarField(3, {{"id", "b"}}, 0.5, 90));
    body += Message(3, Varint(1, 8) + Double(2, 2.5));
  }
  body += Varint(5, ZigZag(1)) + Double(6, 0.001) + Varint(7, 1);
  body += Message(12, Varint(1, ZigZag(-1)) + Varint(2, 2)) +
          Message(12, Varint(1, ZigZag(3)) + Varint(2, 1));
  body += PackedZigZag(13, {2, 3, -4});
  return body + TimestampField(15, 80);
}

}  // namespace vigil::test
