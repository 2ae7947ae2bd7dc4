// SPDX-License-Identifier: Apache-2.0
// A PromQL test script as a list of commands.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/model/duration.h"
#include "server/promql/series_line.h"

namespace vigil::tests {

using promql::SeriesLine;
using promql::SeriesValue;

struct LoadCommand {
  DurationMs gap_ms = 0;
  bool with_nhcb = false;
  std::vector<SeriesLine> series;
};

struct ClearCommand {};

// A line that is no command: reported as a failure.
struct BrokenCommand {
  std::string reason;
};

// `expect fail msg: ...`. Neither text: any message will do.
struct Expectation {
  std::optional<std::string> message;
  std::optional<std::string> regexp;
};

struct RangeVectorTimes {
  TimestampMs start = 0;
  TimestampMs end = 0;
  DurationMs step_ms = 0;
};

struct EvalCommand {
  std::string expr;
  bool is_range = false;
  TimestampMs start = 0;  // instant: the time
  TimestampMs end = 0;
  DurationMs step_ms = 0;

  bool ordered = false;
  bool no_warn = false;
  bool no_info = false;
  std::vector<Expectation> fail;
  std::vector<Expectation> warn;
  std::vector<Expectation> info;
  std::vector<SeriesLine> series;
  std::optional<double> scalar;
  std::optional<std::string> text;
  std::optional<RangeVectorTimes> range_vector;
};

struct Command {
  int line = 0;
  std::variant<LoadCommand, ClearCommand, EvalCommand, BrokenCommand> what;
};

std::vector<Command> ParseScript(std::string_view text);

}  // namespace vigil::tests
