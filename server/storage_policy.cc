// SPDX-License-Identifier: Apache-2.0
#include "server/storage_policy.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/promql/parser.h"

namespace vigil::server {
namespace {

constexpr int64_t kDefaultRetentionMs = 15 * 86'400'000LL;

Result<ClassRule> RuleFrom(const config::RetentionClassConfig& in, size_t index) {
  const std::string where = "storage.retention_classes[" + std::to_string(index) + "]";
  if (in.match.empty()) return BadData(where + ": match is missing: name a selector");
  if (in.retention <= 0) {
    return BadData(where + ": retention is missing: say how long its samples are kept");
  }
  ClassRule rule;
  rule.match = in.match;
  rule.retention_ms = in.retention;
  rule.matchers = TRY_CONTEXT(promql::ParseMetricSelector(in.match), where + ".match");
  return rule;
}

// "512MB", the largest unit that divides it, as Go's units package prints it.
std::string SizeText(uint64_t bytes) {
  constexpr std::array<std::string_view, 7> kUnits = {"B",   "KiB", "MiB", "GiB",
                                                      "TiB", "PiB", "EiB"};
  size_t unit = 0;
  while (unit + 1 < kUnits.size() && bytes >= 1024 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return std::to_string(bytes) + std::string(kUnits[unit]);
}

}  // namespace

std::string StoragePolicy::RetentionText() const {
  std::string text = retention_ms > 0 ? FormatDuration(retention_ms) : "";
  if (retention_bytes > 0) text += (text.empty() ? "" : " or ") + SizeText(retention_bytes);
  return text;
}

postgres::RetentionPolicy StoragePolicy::WithoutIds() const {
  postgres::RetentionPolicy policy;
  policy.time_ms = retention_ms;
  policy.size_bytes = retention_bytes;
  policy.rollups = rollups;
  for (const ClassRule& rule : classes)
    policy.classes.push_back({0, rule.match, rule.retention_ms});
  return policy;
}

Result<StoragePolicy> StoragePolicyFrom(const Options& options, const config::Config& config) {
  const config::StorageConfig& storage = config.storage;
  const config::RetentionConfig& file = storage.tsdb.retention;
  StoragePolicy policy;
  policy.retention_ms = file.time > 0 ? file.time : options.retention_ms;
  policy.retention_bytes = file.size > 0 ? file.size : options.retention_bytes;
  if (policy.retention_ms == 0 && policy.retention_bytes == 0) {
    policy.retention_ms = kDefaultRetentionMs;
  }
  for (size_t i = 0; i < storage.retention_classes.size(); ++i) {
    ClassRule rule = TRY(RuleFrom(storage.retention_classes[i], i));
    const bool twice = std::any_of(policy.classes.begin(), policy.classes.end(),
                                   [&](const ClassRule& one) { return one.match == rule.match; });
    if (twice) {
      return BadData("storage.retention_classes[" + std::to_string(i) + "]: the match " +
                     rule.match + " is there twice: the second one would never be used");
    }
    policy.classes.push_back(std::move(rule));
  }
  if (storage.has_rollups) {
    policy.rollups.five_minutes_ms = storage.rollups.five_minutes.retention;
    policy.rollups.one_hour_ms = storage.rollups.one_hour.retention;
    policy.rollups.use_after_ms = storage.rollups.use_after;
  }
  return policy;
}

uint16_t ClassOf(const Labels& labels, const std::vector<ClassRule>& classes,
                 const std::vector<postgres::RetentionClass>& ids) {
  for (size_t i = 0; i < classes.size() && i < ids.size(); ++i) {
    if (MatchesAll(classes[i].matchers, labels)) return static_cast<uint16_t>(ids[i].id);
  }
  return storage::kDefaultRetentionClass;
}

}  // namespace vigil::server
