// SPDX-License-Identifier: Apache-2.0
// How long the store keeps what: the flags and the configuration file together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/matcher.h"
#include "server/config/config.h"
#include "server/options.h"
#include "server/postgres/retention.h"

namespace vigil::server {

// Series of a retention class; see config::RetentionClassConfig.
struct ClassRule {
  std::string match;
  std::vector<Matcher> matchers;
  int64_t retention_ms = 0;
};

struct StoragePolicy {
  int64_t retention_ms = 0;      // 0: for ever
  uint64_t retention_bytes = 0;  // 0: no limit
  std::vector<ClassRule> classes;
  postgres::RollupPolicy rollups;

  // "15d", "15d or 512MB", as /api/v1/status/runtimeinfo has it.
  [[nodiscard]] std::string RetentionText() const;
  // For Maintenance::SetPolicy.
  [[nodiscard]] postgres::RetentionPolicy WithoutIds() const;
};

// The file goes before the flags; neither means 15 days. bad_data names the key.
Result<StoragePolicy> StoragePolicyFrom(const Options& options, const config::Config& config);

// The id of the first class whose matchers match, in the order of the policy, else the default one.
uint16_t ClassOf(const Labels& labels, const std::vector<ClassRule>& classes,
                 const std::vector<postgres::RetentionClass>& ids);

}  // namespace vigil::server
