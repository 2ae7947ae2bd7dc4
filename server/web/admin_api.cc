// SPDX-License-Identifier: Apache-2.0
// See admin_api.h.
#include "server/web/admin_api.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "client-lib/base/strings.h"

namespace vigil::web {
namespace {

// Upstream's status for it is not the one of its error type.
http::Response Disabled() {
  http::Response response = ErrorAnswer(Unavailable("admin APIs disabled"));
  response.status = 500;
  return response;
}

http::Response Done(const Result<void>& result) {
  if (!result) return ErrorAnswer(result.error());
  http::Response response;
  response.status = 204;
  return response;
}

// What Go's strconv.ParseBool takes; missing is false.
Result<bool> ReadBool(const ApiRequest& request, std::string_view name) {
  constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "FALSE", "false", "False"};
  const std::string& text = request.Get(name);
  if (text.empty() || std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) return false;
  if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) return true;
  return InvalidParameter(name, "unable to parse boolean: strconv.ParseBool: parsing " +
                                    Quote(text) + ": invalid syntax");
}

}  // namespace

http::Response AdminApi::DeleteSeries(const http::Request& request) const {
  if (!actions_.enabled) return Disabled();
  const auto run = [&]() -> Result<void> {
    const ApiRequest api{request, TRY(request.FormParams())};
    if (!api.params.Has("match[]")) return BadData("no match[] parameter provided");
    const TimestampMs start = TRY(api.TimeOr("start", kMinTime));
    const TimestampMs end = TRY(api.TimeOr("end", kMaxTime));
    return actions_.delete_series(TRY(api.MatcherSets()), start, end);
  };
  return Done(run());
}

http::Response AdminApi::CleanTombstones(const http::Request&) const {
  return actions_.enabled ? Done(actions_.clean_tombstones()) : Disabled();
}

http::Response AdminApi::Snapshot(const http::Request& request) const {
  if (!actions_.enabled) return Disabled();
  return Answer(request, [this](const ApiRequest& api, JsonWriter& json) -> Result<Annotations> {
    const bool skip_head = TRY(ReadBool(api, "skip_head"));
    const std::string name = TRY(actions_.snapshot(skip_head));
    json.BeginObject().Field("name", name).EndObject();
    return Annotations{};
  });
}

}  // namespace vigil::web
