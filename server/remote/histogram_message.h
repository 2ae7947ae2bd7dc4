// SPDX-License-Identifier: Apache-2.0
// The message Histogram of remote write and read, the same in 1.0 and 2.0. Field numbers:
// github.com/prometheus/prometheus/blob/main/prompb/types.proto.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/model/histogram.h"

namespace vigil::remote {

// Nothing when the bytes are not protobuf; bad_data, in upstream's words, when it is a message but
// no valid histogram. A staleness marker is a histogram whose sum has the marker's bits.
Result<std::optional<HistogramSample>> DecodeHistogram(std::string_view message);

// Appends the fields of the message.
void EncodeHistogram(const HistogramSample& sample, std::string* out);

// A count as the integer it was written as. Counts of integer histograms are exact up to 2^53.
int64_t IntegerCount(double count);

}  // namespace vigil::remote
