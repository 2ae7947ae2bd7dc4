// SPDX-License-Identifier: Apache-2.0
// See status_api.h.
#include "server/web/status_api.h"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <thread>

#include "client-lib/base/strings.h"

namespace vigil::web {
namespace {

// Grafana reads the version to learn what the API can do: we say which Prometheus API this is and
// put our own version behind it.
constexpr std::string_view kApiVersion = "3.0.0";

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "localhost";
}

// What upstream's goroutines are here.
int64_t ThreadCount() {
  std::error_code failed;
  const std::filesystem::directory_iterator threads("/proc/self/task", failed);
  return failed ? 0 : std::distance(begin(threads), end(threads));
}

constexpr size_t kMaxTsdbLimit = 10'000;

void WriteCounts(std::string_view name, const storage::NamedCounts& counts, JsonWriter& json) {
  json.Key(name).BeginArray();
  for (const auto& [text, count] : counts) {
    json.BeginObject().Field("name", text);
    json.Key("value").Int(static_cast<int64_t>(count)).EndObject();
  }
  json.EndArray();
}

}  // namespace

Result<Annotations> StatusApi::Tsdb(const ApiRequest& request, JsonWriter& json) const {
  size_t limit = 10;
  if (const std::string& text = request.Get("limit"); !text.empty()) {
    const auto parsed = ParseUint(text);
    if (!parsed || *parsed == 0) return BadData("limit must be a positive number");
    if (*parsed > kMaxTsdbLimit) return BadData("limit must not exceed 10000");
    limit = *parsed;
  }
  const storage::RecentStats stats = source_.recent();
  const storage::Cardinality largest = source_.cardinality(limit);
  json.BeginObject();
  json.Key("headStats").BeginObject();
  json.Key("numSeries").Int(static_cast<int64_t>(stats.series));
  json.Key("numLabelPairs").Int(static_cast<int64_t>(stats.label_pairs));
  json.Key("chunkCount").Int(static_cast<int64_t>(stats.sealed_chunks + stats.series));
  json.Key("minTime").Int(stats.min_time);
  json.Key("maxTime").Int(stats.max_time);
  json.EndObject();
  WriteCounts("seriesCountByMetricName", largest.series_by_metric, json);
  WriteCounts("labelValueCountByLabelName", largest.values_by_label, json);
  WriteCounts("memoryInBytesByLabelName", largest.bytes_by_label, json);
  WriteCounts("seriesCountByLabelValuePair", largest.series_by_pair, json);
  json.EndObject();
  return Annotations{};
}

Result<Annotations> StatusApi::Blocks(const ApiRequest&, JsonWriter& json) const {
  const std::vector<storage::Block> blocks = TRY(source_.blocks());
  json.BeginObject().Key("blocks").BeginArray();
  for (const storage::Block& block : blocks) {
    json.BeginObject().Field("ulid", block.name);
    json.Key("minTime").Int(block.min_time);
    json.Key("maxTime").Int(block.end_time);
    json.Key("stats").BeginObject();
    json.Key("numSamples").Int(block.samples);
    json.Key("numChunks").Int(block.chunks).EndObject();
    json.Key("compaction").BeginObject();
    json.Key("level").Int(block.rewritten + 1);
    json.Key("sources").BeginArray().String(block.name).EndArray().EndObject();
    json.Key("version").Int(1).EndObject();
  }
  json.EndArray().EndObject();
  return Annotations{};
}

Result<Annotations> StatusApi::WalReplay(const ApiRequest&, JsonWriter& json) const {
  const ReplayProgress progress = source_.replay();
  json.BeginObject();
  json.Key("min").Int(0);
  json.Key("max").Int(static_cast<int64_t>(progress.max));
  json.Key("current").Int(static_cast<int64_t>(progress.current));
  json.EndObject();
  return Annotations{};
}

void StatusApi::WriteBuildInfo(JsonWriter& json) const {
  // No "features" here: Grafana takes its presence as "this is Mimir".
  json.BeginObject();
  json.Field("version", std::string(kApiVersion) + "+vigil." + source_.version);
  json.Field("revision", source_.revision);
  json.Field("branch", source_.branch);
  json.Field("buildUser", "");
  json.Field("buildDate", "");
  json.Field("goVersion", source_.compiler);
  json.EndObject();
}

Result<Annotations> StatusApi::BuildInfo(const ApiRequest&, JsonWriter& json) const {
  WriteBuildInfo(json);
  return Annotations{};
}

std::string StatusApi::Version() const {
  std::string body;
  JsonWriter json(&body);
  WriteBuildInfo(json);
  return body;
}

Result<Annotations> StatusApi::Config(const ApiRequest&, JsonWriter& json) const {
  json.BeginObject().Field("yaml", source_.config_yaml()).EndObject();
  return Annotations{};
}

Result<Annotations> StatusApi::Flags(const ApiRequest&, JsonWriter& json) const {
  json.BeginObject();
  for (const auto& [name, value] : source_.flags) json.Field(name, value);
  json.EndObject();
  return Annotations{};
}

Result<Annotations> StatusApi::RuntimeInfo(const ApiRequest&, JsonWriter& json) const {
  std::error_code ignored;
  const auto [reload_success, reload_time] = source_.last_reload();
  json.BeginObject();
  json.Field("startTime", FormatRfc3339(source_.start_time));
  json.Field("CWD", std::filesystem::current_path(ignored).string());
  json.Field("hostname", HostName());
  json.Field("serverTime", FormatRfc3339(clock_.Now()));
  json.Key("reloadConfigSuccess").Bool(reload_success);
  json.Field("lastConfigTime", FormatRfc3339(reload_time));
  json.Key("corruptionCount").Int(static_cast<int64_t>(source_.corruptions()));
  json.Key("goroutineCount").Int(ThreadCount());
  json.Key("GOMAXPROCS").Int(static_cast<int64_t>(std::thread::hardware_concurrency()));
  json.Field("storageRetention", source_.storage_retention());
  json.EndObject();
  return Annotations{};
}

}  // namespace vigil::web
