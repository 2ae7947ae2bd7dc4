// SPDX-License-Identifier: Apache-2.0
// See targets_api.h.
#include "server/web/targets_api.h"

#include <algorithm>
#include <map>

#include "client-lib/base/strings.h"
#include "server/promql/parser.h"

namespace vigil::web {
namespace {

// What Go prints for a time that was never set.
constexpr std::string_view kNever = "0001-01-01T00:00:00Z";

void WriteActive(const scrape::ActiveTarget& target, JsonWriter& json) {
  json.BeginObject();
  json.Key("discoveredLabels").LabelSet(target.discovered_labels);
  json.Key("labels").LabelSet(target.labels);
  json.Field("scrapePool", target.scrape_pool);
  json.Field("scrapeUrl", target.scrape_url);
  json.Field("globalUrl", target.global_url);
  json.Field("lastError", target.last_error);
  json.Field("lastScrape",
             target.last_scrape == 0 ? std::string(kNever) : FormatRfc3339(target.last_scrape));
  json.Key("lastScrapeDuration").Number(target.last_scrape_duration);
  json.Field("health", scrape::TargetHealthName(target.health));
  json.Field("scrapeInterval", FormatDuration(target.scrape_interval));
  json.Field("scrapeTimeout", FormatDuration(target.scrape_timeout));
  json.EndObject();
}

void WriteActiveTargets(const scrape::ScrapeManager& scraper, const std::string& pool, bool wanted,
                        JsonWriter& json) {
  json.Key("activeTargets").BeginArray();
  if (wanted) {
    for (const scrape::ActiveTarget& target : scraper.ActiveTargets()) {
      if (pool.empty() || target.scrape_pool == pool) WriteActive(target, json);
    }
  }
  json.EndArray();
}

void WriteDroppedTargets(const scrape::DroppedTargets& dropped, const std::string& pool,
                         bool wanted, JsonWriter& json) {
  json.Key("droppedTargets").BeginArray();
  for (const scrape::DroppedTarget& target : dropped.targets) {
    if (!wanted || (!pool.empty() && target.scrape_pool != pool)) continue;
    json.BeginObject().Key("discoveredLabels").LabelSet(target.discovered_labels);
    json.Field("scrapePool", target.scrape_pool).EndObject();
  }
  json.EndArray();
}

void WriteMetadataFields(const scrape::MetricMetadata& row, JsonWriter& json) {
  json.Field("type", exposition::MetricTypeName(row.type));
  json.Field("help", row.help);
  json.Field("unit", row.unit);
}

exposition::MetricType TypeOf(std::string_view name) {
  using exposition::MetricType;
  for (const MetricType type : {MetricType::kCounter, MetricType::kGauge, MetricType::kHistogram,
                                MetricType::kGaugeHistogram, MetricType::kSummary,
                                MetricType::kInfo, MetricType::kStateSet}) {
    if (exposition::MetricTypeName(type) == name) return type;
  }
  return MetricType::kUnknown;
}

// -1: no limit.
Result<int64_t> SignedLimit(const ApiRequest& request, std::string_view name) {
  const std::string& text = request.Get(name);
  if (text.empty()) return int64_t{-1};
  const std::optional<int64_t> limit = ParseInt(text);
  if (!limit) return BadData(std::string(name) + " must be a number");
  return *limit;
}

}  // namespace

Result<Annotations> TargetsApi::Targets(const ApiRequest& request, JsonWriter& json) const {
  std::string state = AsciiLower(request.Get("state"));
  if (state.empty()) state = "any";
  const std::string& pool = request.Get("scrapePool");
  json.BeginObject();
  WriteActiveTargets(scraper_, pool, state == "any" || state == "active", json);
  const bool want_dropped = state == "any" || state == "dropped";
  const scrape::DroppedTargets dropped = scraper_.Dropped();
  WriteDroppedTargets(dropped, pool, want_dropped, json);
  json.Key("droppedTargetCounts").BeginObject();
  for (const auto& [name, count] : dropped.counts) {
    if (want_dropped && (pool.empty() || name == pool)) {
      json.Key(name).Int(static_cast<int64_t>(count));
    }
  }
  json.EndObject().EndObject();
  return Annotations{};
}

Result<Annotations> TargetsApi::ScrapePools(const ApiRequest&, JsonWriter& json) const {
  json.BeginObject().Key("scrapePools").BeginArray();
  for (const std::string& pool : scraper_.ScrapePools()) json.String(pool);
  json.EndArray().EndObject();
  return Annotations{};
}

Result<Annotations> TargetsApi::Metadata(const ApiRequest& request, JsonWriter& json) const {
  const int64_t limit = TRY(SignedLimit(request, "limit"));
  const int64_t per_metric = TRY(SignedLimit(request, "limit_per_metric"));
  const std::string& metric = request.Get("metric");

  // Distinct rows per metric over all targets; the rows are shared snapshots, so only those kept
  // are looked at twice.
  const std::vector<scrape::TargetMetadata> targets = scraper_.Metadata();
  std::map<std::string_view, std::vector<const scrape::MetricMetadata*>> by_metric;
  for (const scrape::TargetMetadata& target : targets) {
    for (const scrape::MetricMetadata& row : *target.rows) {
      if (!metric.empty() && row.metric != metric) continue;
      auto& rows = by_metric[row.metric];
      const bool known =
          std::any_of(rows.begin(), rows.end(), [&](const auto* other) { return *other == row; });
      const bool room = per_metric <= 0 || rows.size() < static_cast<size_t>(per_metric);
      if (!known && room) rows.push_back(&row);
    }
  }
  const std::vector<storage::MetricMetadata> stored =
      stored_ == nullptr ? std::vector<storage::MetricMetadata>{} : stored_->Metadata(metric);
  std::vector<scrape::MetricMetadata> silent;  // no target tells of them
  for (const storage::MetricMetadata& row : stored) {
    if (by_metric.contains(row.metric)) continue;
    silent.push_back({row.metric, TypeOf(row.type), row.help, row.unit});
  }
  for (const scrape::MetricMetadata& row : silent) by_metric[row.metric].push_back(&row);
  int64_t written = 0;
  json.BeginObject();
  for (const auto& [name, rows] : by_metric) {
    if (limit >= 0 && written++ >= limit) break;
    json.Key(name).BeginArray();
    for (const scrape::MetricMetadata* row : rows) {
      json.BeginObject();
      WriteMetadataFields(*row, json);
      json.EndObject();
    }
    json.EndArray();
  }
  json.EndObject();
  return Annotations{};
}

Result<Annotations> TargetsApi::TargetMetadata(const ApiRequest& request, JsonWriter& json) const {
  const int64_t limit = TRY(SignedLimit(request, "limit"));
  const std::string& metric = request.Get("metric");
  std::vector<Matcher> matchers;
  if (const std::string& text = request.Get("match_target"); !text.empty()) {
    Result<std::vector<Matcher>> parsed = promql::ParseMetricSelector(text);
    if (!parsed) return InvalidParameter("match_target", parsed.error().message);
    matchers = std::move(*parsed);
  }
  int64_t written = 0;
  json.BeginArray();
  for (const scrape::TargetMetadata& target : scraper_.Metadata()) {
    if (!MatchesAll(matchers, target.target)) continue;
    for (const scrape::MetricMetadata& row : *target.rows) {
      if (!metric.empty() && row.metric != metric) continue;
      if (limit >= 0 && written >= limit) break;
      ++written;
      json.BeginObject().Key("target").LabelSet(target.target);
      if (metric.empty()) json.Field("metric", row.metric);
      WriteMetadataFields(row, json);
      json.EndObject();
    }
  }
  json.EndArray();
  return Annotations{};
}

}  // namespace vigil::web
