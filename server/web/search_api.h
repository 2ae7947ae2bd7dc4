// SPDX-License-Identifier: Apache-2.0
// /api/v1/search/{metric_names,label_names,label_values}: names by what somebody typed, for
// completion; behind --enable-feature=search-api.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "server/scrape/scrape_manager.h"
#include "server/storage/storage.h"
#include "server/web/api_request.h"

namespace vigil::web {

class QueryRunner;  // server/web/query_runner.h

enum class SearchKind { kMetricNames, kLabelNames, kLabelValues };

// Threads: any.
class SearchApi {
 public:
  // No answer has more than max_limit names. References must outlive this object.
  SearchApi(QueryRunner& runner, const storage::Queryable& store,
            const scrape::ScrapeManager& scraper, const Clock& clock, size_t max_limit)
      : runner_(runner), store_(store), scraper_(scraper), clock_(clock), max_limit_(max_limit) {}

  // Lines of JSON: batches {"results":[{"name":...},...]}, then
  // {"status":"success","has_more":...}. Errors have the usual envelope. A search has the limits of
  // queries and is listed among them.
  http::Response Handle(SearchKind kind, const http::Request& request) const;

 private:
  struct Params;
  Result<Params> ReadParams(SearchKind kind, const ApiRequest& request) const;
  Result<std::string> Search(SearchKind kind, const ApiRequest& request) const;

  QueryRunner& runner_;
  const storage::Queryable& store_;
  const scrape::ScrapeManager& scraper_;
  const Clock& clock_;
  const size_t max_limit_;
};

}  // namespace vigil::web
