// SPDX-License-Identifier: Apache-2.0
// `vigilctl rules backfill`: recording rules are evaluated over the past of a running server; what
// they give is written back to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "client-lib/base/json_value.h"
#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"
#include "server/cli/api_client.h"
#include "server/cli/remote_writer.h"
#include "server/remote/write_encoder.h"
#include "server/rules/rule_file.h"

namespace vigil::cli {

struct BackfillOptions {
  TimestampMs start = 0;
  TimestampMs end = 0;                // inclusive
  DurationMs eval_interval = 60'000;  // of groups without an interval
  size_t steps_per_query = 1000;
  size_t batch_samples = 20'000;
};

// Evaluates at the multiples of the group's interval. Rules are evaluated one after the other in
// their order, each over the whole span, so that later ones see what earlier ones gave. A series
// that ends within the span gets a staleness marker, as it would have got.
// Threads: owner thread only.
class RulesBackfill {
 public:
  // Asks for a path below /api/v1/.
  using Ask = std::function<Result<JsonValue>(const std::string& path, const Pairs& pairs)>;

  struct Done {
    uint64_t samples = 0;  // acknowledged, markers not counted
    uint64_t series = 0;
  };

  RulesBackfill(BackfillOptions options, Ask ask, RemoteWriter* writer);

  // Whether the server takes samples of the past; the error says which flag it lacks.
  Result<void> CheckServer() const;
  // One recording rule. What was written before an error stays.
  Result<Done> Run(const rules::GroupSpec& group, const rules::RuleSpec& rule);

 private:
  struct Series {
    std::string encoded;  // labels
    TimestampMs last = 0;
    bool open = false;  // has samples that no marker ends
    bool waiting = false;
    std::vector<TimestampMs> times;
    std::vector<double> values;
  };

  Result<void> Evaluate(const rules::RuleSpec& rule, TimestampMs start, TimestampMs end,
                        DurationMs interval);
  Result<Series*> SeriesOf(const rules::RuleSpec& rule, const JsonValue& metric);
  Result<void> Take(const rules::RuleSpec& rule, const JsonValue& result, DurationMs interval);
  void Add(Series* series, TimestampMs at, double value);
  // Series that had their last sample before `at` end one interval behind it.
  void EndBefore(TimestampMs at, DurationMs interval);
  Result<void> Send();

  const BackfillOptions options_;
  const Ask ask_;
  RemoteWriter* const writer_;
  remote::WriteEncoder encoder_;
  // Of the rule that is evaluated.
  std::map<Labels, Series> series_;
  std::vector<Series*> waiting_;
  size_t batched_ = 0;
  Done done_;
};

// The command; args are the words behind `rules backfill`. The exit code.
int RunRulesBackfill(const std::vector<std::string>& args);

}  // namespace vigil::cli
