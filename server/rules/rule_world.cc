// SPDX-License-Identifier: Apache-2.0
#include "server/rules/rule_world.h"

#include <utility>

namespace vigil::rules {

Result<promql::QueryResult> RunQuery(const RuleWorld& world, const promql::Expr* parsed,
                                     const std::string& text, TimestampMs at) {
  promql::QueryRequest request;
  request.text = text;
  request.start = at;
  request.end = at;
  request.stop = world.stop;
  const auto execute = [&] {
    return parsed == nullptr ? world.engine.Execute(world.store, request)
                             : world.engine.Execute(world.store, *parsed, request);
  };
  if (world.running == nullptr) return execute();
  promql::QueryOrigin origin;
  origin.text = text;
  origin.start = origin.end = at;
  promql::ActiveQueries::Entry entry = world.running->Enter(std::move(origin));
  entry.Start();
  request.stop = entry.stop();
  request.progress = &entry.progress();
  const std::stop_callback at_end(
      world.stop, [source = entry.stop_source()]() mutable { source.request_stop(); });
  return execute();
}

}  // namespace vigil::rules
