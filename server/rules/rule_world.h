// SPDX-License-Identifier: Apache-2.0
// What rules need of the world.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "client-lib/base/clock.h"
#include "client-lib/model/duration.h"
#include "client-lib/model/labels.h"
#include "server/alerting/alert_sink.h"
#include "server/promql/active_queries.h"
#include "server/promql/engine.h"
#include "server/rules/helper_slots.h"
#include "server/storage/rule_state.h"
#include "server/storage/storage.h"

namespace vigil::rules {

// Takes note of changes of alerts. Threads: any; does not block.
class RuleStateSink {
 public:
  virtual ~RuleStateSink() = default;
  virtual void Note(storage::RuleStateChanges changes) = 0;
};

// References and pointers must outlive the rules.
struct RuleWorld {
  const promql::Engine& engine;
  const storage::Queryable& store;
  storage::Appender& appender;
  const Clock& clock;                        // measures only: evaluation times come from the caller
  alerting::AlertSink* sink = nullptr;       // null: alerts are sent to nobody
  RuleStateSink* states = nullptr;           // null: nothing is kept beyond the process
  promql::ActiveQueries* running = nullptr;  // where running queries are listed; null: nowhere
  std::string external_url;                  // without a slash at the end
  DurationMs resend_delay = 60'000;
  DurationMs outage_tolerance = 3'600'000;
  DurationMs grace_period = 600'000;
  // For rules of a group that do not need each other; null: one after the other.
  std::shared_ptr<HelperSlots> helpers;
  std::stop_token stop;  // ends queries
};

// Evaluates at one time. The parsed expression may be null: then the text is parsed. A query in the
// list of running ones can be canceled there.
Result<promql::QueryResult> RunQuery(const RuleWorld& world, const promql::Expr* parsed,
                                     const std::string& text, TimestampMs at);

// What prometheus.yml says for groups that do not say it themselves.
struct GroupDefaults {
  DurationMs interval = 60'000;
  DurationMs query_offset = 0;
  Labels external_labels;
  bool operator==(const GroupDefaults&) const = default;
};

// One evaluation.
struct Round {
  TimestampMs at = 0;
  DurationMs interval = 60'000;
  DurationMs query_offset = 0;
  int64_t limit = 0;

  // When queries are evaluated and what the samples are stamped with.
  [[nodiscard]] TimestampMs sample_time() const { return at - query_offset; }
};

}  // namespace vigil::rules
