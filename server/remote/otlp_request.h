// SPDX-License-Identifier: Apache-2.0
// Translates OTLP export requests for metrics into the columns of remote write, as Prometheus does:
// names by a translation strategy, service.namespace/service.name and service.instance.id become
// job and instance, other attributes of a resource go into target_info and, where the settings say
// so, to each series; exponential histograms become native ones. Delta temporality has no
// counterpart and is dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "server/config/otlp_config.h"
#include "server/remote/otlp_names.h"
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

// The `otlp` section, ready to use.
struct OtlpSettings {
  OtlpSettings() = default;
  explicit OtlpSettings(const config::OtlpConfig& config);

  OtlpNaming naming;
  bool promote_all = false;
  // Attributes of resources that become labels; those that do not when all do.
  std::set<std::string, std::less<>> promoted;
  bool keep_identity = false;
  bool custom_buckets = false;
  bool promote_scope = false;
  int64_t info_interval_ms = 150'000;  // between two samples of target_info
};

// Views of *out point into its arena. bad_data when the bytes are no such message.
Result<void> DecodeOtlpRequest(std::string_view message, const OtlpSettings& settings,
                               WriteRequest* out, OtlpExtras* extras);

}  // namespace vigil::remote
