// SPDX-License-Identifier: Apache-2.0
#include "server/cli/rules_backfill.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"

namespace vigil::cli {
namespace {

std::string Seconds(TimestampMs at) { return FormatFloatF(static_cast<double>(at) / 1000); }

// [seconds, "value"]
struct Point {
  TimestampMs at = 0;
  double value = 0;
};
Result<Point> ParsePoint(const JsonValue& pair) {
  const auto seconds =
      pair.items.size() == 2 ? ParseFloat(pair.items[0].text) : std::optional<double>();
  const auto value = seconds ? ParseFloat(pair.items[1].text) : std::optional<double>();
  if (!value) return Internal("the server's answer has a sample that is none");
  return Point{std::llround(*seconds * 1000), *value};
}

}  // namespace

RulesBackfill::RulesBackfill(BackfillOptions options, Ask ask, RemoteWriter* writer)
    : options_(options), ask_(std::move(ask)), writer_(writer) {}

Result<void> RulesBackfill::CheckServer() const {
  const JsonValue document = TRY(ask_("status/flags", {}));
  const JsonValue& flags = document["data"];
  for (const std::string_view flag :
       {"web.enable-remote-write-receiver", "storage.allow-backfill"}) {
    // Other servers have other flags: their answers to what is written will tell.
    if (flags[flag].text != "false") continue;
    return BadData(
        fmt::format("the server does not take samples of the past: start it with "
                    "--web.enable-remote-write-receiver and --storage.allow-backfill "
                    "(--{} is missing)",
                    flag));
  }
  return Ok();
}

Result<RulesBackfill::Done> RulesBackfill::Run(const rules::GroupSpec& group,
                                               const rules::RuleSpec& rule) {
  series_.clear();
  waiting_.clear();
  done_ = {};
  const DurationMs interval = group.interval > 0 ? group.interval : options_.eval_interval;
  TimestampMs at = (options_.start + interval - 1) / interval * interval;
  const auto steps = static_cast<int64_t>(options_.steps_per_query);
  for (; at <= options_.end; at += steps * interval) {
    const TimestampMs chunk_end = std::min(options_.end, at + (steps - 1) * interval);
    TRY(Evaluate(rule, at, chunk_end, interval));
  }
  // At the last evaluation of all nothing has ended yet.
  TRY(Send());
  done_.series = series_.size();
  return done_;
}

Result<void> RulesBackfill::Evaluate(const rules::RuleSpec& rule, TimestampMs start,
                                     TimestampMs end, DurationMs interval) {
  const JsonValue answer = TRY(ask_("query_range", {{"query", rule.expr},
                                                    {"start", Seconds(start)},
                                                    {"end", Seconds(end)},
                                                    {"step", Seconds(interval)}}));
  const JsonValue& result = answer["data"]["result"];
  if (answer["data"]["resultType"].text != "matrix" || result.kind != JsonValue::Kind::kArray) {
    return Internal("the server's answer is no matrix");
  }
  TRY(Take(rule, result, interval));
  EndBefore(start + (end - start) / interval * interval, interval);
  return Ok();
}

Result<RulesBackfill::Series*> RulesBackfill::SeriesOf(const rules::RuleSpec& rule,
                                                       const JsonValue& metric) {
  LabelsBuilder labels;
  for (const JsonMember& label : metric.members) labels.Set(label.name, label.value.text);
  labels.Set(kMetricName, rule.record);
  for (const auto& [name, value] : rule.labels) labels.Set(name, value);
  const Labels built = labels.Build();
  Series& series = series_[built];
  if (series.encoded.empty()) series.encoded = remote::EncodeLabels(built);
  return &series;
}

Result<void> RulesBackfill::Take(const rules::RuleSpec& rule, const JsonValue& result,
                                 DurationMs interval) {
  for (const JsonValue& written : result.items) {
    if (!written["histograms"].items.empty()) {
      return ExecutionError("the rule gives native histograms, which are not written back");
    }
    Series* series = TRY(SeriesOf(rule, written["metric"]));
    for (const JsonValue& pair : written["values"].items) {
      const Point point = TRY(ParsePoint(pair));
      if (series->last >= point.at) {
        return ExecutionError(
            "vector contains metrics with the same labelset after applying rule "
            "labels");
      }
      if (series->open && series->last + interval < point.at) {
        Add(series, series->last + interval, StaleNaN());
      }
      Add(series, point.at, point.value);
      series->last = point.at;
      series->open = true;
      ++done_.samples;
    }
    if (batched_ >= options_.batch_samples) TRY(Send());
  }
  return Ok();
}

void RulesBackfill::Add(Series* series, TimestampMs at, double value) {
  if (!series->waiting) {
    series->waiting = true;
    waiting_.push_back(series);
  }
  series->times.push_back(at);
  series->values.push_back(value);
  ++batched_;
}

void RulesBackfill::EndBefore(TimestampMs at, DurationMs interval) {
  for (auto& [labels, series] : series_) {
    if (!series.open || series.last >= at) continue;
    series.open = false;
    Add(&series, series.last + interval, StaleNaN());
  }
}

Result<void> RulesBackfill::Send() {
  if (batched_ == 0) return Ok();
  for (Series* series : waiting_) {
    encoder_.Add(series->encoded, series->times, series->values);
    series->times.clear();
    series->values.clear();
    series->waiting = false;
  }
  waiting_.clear();
  batched_ = 0;
  return writer_->Post(encoder_.Take());
}

}  // namespace vigil::cli
