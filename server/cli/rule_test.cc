// SPDX-License-Identifier: Apache-2.0
#include "server/cli/rule_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "client-lib/base/strings.h"
#include "client-lib/model/annotations.h"
#include "client-lib/model/float_text.h"
#include "client-lib/model/histogram_text.h"
#include "server/promql/parser.h"
#include "server/rules/alerting_rule.h"

namespace vigil::cli {
namespace {

constexpr std::string_view kAlertNameLabel = "alertname";
constexpr std::string_view kBlockIndent = "            ";

Labels FromTexts(const LabelTexts& texts) {
  LabelsBuilder builder;
  for (const auto& [name, value] : texts) builder.Set(name, value);
  return builder.Build();
}

// An annotation whose text is empty is there, as upstream has it.
Labels FromAnnotations(const LabelTexts& texts) {
  std::vector<LabelView> pairs;
  for (const auto& [name, value] : texts) pairs.push_back({name, value});
  return MakeAnnotations(std::move(pairs));
}

promql::EngineOptions TestEngine(const RuleTestSettings& settings) {
  promql::EngineOptions options = settings.engine;
  options.default_subquery_step_ms = [step = settings.evaluation_interval] { return step; };
  return options;
}

// Floats and histograms of one series in the order of time.
std::string SamplesText(const SampleColumns& samples) {
  std::string out;
  const auto line = [&out](std::string_view value, TimestampMs at) {
    out += fmt::format("\n{} @[{}]", value, at);
  };
  size_t h = 0;
  for (size_t i = 0; i <= samples.size(); ++i) {
    const bool last = i == samples.size();
    for (; h < samples.histograms.size(); ++h) {
      const HistogramSample& sample = samples.histograms[h];
      if (!last && sample.timestamp > samples.timestamps[i]) break;
      line(HistogramText(*sample.histogram), sample.timestamp);
    }
    if (last || IsStaleNaN(samples.values[i])) continue;
    line(FormatFloatF(samples.values[i]), samples.timestamps[i]);
  }
  return out;
}

}  // namespace

RuleTestRun::RuleTestRun(const RuleTest& test, const RuleTestSettings& settings)
    : test_(test),
      settings_(settings),
      interval_(test.interval == 0 ? settings.evaluation_interval : test.interval),
      engine_(TestEngine(settings)),
      world_{.engine = engine_,
             .store = store_,
             .appender = store_,
             .clock = Clock::System(),
             .external_url = test.external_url} {}

std::vector<std::string> RuleTestRun::Run() {
  if (const Result<void> read = ReadInput(); !read) return {read.error().message};
  for (const AlertCase& one : test_.alert_cases) {
    if (!one.alertname.empty()) continue;
    return {fmt::format(
        "an item under alert_rule_test misses required attribute alertname at eval_time {}{}",
        FormatDuration(one.eval_time),
        test_.name.empty() ? "" : fmt::format(" (in TestGroup {})", test_.name))};
  }
  MakeGroups();
  std::vector<const AlertCase*> cases;
  for (const AlertCase& one : test_.alert_cases) cases.push_back(&one);
  std::stable_sort(cases.begin(), cases.end(), [](const AlertCase* a, const AlertCase* b) {
    return a->eval_time < b->eval_time;
  });
  const DurationMs step = settings_.evaluation_interval;
  auto next = cases.begin();
  for (DurationMs since = 0; since <= test_.Length(); since += step) {
    const TimestampMs at = test_.start + since;
    if (const Result<void> appended = AppendUntil(at); !appended) {
      failures_.push_back(appended.error().message);
    } else if (!EvaluateGroups(at)) {
      return failures_;
    }
    // The alerts stay as they are until the next evaluation.
    for (; next != cases.end() && (*next)->eval_time < since + step; ++next) CheckAlerts(**next);
  }
  for (const ExprCase& one : test_.expr_cases) CheckExpression(one);
  return failures_;
}

Result<void> RuleTestRun::ReadInput() {
  std::map<Labels, std::vector<promql::SeriesValue>> series;
  for (const InputSeries& input : test_.input_series) {
    promql::SeriesLine line = TRY(promql::ParseSeriesLine(input.series + " " + input.values));
    if (line.start_timestamps) {
      return BadData(Quote(input.series) + ": start timestamps have no place in tests of rules");
    }
    if (line.labels.empty()) return BadData("empty labelset: invalid sample");
    series[line.labels] = std::move(line.values);
  }
  for (auto& [labels, values] : series) {
    Input input;
    input.ref = TRY(store_.Resolve(labels));
    input.values = std::move(values);
    inputs_.push_back(std::move(input));
  }
  return Ok();
}

void RuleTestRun::MakeGroups() {
  rules::GroupDefaults defaults;
  defaults.interval = interval_;
  defaults.external_labels = FromTexts(test_.external_labels);
  const std::vector<std::string>& order = settings_.group_eval_order;
  const auto place = [&order](const rules::GroupSpec& spec) {
    const auto found = std::find(order.begin(), order.end(), spec.name);
    return found == order.end() ? 0 : found - order.begin();
  };
  std::vector<const rules::GroupSpec*> specs;
  for (const rules::GroupSpec& spec : settings_.groups) specs.push_back(&spec);
  std::stable_sort(specs.begin(), specs.end(),
                   [&place](const rules::GroupSpec* a, const rules::GroupSpec* b) {
                     return place(*a) < place(*b);
                   });
  for (const rules::GroupSpec* spec : specs) {
    groups_.push_back(std::make_unique<rules::RuleGroup>(*spec, defaults, world_));
    groups_.back()->SetRestored();
  }
}

Result<void> RuleTestRun::AppendUntil(TimestampMs at) {
  batch_.Clear();
  for (Input& input : inputs_) {
    for (; input.done < input.values.size(); ++input.done) {
      const TimestampMs time = test_.start + static_cast<int64_t>(input.done) * interval_;
      if (time > at) break;
      const promql::SeriesValue& value = input.values[input.done];
      if (value.kind == promql::SeriesValue::Kind::kFloat) {
        batch_.Add(input.ref, time, value.value);
      } else if (value.kind == promql::SeriesValue::Kind::kHistogram) {
        batch_.Add(input.ref, time, value.histogram);
      }
    }
  }
  const storage::AppendOutcome outcome =
      TRY(store_.Append(batch_, storage::AppendMode::kSkipRejected));
  if (outcome.rejected() == 0) return Ok();
  return BadData(std::string(storage::SampleVerdictText(outcome.first_reason)));
}

bool RuleTestRun::EvaluateGroups(TimestampMs at) {
  bool good = true;
  for (const auto& group : groups_) {
    group->Evaluate(at);
    for (const auto& rule : group->rules()) {
      const rules::RuleReport report = rule->report();
      if (report.last_error.empty()) continue;
      failures_.push_back(fmt::format("    rule: {}, time: {}, err: {}", rule->spec().name(),
                                      FormatGoDuration(at), report.last_error));
      good = false;
    }
  }
  return good;
}

void RuleTestRun::CheckAlerts(const AlertCase& expected) {
  std::vector<AlertText> got;
  for (const auto& group : groups_) {
    for (const auto& rule : group->rules()) {
      if (rule->alerting() == nullptr || rule->spec().name() != expected.alertname) continue;
      rule->alerting()->LookAtAlerts([&got](const rules::ActiveAlert& alert) {
        if (alert.state != rules::AlertState::kFiring) return;
        got.push_back({alert.labels, alert.annotations});
      });
    }
  }
  std::vector<AlertText> wanted;
  for (const ExpectedAlert& alert : expected.alerts) {
    LabelTexts labels = alert.labels;
    labels[std::string(kAlertNameLabel)] = expected.alertname;
    wanted.push_back({FromTexts(labels), FromAnnotations(alert.annotations)});
  }
  SortAlerts(&got);
  SortAlerts(&wanted);
  if (got == wanted) return;
  std::string text = test_.name.empty() ? "" : fmt::format("    name: {},\n", test_.name);
  text += fmt::format("    alertname: {}, time: {}, \n", expected.alertname,
                      FormatDuration(expected.eval_time));
  if (settings_.diff) {
    text += "        diff: " + IndentLines(DiffAlerts(wanted, got), kBlockIndent);
  } else {
    text += fmt::format("        exp:{}, \n        got:{}",
                        IndentLines(PrintAlerts(wanted), kBlockIndent),
                        IndentLines(PrintAlerts(got), kBlockIndent));
  }
  failures_.push_back(std::move(text));
}

void RuleTestRun::CheckExpression(const ExprCase& expected) {
  const std::string head = fmt::format("    expr: {}, time: {},", Quote(expected.expr),
                                       FormatDuration(expected.eval_time));
  Result<std::vector<SampleText>> got = Query(expected);
  if (!got) {
    failures_.push_back(fmt::format("{} err: {}", head, got.error().message));
    return;
  }
  Result<std::vector<SampleText>> wanted = Expected(expected);
  if (!wanted) {
    failures_.push_back(fmt::format("{} err: {}", head, wanted.error().message));
    return;
  }
  SortSamples(&*got);
  SortSamples(&*wanted);
  if (SameSamples(*wanted, *got, settings_.fuzzy_compare)) return;
  failures_.push_back(fmt::format("{}\n        exp: {}\n        got: {}", head,
                                  PrintSamples(*wanted), PrintSamples(*got)));
}

Result<std::vector<SampleText>> RuleTestRun::Query(const ExprCase& expected) const {
  promql::QueryRequest request;
  request.text = expected.expr;
  request.start = test_.start + expected.eval_time;
  request.end = request.start;
  const promql::QueryResult result = TRY(engine_.Execute(store_, request));
  std::vector<SampleText> samples;
  if (result.type == promql::ValueType::kScalar) {
    samples.push_back({Labels(), result.scalar, ""});
    return samples;
  }
  if (result.type != promql::ValueType::kVector) {
    return ExecutionError("rule result is not a vector or scalar");
  }
  for (const promql::ResultSeries& series : result.series) {
    SampleText& sample = samples.emplace_back(SampleText{series.labels, 0, ""});
    if (series.histograms.empty()) {
      sample.value = series.values[0];
    } else {
      sample.histogram = HistogramTestText(*series.histograms[0].histogram);
    }
  }
  return samples;
}

Result<std::vector<SampleText>> RuleTestRun::Expected(const ExprCase& expected) {
  std::vector<SampleText> samples;
  for (const ExpectedSample& written : expected.samples) {
    const std::string context = "labels " + Quote(written.labels);
    SampleText sample;
    sample.labels = TRY_CONTEXT(promql::ParseMetric(written.labels), context);
    sample.value = written.value;
    if (!written.histogram.empty()) {
      const HistogramPtr histogram =
          TRY_CONTEXT(promql::ParseHistogramValue(written.histogram), context);
      sample.histogram = HistogramTestText(*histogram);
    }
    samples.push_back(std::move(sample));
  }
  return samples;
}

std::string RuleTestRun::DebugText() const {
  // As promtool: to the second behind the last one.
  const DurationMs length = (test_.Length() + 1000) / 1000 * 1000;
  storage::SelectHints hints;
  hints.start = test_.start;
  hints.end = test_.start + length;
  std::string out = fmt::format("DEBUG: Dump of all data (input_series and rules) at {}:\n",
                                FormatGoDuration(length));
  const auto set = store_.Select({}, hints);
  if (!set) return out;
  for (size_t i = 0; i < (*set)->size(); ++i) {
    SampleColumns samples;
    if (!(*set)->Read(i, &samples)) continue;
    out += (*set)->labels(i).ToString() + " =>" + SamplesText(samples) + "\n";
  }
  return out;
}

}  // namespace vigil::cli
