// SPDX-License-Identifier: Apache-2.0
// Any bytes as an OTLP export request, in protobuf and in JSON: the columns it becomes stay
// consistent, and what one encoding says has the same samples in the other.
#include <bit>
#include <cstdlib>
#include <string>
#include <string_view>

#include "client-lib/model/histogram_text.h"
#include "server/remote/otlp_json.h"
#include "server/remote/otlp_request.h"
#include "tests/support/otlp_json_text.h"

namespace {

using vigil::remote::OtlpExtras;
using vigil::remote::OtlpSettings;
using vigil::remote::WriteRequest;

constexpr size_t kMaxBytes = 1 << 20;

void Require(bool condition) {
  if (!condition) std::abort();
}

bool Decode(std::string_view message, const OtlpSettings& settings, WriteRequest* request) {
  static OtlpExtras extras;
  if (!vigil::remote::DecodeOtlpRequest(message, settings, request, &extras)) return false;
  Require(request->timestamps.size() == request->values.size());
  for (const auto& series : request->series) {
    Require(series.first_sample + series.sample_count <= request->values.size());
    Require(series.first_histogram + series.histogram_count <= request->histograms.size());
    Require(series.first_exemplar + series.exemplar_count <= request->exemplars.size());
    // Whatever the attributes are, names are valid; values need not be UTF-8.
    const auto labels = vigil::remote::DecodeLabels(series.raw_labels);
    Require(!labels.has_value() || !labels->MetricName().empty());
  }
  for (const auto& exemplar : request->exemplars) {
    if (vigil::remote::DecodeExemplarLabels(exemplar.raw_labels).has_value()) continue;
  }
  for (const auto& sample : request->histograms) {
    Require(vigil::ValidateHistogram(*sample.histogram).has_value());
  }
  return true;
}

void RequireSame(const WriteRequest& a, const WriteRequest& b) {
  Require(a.series.size() == b.series.size() && a.timestamps == b.timestamps);
  Require(a.values.size() == b.values.size() && a.histograms.size() == b.histograms.size() &&
          a.exemplars.size() == b.exemplars.size());
  for (size_t i = 0; i < a.series.size(); ++i) {
    Require(a.series[i].raw_labels == b.series[i].raw_labels);
  }
  for (size_t i = 0; i < a.values.size(); ++i) {
    Require(std::bit_cast<uint64_t>(a.values[i]) == std::bit_cast<uint64_t>(b.values[i]));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static WriteRequest request;
  static WriteRequest again;
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  OtlpSettings settings;
  // The input chooses among the settings.
  const unsigned bits = size == 0 ? 0 : data[size - 1];
  settings.naming = {(bits & 1) == 0, (bits & 2) == 0, (bits & 4) == 0, (bits & 8) == 0};
  settings.promote_all = (bits & 16) != 0;
  settings.keep_identity = (bits & 32) != 0;
  settings.custom_buckets = (bits & 64) != 0;
  settings.promote_scope = (bits & 128) != 0;
  static_cast<void>(Decode(message, settings, &request));
  // As JSON: what is understood is decoded like a message.
  if (const auto json = vigil::remote::OtlpJsonToProtobuf(message, kMaxBytes)) {
    static_cast<void>(Decode(*json, settings, &request));
  }
  // What JSON can say of the message, once and once more.
  const auto said =
      vigil::remote::OtlpJsonToProtobuf(vigil::test::OtlpJsonText(message), kMaxBytes);
  if (!said) return 0;  // nested too deep, or numbers that no field holds
  const auto repeated =
      vigil::remote::OtlpJsonToProtobuf(vigil::test::OtlpJsonText(*said), kMaxBytes);
  Require(repeated.has_value());
  const bool good = Decode(*said, settings, &request);
  Require(Decode(*repeated, settings, &again) == good);
  if (good) RequireSame(request, again);
  return 0;
}
