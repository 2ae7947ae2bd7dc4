// SPDX-License-Identifier: Apache-2.0
// See search_api.h.
#include "server/web/search_api.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "client-lib/base/strings.h"
#include "server/web/envelope.h"
#include "server/web/json_writer.h"
#include "server/web/query_runner.h"
#include "server/web/search_score.h"

namespace vigil::web {
namespace {

constexpr int64_t kSearchSpanMs = 60 * 60 * 1000;  // looked at unless start says otherwise
constexpr size_t kDefaultNames = 100;
// Each name is compared with each term.
constexpr size_t kMaxTerms = 100;
constexpr size_t kMaxTermBytes = 1'000;

struct FoundName {
  std::string name;
  double score = 1;
};

// What a target says about a metric.
using MetadataByName = std::map<std::string, scrape::MetricMetadata, std::less<>>;

std::string_view KindWord(SearchKind kind) {
  switch (kind) {
    case SearchKind::kMetricNames:
      return "metric_names";
    case SearchKind::kLabelNames:
      return "label_names";
    case SearchKind::kLabelValues:
      return "label_values";
  }
  return "";
}

Result<bool> ReadSwitch(const ApiRequest& request, std::string_view name, bool fallback) {
  const std::string& text = request.Get(name);
  if (text.empty()) return fallback;
  const Result<bool> value = request.Bool(name);
  if (value) return value;
  return BadData("invalid " + std::string(name) + " " + Quote(text) + ": must be boolean");
}

// 0 and missing are the default.
Result<size_t> ReadCount(const ApiRequest& request, std::string_view name) {
  const std::string& text = request.Get(name);
  if (text.empty()) return kDefaultNames;
  const auto count = ParseUint(text);
  if (!count) {
    return BadData("invalid " + std::string(name) + " " + Quote(text) +
                   ": must be non-negative integer");
  }
  return *count == 0 ? kDefaultNames : static_cast<size_t>(*count);
}

Result<double> ReadThreshold(const ApiRequest& request) {
  const std::string& text = request.Get("fuzz_threshold");
  if (text.empty()) return 0.0;
  const auto percent = ParseUint(text);
  if (!percent || *percent > 100) {
    return BadData("invalid fuzz_threshold " + Quote(text) + ": must be 0-100");
  }
  return static_cast<double>(*percent) / 100;
}

Result<FuzzyAlgorithm> ReadAlgorithm(const ApiRequest& request) {
  const std::string& text = request.Get("fuzz_alg");
  if (text.empty() || text == "subsequence") return FuzzyAlgorithm::kSubsequence;
  if (text == "jarowinkler") return FuzzyAlgorithm::kJaroWinkler;
  return BadData("unsupported fuzz_alg " + Quote(text) +
                 ": must be one of [subsequence jarowinkler]");
}

Result<void> CheckOrder(SearchKind kind, const ApiRequest& request) {
  const std::string& by = request.Get("sort_by");
  const std::string& direction = request.Get("sort_dir");
  if (!direction.empty() && by.empty()) {
    return BadData("sort_dir is only valid when sort_by is set");
  }
  if (!direction.empty() && by == "score") {
    return BadData("sort_dir is not supported for sort_by=score");
  }
  if (!direction.empty() && direction != "asc" && direction != "dsc") {
    return BadData("invalid sort_dir " + Quote(direction) + ": must be \"asc\" or \"dsc\"");
  }
  if (by == "score" && !request.params.Has("search[]")) {
    return BadData("sort_by=score requires search[] to be set");
  }
  if (!by.empty() && by != "alpha" && by != "score") {
    return BadData("invalid sort_by " + Quote(by) + " for " + std::string(KindWord(kind)) +
                   ": must be \"alpha\" or \"score\"");
  }
  return Ok();
}

Result<std::vector<std::string>> ReadTerms(const ApiRequest& request) {
  std::vector<std::string> terms = request.params.All("search[]");
  if (terms.size() > kMaxTerms) {
    return BadData("more than " + std::to_string(kMaxTerms) + " search[] parameters");
  }
  for (const std::string& term : terms) {
    if (term.size() <= kMaxTermBytes) continue;
    return BadData("a search[] parameter has more than " + std::to_string(kMaxTermBytes) +
                   " bytes");
  }
  return terms;
}

void WriteName(const FoundName& found, bool with_score, const MetadataByName& metadata,
               JsonWriter& json) {
  json.BeginObject().Field("name", found.name);
  if (with_score) json.Key("score").Number(found.score);
  if (const auto row = metadata.find(found.name); row != metadata.end()) {
    json.Field("type", exposition::MetricTypeName(row->second.type));
    if (!row->second.help.empty()) json.Field("help", row->second.help);
    if (!row->second.unit.empty()) json.Field("unit", row->second.unit);
  }
  json.EndObject();
}

}  // namespace

struct SearchApi::Params {
  std::vector<std::vector<Matcher>> sets;
  std::string label;
  TimestampMs start = 0;
  TimestampMs end = 0;
  size_t limit = 0;
  size_t batch_size = 0;
  NameFilter::Options filter;
  bool with_score = false;
  bool with_metadata = false;
};

Result<SearchApi::Params> SearchApi::ReadParams(SearchKind kind, const ApiRequest& request) const {
  Params params;
  params.start = TRY(request.TimeOr("start", clock_.Now() - kSearchSpanMs));
  params.end = TRY(request.TimeOr("end", clock_.Now()));
  params.sets = TRY(request.MatcherSets());
  if (params.sets.empty()) params.sets.emplace_back();
  params.filter.threshold = TRY(ReadThreshold(request));
  params.filter.algorithm = TRY(ReadAlgorithm(request));
  params.filter.case_sensitive = TRY(ReadSwitch(request, "case_sensitive", true));
  params.with_score = TRY(ReadSwitch(request, "include_score", false));
  params.limit = std::min(TRY(ReadCount(request, "limit")), max_limit_);
  params.batch_size = TRY(ReadCount(request, "batch_size"));
  if (kind == SearchKind::kMetricNames) {
    params.with_metadata = TRY(ReadSwitch(request, "include_metadata", false));
    params.label = kMetricName;
  }
  if (kind == SearchKind::kLabelValues) {
    params.label = request.Get("label");
    if (params.label.empty()) return BadData("missing required parameter \"label\"");
  }
  TRY(CheckOrder(kind, request));
  return params;
}

Result<std::string> SearchApi::Search(SearchKind kind, const ApiRequest& request) const {
  const Params params = TRY(ReadParams(kind, request));
  const NameFilter filter(TRY(ReadTerms(request)), params.filter);
  const auto running = runner_.Begin(
      request.http, {Join(request.params.All("search[]"), ", "), {}, promql::QueryKind::kSearch});
  running->Start();
  std::set<std::string> names;
  for (const std::vector<Matcher>& matchers : params.sets) {
    TRY(running->CheckAlive());
    auto part = TRY(kind == SearchKind::kLabelNames
                        ? store_.LabelNames(matchers, params.start, params.end)
                        : store_.LabelValues(params.label, matchers, params.start, params.end));
    std::move(part.begin(), part.end(), std::inserter(names, names.end()));
  }
  std::vector<FoundName> found;
  for (const std::string& name : names) {
    TRY(running->CheckAlive());
    if (const auto score = filter.Score(name)) found.push_back({name, *score});
  }
  if (request.Get("sort_by") == "score") {
    std::stable_sort(found.begin(), found.end(),
                     [](const FoundName& a, const FoundName& b) { return a.score > b.score; });
  } else if (request.Get("sort_dir") == "dsc") {
    std::reverse(found.begin(), found.end());
  }
  const bool more = found.size() > params.limit;
  if (more) found.resize(params.limit);
  MetadataByName metadata;
  if (params.with_metadata) {
    for (const scrape::TargetMetadata& target : scraper_.Metadata()) {
      for (const scrape::MetricMetadata& row : *target.rows) metadata.emplace(row.metric, row);
    }
  }
  std::string out;
  size_t at = 0;
  do {
    JsonWriter json(&out);
    json.BeginObject().Key("results").BeginArray();
    const size_t end = std::min(at + params.batch_size, found.size());
    for (; at < end; ++at) WriteName(found[at], params.with_score, metadata, json);
    json.EndArray().EndObject();
    out += '\n';
  } while (at < found.size());
  JsonWriter json(&out);
  json.BeginObject().Field("status", "success").Key("has_more").Bool(more).EndObject();
  return out + '\n';
}

http::Response SearchApi::Handle(SearchKind kind, const http::Request& request) const {
  Result<http::Params> params = request.FormParams();
  if (!params) return ErrorAnswer(params.error());
  Result<std::string> lines = Search(kind, ApiRequest{request, *std::move(params)});
  if (!lines) return ErrorAnswer(lines.error());
  http::Response response;
  response.content_type = "application/x-ndjson; charset=utf-8";
  response.body = *std::move(lines);
  return response;
}

}  // namespace vigil::web
