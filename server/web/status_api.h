// SPDX-License-Identifier: Apache-2.0
// /api/v1/status/*: what this server is and how it was started.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/storage/block.h"
#include "server/storage/cardinality.h"
#include "server/storage/recent.h"
#include "server/web/envelope.h"

namespace vigil::web {

// How far the start has come with the journal, in pages.
struct ReplayProgress {
  uint64_t max = 0;
  uint64_t current = 0;
};

// Facts that main knows. The functions are called from any thread.
struct StatusSource {
  std::string version;
  std::string revision;
  std::string branch;
  std::string compiler;
  TimestampMs start_time = 0;
  std::vector<std::pair<std::string, std::string>> flags;
  std::function<std::string()> config_yaml;
  // Success and time of the last (re)load of the configuration.
  std::function<std::pair<bool, TimestampMs>()> last_reload;
  std::function<storage::Cardinality(size_t limit)> cardinality;
  std::function<storage::RecentStats()> recent;
  std::function<ReplayProgress()> replay;
  std::function<std::string()> storage_retention;  // "15d", "15d or 512MiB"
  std::function<uint64_t()> corruptions;           // broken pages and chunks found so far
  std::function<Result<std::vector<storage::Block>>()> blocks;  // by time
  std::function<std::string()> own_metrics;                     // the page of /metrics
};

// Threads: any.
class StatusApi {
 public:
  StatusApi(StatusSource source, const Clock& clock) : source_(std::move(source)), clock_(clock) {}

  Result<Annotations> BuildInfo(const ApiRequest& request, JsonWriter& json) const;
  // The same without the envelope: /version.
  [[nodiscard]] std::string Version() const;
  Result<Annotations> Config(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> Flags(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> RuntimeInfo(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> Tsdb(const ApiRequest& request, JsonWriter& json) const;
  // The leaves of the chunk table, described as upstream describes blocks. How many series one has
  // is not counted.
  Result<Annotations> Blocks(const ApiRequest& request, JsonWriter& json) const;
  // Also before the server is ready.
  Result<Annotations> WalReplay(const ApiRequest& request, JsonWriter& json) const;

 private:
  void WriteBuildInfo(JsonWriter& json) const;

  const StatusSource source_;
  const Clock& clock_;
};

}  // namespace vigil::web
