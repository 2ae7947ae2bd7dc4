// SPDX-License-Identifier: Apache-2.0
// A target: what was discovered, what relabelling made of it, where to scrape it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "client-lib/exposition/text_reader.h"
#include "client-lib/model/labels.h"
#include "server/config/scrape_config.h"
#include "server/discovery/provider.h"
#include "server/scrape/job.h"

namespace vigil::scrape {

// Immutable: a change makes a new one.
struct TargetSpec {
  std::shared_ptr<const Job> job;
  Labels discovered_labels;  // before relabelling, __meta_ included
  Labels labels;             // final: no __*; instance is set
  std::string url;
  DurationMs interval = 0;
  DurationMs timeout = 0;
  // How histograms are treated: as the job says, unless labels of the target say otherwise.
  bool native_histograms = false;
  bool always_classic = false;
  bool convert_classic = false;
  // Not empty: every scrape fails with this reason (target_limit exceeded).
  std::string forced_error;

  // Equal for the same labels and URL in the same job.
  [[nodiscard]] std::string Identity() const;
};

enum class TargetHealth { kUnknown, kUp, kDown };
// "unknown", "up", "down"
std::string_view TargetHealthName(TargetHealth health);

// One family that a target exposes. Upstream: {metric, type, help, unit}.
struct MetricMetadata {
  std::string metric;
  exposition::MetricType type = exposition::MetricType::kUnknown;
  std::string help;
  std::string unit;
  bool operator==(const MetricMetadata&) const = default;
};
using MetadataRows = std::vector<MetricMetadata>;  // sorted by metric

// What the last scrape said; written by the scrape loop, read by the web.
// Threads: any.
class TargetStatus {
 public:
  struct Values {
    TargetHealth health = TargetHealth::kUnknown;
    std::string last_error;
    TimestampMs last_scrape = 0;     // 0: never
    double last_scrape_seconds = 0;  // how long it took
  };
  [[nodiscard]] Values Get() const { return values_.Copy(); }
  void Set(Values values) { values_.Set(std::move(values)); }
  // Never null.
  [[nodiscard]] std::shared_ptr<const MetadataRows> metadata() const { return metadata_.Copy(); }
  void SetMetadata(std::shared_ptr<const MetadataRows> rows) { metadata_.Set(std::move(rows)); }

 private:
  Guarded<Values> values_;
  Guarded<std::shared_ptr<const MetadataRows>> metadata_{std::make_shared<const MetadataRows>()};
};

// What becomes of one discovered target.
struct BuiltTarget {
  // Null: dropped by relabelling.
  std::shared_ptr<TargetSpec> spec;
  Labels discovered_labels;
};

// The labels a target of this group starts with: its own, the group's, the job's.
Labels DiscoveredLabels(const Labels& target, const Labels& group, const config::ScrapeConfig& job);

// Relabels, checks and completes (the whole "target label flow"). bad_data: no address, a bad
// interval or label value...: such a target is left out and logged.
Result<BuiltTarget> BuildTarget(Labels discovered, const std::shared_ptr<const Job>& job);

}  // namespace vigil::scrape
