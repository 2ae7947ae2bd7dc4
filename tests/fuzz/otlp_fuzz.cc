// SPDX-License-Identifier: Apache-2.0
// Any bytes as an OTLP export request: the columns it becomes stay consistent.
#include <cstdlib>
#include <string_view>

#include "client-lib/model/histogram_text.h"
#include "server/remote/otlp_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static vigil::remote::WriteRequest request;
  static vigil::remote::OtlpExtras extras;
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  if (!vigil::remote::DecodeOtlpRequest(message, 150'000, &request, &extras)) return 0;
  if (request.timestamps.size() != request.values.size()) std::abort();
  for (const auto& series : request.series) {
    if (series.first_sample + series.sample_count > request.values.size()) std::abort();
    if (series.first_histogram + series.histogram_count > request.histograms.size()) std::abort();
    if (series.first_exemplar + series.exemplar_count > request.exemplars.size()) std::abort();
    // Whatever the attributes are, names are valid; values need not be UTF-8.
    const auto labels = vigil::remote::DecodeLabels(series.raw_labels);
    if (labels.has_value() && labels->MetricName().empty()) std::abort();
  }
  for (const auto& exemplar : request.exemplars) {
    if (vigil::remote::DecodeExemplarLabels(exemplar.raw_labels).has_value()) continue;
  }
  for (const auto& sample : request.histograms) {
    if (!vigil::ValidateHistogram(*sample.histogram).has_value()) std::abort();
  }
  return 0;
}
