// SPDX-License-Identifier: Apache-2.0
// The parameters of an API request, with upstream's meaning and error texts.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "client-lib/model/duration.h"
#include "client-lib/model/matcher.h"
#include "client-lib/model/sample.h"

namespace vigil::web {

// What optional start and end parameters default to: far beyond every sample, far from overflow.
inline constexpr TimestampMs kMinTime = std::numeric_limits<int64_t>::min() / 1000;
inline constexpr TimestampMs kMaxTime = std::numeric_limits<int64_t>::max() / 1000;

// A request with its query and form parameters decoded.
struct ApiRequest {
  const http::Request& http;
  http::Params params;

  [[nodiscard]] const std::string& Get(std::string_view name) const { return params.Get(name); }

  // bad_data: `invalid parameter "start": cannot parse "x" to a valid timestamp`.
  [[nodiscard]] Result<TimestampMs> Time(std::string_view name) const;
  [[nodiscard]] Result<TimestampMs> TimeOr(std::string_view name, TimestampMs fallback) const;
  // Float seconds or 1h30m. bad_data: `... to a valid duration`.
  [[nodiscard]] Result<DurationMs> Duration(std::string_view name) const;
  // 0 when missing or empty.
  [[nodiscard]] Result<DurationMs> DurationOrZero(std::string_view name) const;
  // 0 (no limit) when missing.
  [[nodiscard]] Result<size_t> Limit() const;
  // What Go's strconv.ParseBool takes; false when missing.
  [[nodiscard]] Result<bool> Bool(std::string_view name) const;
  // Each match[] parsed; every set must hold a matcher that does not match the empty value. The
  // error does not name the parameter: upstream does so in some places only.
  [[nodiscard]] Result<std::vector<std::vector<Matcher>>> MatcherSets() const;
};

Error InvalidParameter(std::string_view name, std::string_view reason);

}  // namespace vigil::web
