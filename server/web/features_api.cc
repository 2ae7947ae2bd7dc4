// SPDX-License-Identifier: Apache-2.0
// See features_api.h.
#include "server/web/features_api.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "client-lib/base/strings.h"
#include "server/discovery/list.h"
#include "server/promql/ast.h"
#include "server/promql/function_table.h"

namespace vigil::web {
namespace {

using FeatureMap = std::map<std::string, bool, std::less<>>;

FeatureMap ApiFeatures(const FeatureSwitches& switches) {
  return {{"admin", switches.admin},    {"exclude_alerts", true},
          {"label_values_match", true}, {"lifecycle", switches.lifecycle},
          {"openapi_3.1", true},        {"query_stats", true},
          {"query_warnings", true},     {"remote_write_receiver", switches.remote_write_receiver},
          {"search", switches.search},  {"time_range_labels", true},
          {"time_range_series", true}};
}

FeatureMap LanguageFeatures(const promql::EngineOptions& engine) {
  FeatureMap features = {{"anchored", engine.parser.extended_range_selectors},
                         {"smoothed", engine.parser.extended_range_selectors},
                         {"delayed_name_removal", engine.delayed_name_removal},
                         {"duration_expr", engine.parser.duration_expressions},
                         {"fill", engine.parser.fill_modifiers},
                         {"fill_left", engine.parser.fill_modifiers},
                         {"fill_right", engine.parser.fill_modifiers},
                         {"type_and_unit_labels", engine.type_and_unit_labels},
                         {"use_start_timestamps", engine.use_start_timestamps}};
  for (const std::string_view always :
       {"at_modifier", "bool", "by", "group_left", "group_right", "ignoring", "negative_offset",
        "offset", "on", "per_query_lookback_delta", "per_step_stats", "subqueries", "without"}) {
    features.emplace(always, true);
  }
  return features;
}

FeatureMap OperatorFeatures(bool experimental) {
  FeatureMap features = {{"=~", true}, {"!~", true}, {"@", true}};
  for (int i = 0; i <= static_cast<int>(promql::BinaryOp::kUnless); ++i) {
    features.emplace(promql::BinaryOpText(static_cast<promql::BinaryOp>(i)), true);
  }
  for (int i = 0; i <= static_cast<int>(promql::AggregateOp::kLimitRatio); ++i) {
    const auto op = static_cast<promql::AggregateOp>(i);
    const bool new_one =
        op == promql::AggregateOp::kLimitk || op == promql::AggregateOp::kLimitRatio;
    features.emplace(promql::AggregateOpText(op), experimental || !new_one);
  }
  return features;
}

FeatureMap FunctionFeatures(bool experimental) {
  FeatureMap features;
  for (const promql::FunctionRow* row : promql::AllFunctions()) {
    features.emplace(row->name, experimental || !row->experimental);
  }
  return features;
}

// file_sd_configs -> file, static_configs -> static.
FeatureMap DiscoveryFeatures() {
  FeatureMap features;
  for (const discovery::Mechanism& mechanism : discovery::Mechanisms()) {
    const std::string_view key = mechanism.key;
    features.emplace(key.substr(0, std::min(key.find("_sd_"), key.find("_configs"))), true);
  }
  return features;
}

void WriteCategory(std::string_view category, const FeatureMap& features, JsonWriter& json) {
  json.Key(category).BeginObject();
  for (const auto& [name, enabled] : features) json.Key(name).Bool(enabled);
  json.EndObject();
}

}  // namespace

Result<Annotations> ListFeatures(const FeatureSwitches& switches,
                                 const promql::EngineOptions& engine, JsonWriter& json) {
  const bool experimental = engine.parser.experimental_functions;
  json.BeginObject();
  WriteCategory("api", ApiFeatures(switches), json);
  WriteCategory("prometheus", {{"agent_mode", false}, {"server_mode", true}}, json);
  WriteCategory("promql", LanguageFeatures(engine), json);
  WriteCategory("promql_functions", FunctionFeatures(experimental), json);
  WriteCategory("promql_operators", OperatorFeatures(experimental), json);
  WriteCategory("scrape", {{"extra_scrape_metrics", true}, {"type_and_unit_labels", false}}, json);
  WriteCategory("service_discovery_providers", DiscoveryFeatures(), json);
  WriteCategory("tsdb", {{"exemplar_storage", true}, {"native_histograms", true}}, json);
  json.EndObject();
  return Annotations{};
}

}  // namespace vigil::web
