// SPDX-License-Identifier: Apache-2.0
// /federate: the newest samples of selected series, for another server to scrape.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "client-lib/model/duration.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"
#include "server/storage/storage.h"
#include "server/web/name_escaping.h"

namespace vigil::web {

class QueryRunner;   // server/web/query_runner.h
class RunningQuery;  // server/web/running_query.h

// What a scraper's Accept header asks for: text 0.0.4, or delimited protobuf, and how names are
// escaped that are not legacy names (underscores unless it says more).
struct FederationFormat {
  bool protobuf = false;
  NameEscaping escaping = NameEscaping::kUnderscores;

  static FederationFormat Negotiate(std::string_view accept);
  [[nodiscard]] std::string ContentType() const;
};

// The newest sample of a series; a float or a histogram.
struct FederatedSample {
  Labels labels;
  TimestampMs timestamp = 0;
  double value = 0;
  HistogramPtr histogram;  // null: a float
};

// Families by name, each sample with its time, all floats untyped. External labels that a series
// lacks are added behind its own; with none called instance, an empty instance is, so that the
// scraper does not take its target's. Native histograms are written in protobuf only.
std::string WriteFederation(const std::vector<FederatedSample>& samples,
                            const Labels& external_labels, const FederationFormat& format);

// Threads: any.
class Federation {
 public:
  // References must outlive this object.
  Federation(QueryRunner& runner, const storage::Queryable& store, const Clock& clock,
             DurationMs lookback, std::function<Labels()> external_labels)
      : runner_(runner),
        store_(store),
        clock_(clock),
        lookback_(lookback),
        external_labels_(std::move(external_labels)) {}

  // match[] selects; without it the page is empty. Series whose newest sample within the look-back
  // time is a staleness marker are left out. It takes its turn among the queries, with their
  // limits. Errors are plain text.
  http::Response Handle(const http::Request& request) const;

 private:
  // Sorted by name, then labels; each series once.
  Result<std::vector<FederatedSample>> Newest(const http::Params& params,
                                              RunningQuery* running) const;

  QueryRunner& runner_;
  const storage::Queryable& store_;
  const Clock& clock_;
  const DurationMs lookback_;
  const std::function<Labels()> external_labels_;
};

}  // namespace vigil::web
