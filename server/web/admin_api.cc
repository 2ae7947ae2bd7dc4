// SPDX-License-Identifier: Apache-2.0
// See admin_api.h.
#include "server/web/admin_api.h"

namespace vigil::web {
namespace {

http::Response Done(const Result<void>& result) {
  if (!result) return ErrorAnswer(result.error());
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace

// Upstream's status for it is not the one of its error type.
http::Response AdminDisabled() {
  http::Response response = ErrorAnswer(Unavailable("admin APIs disabled"));
  response.status = 500;
  return response;
}

http::Response AdminApi::DeleteSeries(const http::Request& request) const {
  if (!actions_.enabled) return AdminDisabled();
  const auto run = [&]() -> Result<void> {
    const ApiRequest api{request, TRY(request.FormParams())};
    if (!api.params.Has("match[]")) return BadData("no match[] parameter provided");
    const TimestampMs start = TRY(api.TimeOr("start", kMinTime));
    const TimestampMs end = TRY(api.TimeOr("end", kMaxTime));
    const auto sets = api.MatcherSets();
    if (!sets) return InvalidParameter("match[]", sets.error().message);
    return actions_.delete_series(*sets, start, end);
  };
  return Done(run());
}

http::Response AdminApi::CleanTombstones(const http::Request&) const {
  return actions_.enabled ? Done(actions_.clean_tombstones()) : AdminDisabled();
}

http::Response AdminApi::Snapshot(const http::Request& request) const {
  if (!actions_.enabled) return AdminDisabled();
  return Answer(request, [this](const ApiRequest& api, JsonWriter& json) -> Result<Annotations> {
    const bool skip_head = TRY(api.Bool("skip_head"));
    const std::string name = TRY(actions_.snapshot(skip_head));
    json.BeginObject().Field("name", name).EndObject();
    return Annotations{};
  });
}

}  // namespace vigil::web
