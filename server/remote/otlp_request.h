// SPDX-License-Identifier: Apache-2.0
// Translates OTLP export requests for metrics into the columns of remote write, as Prometheus does
// by default: names by UnderscoreEscapingWithSuffixes, service.namespace/service.name and
// service.instance.id become job and instance, other attributes of a resource go into target_info,
// exponential histograms become native ones. Delta temporality has no counterpart and is dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "server/remote/write_request.h"
#include "server/storage/metadata.h"

namespace vigil::remote {

// What a request has beside its samples.
struct OtlpExtras {
  std::vector<storage::MetricMetadata> metadata;
  // What was left out, in upstream's words: the first few, and how many there were.
  std::vector<std::string> problems;
  size_t dropped = 0;
};

// Views of *out point into its arena. target_info gets a sample each info_interval_ms. bad_data
// when the bytes are no such message.
Result<void> DecodeOtlpRequest(std::string_view message, int64_t info_interval_ms,
                               WriteRequest* out, OtlpExtras* extras);

}  // namespace vigil::remote
