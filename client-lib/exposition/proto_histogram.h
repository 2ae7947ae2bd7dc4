// SPDX-License-Identifier: Apache-2.0
// The Histogram message of the protobuf exposition format (io.prometheus.client).
#pragma once

#include <cstdint>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/model/histogram.h"

namespace vigil::exposition {

// What a histogram has once. Buckets are read from the message when they are wanted.
struct ProtoHistogram {
  std::string_view message;
  std::string_view created;  // a google.protobuf.Timestamp
  double count = 0;          // integer or float, whichever the target sent
  double sum = 0;
  bool floats = false;       // counts are float64
  bool is_native = false;    // has spans, or a zero bucket that is in use
  bool has_buckets = false;  // of the classic kind
};

// bad_data when the message is cut off.
Result<ProtoHistogram> ReadProtoHistogram(std::string_view message);

// REQUIRES: is_native. bad_data when the message is cut off; whether buckets and spans fit together
// is not looked at.
Result<HistogramPtr> MakeNativeHistogram(const ProtoHistogram& histogram, bool gauge);

}  // namespace vigil::exposition
