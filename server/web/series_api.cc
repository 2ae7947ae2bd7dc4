// SPDX-License-Identifier: Apache-2.0
// See series_api.h.
#include "server/web/series_api.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "client-lib/base/strings.h"
#include "server/web/name_escaping.h"
#include "server/web/query_runner.h"

namespace vigil::web {
namespace {

struct TimeSpan {
  TimestampMs start = 0;
  TimestampMs end = 0;
};

Result<TimeSpan> ReadSpan(const ApiRequest& request) {
  TimeSpan span;
  span.start = TRY(request.TimeOr("start", kMinTime));
  span.end = TRY(request.TimeOr("end", kMaxTime));
  if (span.end < span.start) {
    return BadData("end timestamp must not be before start timestamp");
  }
  return span;
}

// Mostly there is one selector, whose names are not moved.
void Append(std::vector<std::string> part, std::vector<std::string>* names) {
  if (names->empty()) {
    *names = std::move(part);
  } else {
    names->insert(names->end(), std::make_move_iterator(part.begin()),
                  std::make_move_iterator(part.end()));
  }
}

void SortUnique(std::vector<std::string>* names) {
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
}

std::shared_ptr<RunningQuery> Begin(QueryRunner& runner, const ApiRequest& request,
                                    promql::QueryKind kind) {
  auto running = runner.Begin(request.http, {Join(request.params.All("match[]"), ", "), {}, kind});
  running->Start();
  return running;
}

// The array, cut to the limit with upstream's warning.
Annotations WriteNames(const std::vector<std::string>& names, size_t limit, JsonWriter& json) {
  const bool truncated = limit > 0 && names.size() > limit;
  json.BeginArray();
  for (size_t i = 0; i < (truncated ? limit : names.size()); ++i) json.String(names[i]);
  json.EndArray();
  Annotations annotations;
  if (truncated) annotations.warnings.emplace_back("results truncated due to limit");
  return annotations;
}

}  // namespace

Result<Annotations> SeriesApi::Series(const ApiRequest& request, JsonWriter& json) const {
  if (!request.params.Has("match[]")) return BadData("no match[] parameter provided");
  const TimeSpan span = TRY(ReadSpan(request));
  const size_t limit = TRY(request.Limit());
  auto sets = request.MatcherSets();
  if (!sets) return InvalidParameter("match[]", sets.error().message);

  storage::SelectHints hints;
  hints.start = span.start;
  hints.end = span.end;
  hints.function = "series";
  hints.series_only = true;
  const auto running = Begin(runner_, request, promql::QueryKind::kSeries);
  std::vector<Labels> found;
  Annotations annotations;
  for (const std::vector<Matcher>& matchers : *sets) {
    TRY(running->CheckAlive());
    const auto set = TRY(store_.Select(matchers, hints));
    running->CountSelected(*set);
    TRY(running->Reach((found.size() + set->size()) * storage::SelectHints::kSeriesBytes));
    for (size_t i = 0; i < set->size(); ++i) found.push_back(set->labels(i));
    for (std::string& warning : set->warnings()) annotations.warnings.push_back(std::move(warning));
  }
  if (sets->size() > 1) {
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
  }
  const bool truncated = limit > 0 && found.size() > limit;
  if (truncated) {
    found.resize(limit);
    annotations.warnings.emplace_back("results truncated due to limit");
  }
  json.BeginArray();
  for (const Labels& labels : found) json.LabelSet(labels);
  json.EndArray();
  return annotations;
}

Result<Annotations> SeriesApi::LabelNames(const ApiRequest& request, JsonWriter& json) const {
  const TimeSpan span = TRY(ReadSpan(request));
  const size_t limit = TRY(request.Limit());
  auto sets = TRY(request.MatcherSets());
  if (sets.empty()) sets.emplace_back();
  const auto running = Begin(runner_, request, promql::QueryKind::kLabelNames);
  std::vector<std::string> names;
  for (const std::vector<Matcher>& matchers : sets) {
    TRY(running->CheckAlive());
    auto part = TRY(store_.LabelNames(matchers, span.start, span.end));
    Append(std::move(part), &names);
  }
  if (sets.size() > 1) SortUnique(&names);
  return WriteNames(names, limit, json);
}

Result<Annotations> SeriesApi::LabelValues(const ApiRequest& request, JsonWriter& json) const {
  const std::string name = UnescapeLabelName(request.http.PathValue("name"));
  if (!IsUtf8Name(name)) return BadData("invalid label name: " + Quote(name));
  const TimeSpan span = TRY(ReadSpan(request));
  const size_t limit = TRY(request.Limit());
  auto sets = TRY(request.MatcherSets());
  if (sets.empty()) sets.emplace_back();
  const auto running = Begin(runner_, request, promql::QueryKind::kLabelValues);
  running->Describe(name);
  std::vector<std::string> values;
  for (const std::vector<Matcher>& matchers : sets) {
    TRY(running->CheckAlive());
    TRY(running->Reach(2 * values.size() * sizeof(std::string)));
    auto part = TRY(store_.LabelValues(name, matchers, span.start, span.end));
    Append(std::move(part), &values);
  }
  if (sets.size() > 1) SortUnique(&values);
  return WriteNames(values, limit, json);
}

}  // namespace vigil::web
