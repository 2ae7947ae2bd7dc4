// SPDX-License-Identifier: Apache-2.0
// See api_request.h.
#include "server/web/api_request.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "server/promql/parser.h"

namespace vigil::web {
namespace {

// How Go spells the ends of time; clients send them back for "everything".
constexpr std::string_view kMinTimeText = "-292273086-05-16T16:47:06Z";
constexpr std::string_view kMaxTimeText = "292277025-08-18T07:12:54.999999999Z";

}  // namespace

Error InvalidParameter(std::string_view name, std::string_view reason) {
  return BadData("invalid parameter \"" + std::string(name) + "\": " + std::string(reason));
}

Result<TimestampMs> ApiRequest::Time(std::string_view name) const {
  const std::string& text = Get(name);
  if (text == kMinTimeText) return kMinTime;
  if (text == kMaxTimeText) return kMaxTime;
  Result<TimestampMs> time = ParseApiTime(text);
  if (!time) {
    return InvalidParameter(name, "cannot parse " + Quote(text) + " to a valid timestamp");
  }
  return std::clamp(*time, kMinTime, kMaxTime);
}

Result<TimestampMs> ApiRequest::TimeOr(std::string_view name, TimestampMs fallback) const {
  const std::string& text = Get(name);
  if (text.empty()) return fallback;
  Result<TimestampMs> time = Time(name);
  if (time) return time;
  // Upstream's words for times that may be missing.
  return InvalidParameter(name, "Invalid time value for '" + std::string(name) +
                                    "': cannot parse " + Quote(text) + " to a valid timestamp");
}

Result<DurationMs> ApiRequest::Duration(std::string_view name) const {
  const std::string& text = Get(name);
  if (const std::optional<double> seconds = ParseFloat(text)) {
    const double ms = *seconds * 1000;
    // 2^63 ns, the range of a Go duration.
    if (!(std::abs(ms) <= 9.223372036854775e12)) {
      return InvalidParameter(
          name, "cannot parse " + Quote(text) + " to a valid duration. It overflows int64");
    }
    return static_cast<DurationMs>(ms);
  }
  Result<DurationMs> duration = ParseDuration(text);
  if (!duration) {
    return InvalidParameter(name, "cannot parse " + Quote(text) + " to a valid duration");
  }
  return *duration;
}

Result<DurationMs> ApiRequest::DurationOrZero(std::string_view name) const {
  if (Get(name).empty()) return 0;
  return Duration(name);
}

Result<size_t> ApiRequest::Limit() const {
  const std::string& text = Get("limit");
  if (text.empty()) return size_t{0};
  const std::optional<int64_t> limit = ParseInt(text);
  if (!limit) {
    return InvalidParameter("limit", "strconv.Atoi: parsing " + Quote(text) + ": invalid syntax");
  }
  if (*limit < 0) return InvalidParameter("limit", "limit must be non-negative");
  return static_cast<size_t>(*limit);
}

Result<bool> ApiRequest::Bool(std::string_view name) const {
  constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "FALSE", "false", "False"};
  const std::string& text = Get(name);
  if (text.empty() || std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) return false;
  if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) return true;
  return InvalidParameter(name, "unable to parse boolean: strconv.ParseBool: parsing " +
                                    Quote(text) + ": invalid syntax");
}

Result<std::vector<std::vector<Matcher>>> ApiRequest::MatcherSets() const {
  std::vector<std::vector<Matcher>> sets;
  for (const std::string& text : params.All("match[]")) {
    Result<std::vector<Matcher>> matchers = promql::ParseMetricSelector(text);
    if (!matchers) return matchers.error();
    const bool selective = std::any_of(matchers->begin(), matchers->end(),
                                       [](const Matcher& m) { return !m.MatchesEmpty(); });
    if (!selective) {
      return BadData("match[] must contain at least one non-empty matcher");
    }
    sets.push_back(std::move(*matchers));
  }
  return sets;
}

}  // namespace vigil::web
