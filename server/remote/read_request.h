// SPDX-License-Identifier: Apache-2.0
// Decodes prometheus.ReadRequest. Field numbers:
// github.com/prometheus/prometheus/blob/main/prompb/{remote,types}.proto.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/matcher.h"
#include "server/storage/storage.h"

namespace vigil::remote {

// As the message ReadRequest numbers them.
enum class ReadResponseType { kSamples = 0, kStreamedXorChunks = 1 };

struct ReadMatcher {
  uint64_t type = 0;  // =, !=, =~, !~; anything may come
  std::string name;
  std::string value;
};

struct ReadQuery {
  std::vector<ReadMatcher> matchers;
  storage::SelectHints hints;  // start and end are the query's
};

struct ReadRequest {
  std::vector<ReadQuery> queries;
  std::vector<uint64_t> accepted_types;
};

// bad_data when the bytes are not such a message, or one with more than 1,000 queries or 10,000
// matchers and labels to group by.
Result<ReadRequest> DecodeReadRequest(std::string_view message);

// The first accepted type that there is; without any, samples. bad_data when none is there.
Result<ReadResponseType> NegotiateResponseType(const std::vector<uint64_t>& accepted);

// What to look for in the store, where no series has external labels: a matcher that asks for the
// value of one asks for its absence there. Errors as upstream's: `invalid matcher type`, or that of
// the regular expression.
Result<std::vector<Matcher>> StoredMatchers(const ReadQuery& query, const Labels& external_labels);

}  // namespace vigil::remote
