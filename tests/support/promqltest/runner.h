// SPDX-License-Identifier: Apache-2.0
// Runs PromQL test scripts.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/promql/engine.h"
#include "tests/support/memory_storage.h"
#include "tests/support/promqltest/script.h"

namespace vigil::tests {

struct Tally {
  size_t passed = 0;
  size_t failed = 0;
};

// Runs one script on an empty store and an engine with every experimental feature on. Every instant
// query is asked in two more ways: as the middle step of a range query, and with its time pinned by
// @ at other evaluation times.
// Threads: owner thread only.
class ScriptRunner {
 public:
  // report(line, what) is called for each failing command.
  using Report = std::function<void(int line, std::string what)>;

  explicit ScriptRunner(std::string_view script);
  Tally Run(const Report& report);

 private:
  Result<void> Load(const LoadCommand& load);
  Result<void> Eval(const EvalCommand& eval) const;
  Result<void> EvalInstant(const EvalCommand& eval, const std::string& expr, TimestampMs at,
                           bool first) const;
  Result<void> EvalAsMiddleStep(const EvalCommand& eval, const std::string& expr, TimestampMs at,
                                promql::ValueType type) const;
  Result<promql::QueryResult> Execute(const std::string& expr, TimestampMs start, TimestampMs end,
                                      DurationMs step_ms) const;

  std::vector<Command> commands_;
  promql::Engine engine_;
  MemoryStorage storage_;
};

}  // namespace vigil::tests
