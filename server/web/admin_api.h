// SPDX-License-Identifier: Apache-2.0
// /api/v1/admin/tsdb/*: deletes and snapshots, behind --web.enable-admin-api.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "client-lib/model/matcher.h"
#include "client-lib/model/sample.h"
#include "server/web/envelope.h"

namespace vigil::web {

// What main lets the API do. The functions run on the request's thread.
struct AdminActions {
  bool enabled = false;
  std::function<Result<void>(const std::vector<std::vector<Matcher>>& sets, TimestampMs start,
                             TimestampMs end)>
      delete_series;
  std::function<Result<void>()> clean_tombstones;
  // The name of the snapshot.
  std::function<Result<std::string>(bool skip_head)> snapshot;
};

// What admin endpoints answer without --web.enable-admin-api.
http::Response AdminDisabled();

// Threads: any.
class AdminApi {
 public:
  explicit AdminApi(AdminActions actions) : actions_(std::move(actions)) {}

  http::Response DeleteSeries(const http::Request& request) const;
  http::Response CleanTombstones(const http::Request& request) const;
  http::Response Snapshot(const http::Request& request) const;

 private:
  const AdminActions actions_;
};

}  // namespace vigil::web
