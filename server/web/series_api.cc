// SPDX-License-Identifier: Apache-2.0
// See series_api.h.
#include "server/web/series_api.h"

#include <algorithm>
#include <charconv>

#include "client-lib/base/strings.h"

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

void SortUnique(std::vector<std::string>* names) {
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
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

void AppendUtf8(uint32_t code, std::string* out) {
  const auto push = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xc0 | code >> 6);
    push(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    push(0xe0 | code >> 12);
    push(0x80 | (code >> 6 & 0x3f));
    push(0x80 | (code & 0x3f));
  } else {
    push(0xf0 | code >> 18);
    push(0x80 | (code >> 12 & 0x3f));
    push(0x80 | (code >> 6 & 0x3f));
    push(0x80 | (code & 0x3f));
  }
}

}  // namespace

std::string UnescapeLabelName(std::string_view name) {
  constexpr std::string_view kPrefix = "U__";
  if (!name.starts_with(kPrefix)) return std::string(name);
  const std::string_view body = name.substr(kPrefix.size());
  std::string out;
  for (size_t i = 0; i < body.size();) {
    if (body[i] != '_') {
      out.push_back(body[i++]);
      continue;
    }
    const size_t close = body.find('_', i + 1);
    if (close == std::string_view::npos) return std::string(name);
    if (close == i + 1) {  // two underscores are one
      out.push_back('_');
    } else {
      uint32_t code = 0;
      const auto parsed = std::from_chars(body.data() + i + 1, body.data() + close, code, 16);
      if (parsed.ec != std::errc() || parsed.ptr != body.data() + close || code > 0x10ffff) {
        return std::string(name);
      }
      AppendUtf8(code, &out);
    }
    i = close + 1;
  }
  return out;
}

Result<Annotations> SeriesApi::Series(const ApiRequest& request, JsonWriter& json) const {
  if (!request.params.Has("match[]")) return BadData("no match[] parameter provided");
  const TimeSpan span = TRY(ReadSpan(request));
  const size_t limit = TRY(request.Limit());
  const auto sets = TRY(request.MatcherSets());

  storage::SelectHints hints;
  hints.start = span.start;
  hints.end = span.end;
  hints.function = "series";
  hints.series_only = true;
  std::vector<Labels> found;
  Annotations annotations;
  for (const std::vector<Matcher>& matchers : sets) {
    const auto set = TRY(store_.Select(matchers, hints));
    for (size_t i = 0; i < set->size(); ++i) found.push_back(set->labels(i));
    for (std::string& warning : set->warnings()) annotations.warnings.push_back(std::move(warning));
  }
  if (sets.size() > 1) {
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
  std::vector<std::string> names;
  for (const std::vector<Matcher>& matchers : sets) {
    auto part = TRY(store_.LabelNames(matchers, span.start, span.end));
    std::move(part.begin(), part.end(), std::back_inserter(names));
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
  std::vector<std::string> values;
  for (const std::vector<Matcher>& matchers : sets) {
    auto part = TRY(store_.LabelValues(name, matchers, span.start, span.end));
    std::move(part.begin(), part.end(), std::back_inserter(values));
  }
  if (sets.size() > 1) SortUnique(&values);
  return WriteNames(values, limit, json);
}

}  // namespace vigil::web
