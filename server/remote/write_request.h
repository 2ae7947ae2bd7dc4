// SPDX-License-Identifier: Apache-2.0
// Decodes remote write requests into columns: prometheus.WriteRequest (1.0) and
// io.prometheus.write.v2.Request (2.0). Field numbers:
// github.com/prometheus/prometheus/blob/main/prompb/{remote,types}.proto and
// prompb/io/prometheus/write/v2/types.proto.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"

namespace vigil::remote {

// One time series of the request: its label fields as they stand in a message of 1.0 (the key of
// the receiver's cache) and its rows in the request's columns.
struct WriteSeries {
  std::string_view raw_labels;
  size_t first_sample = 0;
  size_t sample_count = 0;
  size_t first_histogram = 0;
  size_t histogram_count = 0;
  size_t first_exemplar = 0;
  size_t exemplar_count = 0;
  bool best_effort = false;  // what is refused of it is no error
};

struct WriteExemplar {
  std::string_view raw_labels;  // as in WriteSeries; may be empty
  double value = 0;
  TimestampMs timestamp = 0;
};

// Metadata as it stands in the message; write_metadata.h reads it.
struct WriteMetadata {
  static constexpr size_t kOfFamily = SIZE_MAX;
  size_t series = kOfFamily;  // index, in 2.0
  std::string_view message;
};

// Views point into the decoded message or into `arena`. Clear() keeps capacity.
struct WriteRequest {
  std::vector<WriteSeries> series;
  std::vector<TimestampMs> timestamps;
  std::vector<double> values;
  // Staleness markers of histogram series are among the floats.
  std::vector<HistogramSample> histograms;
  std::vector<WriteExemplar> exemplars;
  std::vector<WriteMetadata> metadata;
  std::vector<std::string_view> symbols;  // of a 2.0 request
  std::string arena;                      // labels of a 2.0 request, rewritten as those of 1.0
  size_t unlabelled = 0;                  // series without labels: they are in no column

  void Clear();
  // Takes the rows of a series without labels back, whose beginning `begun` says.
  void DropUnlabelled(const WriteSeries& begun);
  // Memory that Clear() keeps.
  [[nodiscard]] size_t CapacityBytes() const;
};

// bad_data: `the body is not a prometheus.WriteRequest: ...`, or what is wrong with a histogram.
Result<void> DecodeWriteRequest(std::string_view message, WriteRequest* out);
// The same for io.prometheus.write.v2.Request.
Result<void> DecodeWriteRequestV2(std::string_view message, WriteRequest* out);

// The labels of WriteSeries::raw_labels, sorted. bad_data says what is invalid: a missing or bad
// metric name, an invalid label name, a name given twice, a value that is not UTF-8.
Result<Labels> DecodeLabels(std::string_view raw_labels);
// Of an exemplar: no metric name is needed, and there may be none.
Result<Labels> DecodeExemplarLabels(std::string_view raw_labels);

// For both decoders. False when the bytes are not protobuf.
bool DecodeWriteSample(std::string_view message, WriteRequest* out);
Result<void> DecodeWriteHistogram(std::string_view message, const Error& broken, WriteRequest* out);

}  // namespace vigil::remote
