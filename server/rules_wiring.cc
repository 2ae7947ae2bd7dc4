// SPDX-License-Identifier: Apache-2.0
#include "server/rules_wiring.h"

#include <array>
#include <utility>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "server/metric_rows.h"

namespace vigil::server {
namespace {

using RulesMetricType = toolkit::MetricSink::MetricType;

// One figure of each group.
struct GroupMetric {
  std::string_view name;
  std::string_view help;
  RulesMetricType type;
  double (*value)(const rules::RuleGroup& group, const rules::GroupReport& report);
};

constexpr std::array<GroupMetric, 10> kGroupMetrics = {{
    {"prometheus_rule_evaluations_total", "The total number of rule evaluations.",
     RulesMetricType::kCounter,
     [](const auto&, const auto& report) { return AsDouble(report.evaluations); }},
    {"prometheus_rule_evaluation_failures_total", "The total number of rule evaluation failures.",
     RulesMetricType::kCounter,
     [](const auto&, const auto& report) { return AsDouble(report.failures); }},
    {"prometheus_rule_group_iterations_total",
     "The total number of scheduled rule group evaluations, whether executed or missed.",
     RulesMetricType::kCounter,
     [](const auto&, const auto& report) { return AsDouble(report.iterations); }},
    {"prometheus_rule_group_iterations_missed_total",
     "The total number of rule group evaluations missed due to slow rule group evaluation.",
     RulesMetricType::kCounter,
     [](const auto&, const auto& report) { return AsDouble(report.missed); }},
    {"prometheus_rule_group_last_evaluation_timestamp_seconds",
     "The timestamp of the last rule group evaluation in seconds.", RulesMetricType::kGauge,
     [](const auto&, const auto& report) {
       // Upstream's text for the year 1, as it shows groups that were never evaluated.
       return report.last_evaluation == storage::kNever ? -62135596800.0
                                                        : Seconds(report.last_evaluation);
     }},
    {"prometheus_rule_group_last_duration_seconds",
     "The duration of the last rule group evaluation.", RulesMetricType::kGauge,
     [](const auto&, const auto& report) { return report.evaluation_seconds; }},
    {"prometheus_rule_group_last_rule_duration_sum_seconds",
     "The sum of time in seconds it took to evaluate each rule in the group regardless of "
     "concurrency. This should be higher than the group duration if rules are evaluated "
     "concurrently.",
     RulesMetricType::kGauge, [](const auto&, const auto& report) { return report.rule_seconds; }},
    {"prometheus_rule_group_interval_seconds", "The interval of a rule group.",
     RulesMetricType::kGauge,
     [](const auto& group, const auto&) { return Seconds(group.interval()); }},
    {"prometheus_rule_group_rules", "The number of rules.", RulesMetricType::kGauge,
     [](const auto& group, const auto&) { return AsDouble(group.rules().size()); }},
    {"prometheus_rule_group_last_evaluation_samples",
     "The number of samples returned during the last rule group evaluation.",
     RulesMetricType::kGauge,
     [](const auto&, const auto& report) { return AsDouble(report.samples); }},
}};

void AddDurations(std::string_view name, std::string_view help,
                  const rules::DurationSummary& summary, toolkit::MetricSink* sink) {
  const auto family = sink->Family(name, help, RulesMetricType::kSummary);
  const rules::DurationSummary::View view = summary.Read();
  for (size_t i = 0; i < view.quantiles.size(); ++i) {
    const std::string quantile = FormatFloatG(rules::DurationSummary::kQuantiles[i]);
    sink->Add(family, {{"quantile", quantile}}, view.quantiles[i]);
  }
  sink->Add(family, {}, view.sum, "_sum");
  sink->Add(family, {}, AsDouble(view.count), "_count");
}

rules::RuleWorld RuleWorldFrom(const RulesOptions& options, const Rules::World& world,
                               alerting::AlertSink* sink) {
  rules::RuleWorld out{world.engine, world.store, world.appender, world.clock};
  out.sink = sink;
  out.external_url = world.external_url;
  while (out.external_url.ends_with('/')) out.external_url.pop_back();
  out.resend_delay = options.resend_delay_ms;
  out.outage_tolerance = options.outage_tolerance_ms;
  out.grace_period = options.grace_period_ms;
  if (options.concurrent_rules) {
    out.helpers =
        std::make_shared<rules::HelperSlots>(static_cast<size_t>(options.max_concurrent_evals));
  }
  return out;
}

rules::GroupDefaults GroupDefaultsFrom(const config::Config& config) {
  return {config.global.evaluation_interval, config.global.rule_query_offset,
          config.global.external_labels};
}

}  // namespace

void RulesOptions::AddTo(toolkit::FlagSet* flags) {
  flags->Duration("rules.alert.for-outage-tolerance",
                  "Max time to tolerate prometheus outage for restoring \"for\" state of alert.",
                  &outage_tolerance_ms);
  flags->Duration("rules.alert.for-grace-period",
                  "Minimum duration between alert and restored \"for\" state. This is maintained "
                  "only for alerts with configured \"for\" time greater than grace period.",
                  &grace_period_ms);
  flags->Duration("rules.alert.resend-delay",
                  "Minimum amount of time to wait before resending an alert to Alertmanager.",
                  &resend_delay_ms);
  flags->Int("rules.max-concurrent-evals",
             "Rule groups that are evaluated at once; with --enable-feature=concurrent-rule-eval "
             "also, in all groups together, rules of a group that do not need each other.",
             &max_concurrent_evals);
}

Result<void> RulesOptions::Check() const {
  if (max_concurrent_evals < 1 || max_concurrent_evals > 256) {
    return BadData("--rules.max-concurrent-evals must be between 1 and 256");
  }
  return Ok();
}

Rules::Rules(const RulesOptions& options, World world)
    : manager_(RuleWorldFrom(options, world, &sender_), &world.states,
               {static_cast<size_t>(options.max_concurrent_evals)}) {}

Result<Rules::Groups> Rules::Load(const config::Config& config,
                                  const promql::ParserOptions& parser) {
  rules::RuleFileOptions options;
  options.parser = parser;
  options.legacy_names = config.global.metric_name_validation_scheme == "legacy";
  return TRY_CONTEXT(rules::LoadRuleFiles(config.rule_files, options), "loading the rules");
}

void Rules::Configure(const config::Config& config) {
  sender_.Configure(config.global.external_labels, config.alerting.alert_relabel_configs);
}

void Rules::Start(Groups groups, const config::Config& config) {
  Configure(config);
  manager_.Start(std::move(groups), GroupDefaultsFrom(config));
}

void Rules::Apply(Groups groups, const config::Config& config) {
  Configure(config);
  manager_.Apply(std::move(groups), GroupDefaultsFrom(config));
}

void Rules::Collect(toolkit::MetricSink* sink) const {
  for (const auto& group : manager_.Groups()) {
    const rules::GroupReport report = group->report();
    const std::string key = group->Key();
    for (const GroupMetric& metric : kGroupMetrics) {
      sink->Add(sink->Family(metric.name, metric.help, metric.type), {{"rule_group", key}},
                metric.value(*group, report));
    }
    if (report.restore_seconds > 0) {
      sink->Gauge("prometheus_rule_group_last_restore_duration_seconds",
                  "The duration of the last alert rules alerts restoration using the "
                  "`ALERTS_FOR_STATE` series.",
                  report.restore_seconds, {{"rule_group", key}});
    }
  }
  AddDurations("prometheus_rule_evaluation_duration_seconds", "The duration for a rule to execute.",
               manager_.rule_durations(), sink);
  AddDurations("prometheus_rule_group_duration_seconds", "The duration of rule group evaluations.",
               manager_.group_durations(), sink);
  sink->Counter("vigil_rules_alerts_dropped_total", "Alerts that alert_relabel_configs dropped.",
                AsDouble(sender_.dropped()));
}

}  // namespace vigil::server
