// SPDX-License-Identifier: Apache-2.0
// Any bytes as an uncompressed remote write request: decoded columns stay consistent.
#include <cstdlib>
#include <string_view>

#include "server/remote/write_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static vigil::remote::WriteRequest request;
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  if (!vigil::remote::DecodeWriteRequest(message, &request).has_value()) return 0;
  if (request.timestamps.size() != request.values.size()) std::abort();
  for (const auto& series : request.series) {
    if (series.first_sample + series.sample_count > request.values.size()) std::abort();
    auto labels = vigil::remote::DecodeLabels(series.raw_labels);
    if (labels.has_value() && labels->MetricName().empty()) std::abort();
  }
  return 0;
}
