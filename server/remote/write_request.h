// SPDX-License-Identifier: Apache-2.0
// Decodes prometheus.WriteRequest (remote write 1.0) into columns. Field numbers:
// github.com/prometheus/prometheus/blob/main/prompb/{remote,types}.proto.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"

namespace vigil::remote {

// One time series of the request: its label fields as they stand in the message (the key of the
// receiver's cache) and its samples in the request's columns.
struct WriteSeries {
  std::string_view raw_labels;
  size_t first_sample = 0;
  size_t sample_count = 0;
};

// Views point into the decoded message. Clear() keeps capacity.
struct WriteRequest {
  std::vector<WriteSeries> series;
  std::vector<TimestampMs> timestamps;
  std::vector<double> values;
  size_t histograms = 0;  // native histograms seen
  size_t exemplars = 0;   // exemplars seen

  void Clear();
};

// bad_data: `the body is not a prometheus.WriteRequest: ...`.
Result<void> DecodeWriteRequest(std::string_view message, WriteRequest* out);

// The labels of WriteSeries::raw_labels, sorted. bad_data says what is invalid: a missing or bad
// metric name, an invalid label name, a name given twice, a value that is not UTF-8.
Result<Labels> DecodeLabels(std::string_view raw_labels);

}  // namespace vigil::remote
