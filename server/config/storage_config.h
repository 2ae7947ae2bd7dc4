// SPDX-License-Identifier: Apache-2.0
// The `storage` block: settings of the store that may change while the server runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/model/duration.h"

namespace vigil::config {

// Of samples in no retention class. 0: the flags decide.
struct RetentionConfig {
  DurationMs time = 0;
  uint64_t size = 0;
};

// Series that a selector matches are kept for a time of their own (Vigil's own key).
struct RetentionClassConfig {
  std::string match;
  DurationMs retention = 0;
};

// How long roll-ups of one resolution are kept.
struct RollupConfig {
  DurationMs retention = 0;
};

// Roll-ups are made when the block is there (Vigil's own key).
struct RollupsConfig {
  RollupConfig five_minutes = {90 * 86'400'000LL};
  RollupConfig one_hour = {2 * 365 * 86'400'000LL};
  // Queries take them in place of samples that are still there when these are so old.
  DurationMs use_after = 86'400'000;
};

struct TsdbConfig {
  bool has_retention = false;
  RetentionConfig retention;
  // How far behind the newest sample of all a sample may be that is older than the newest of its
  // series; 0: such samples are refused.
  DurationMs out_of_order_time_window = 0;
};

struct ExemplarsConfig {
  // How many are kept in memory; 0: none.
  uint64_t max_exemplars = 100'000;
};

struct StorageConfig {
  bool has_tsdb = false;
  TsdbConfig tsdb;
  bool has_exemplars = false;
  ExemplarsConfig exemplars;
  std::vector<RetentionClassConfig> retention_classes;  // the first that matches takes a series
  bool has_rollups = false;
  RollupsConfig rollups;
};

}  // namespace vigil::config
