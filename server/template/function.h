// SPDX-License-Identifier: Apache-2.0
// Functions of templates: rows of a table, and what they may ask of the world.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "server/template/value.h"

namespace vigil::tmpl {

// One sample of a query's result.
struct QuerySample {
  Labels labels;
  double value = 0;
  // What `strvalue` gives: of a query that results in a string.
  std::string text;
};

// What functions may ask of the world.
struct Environment {
  // Evaluates a PromQL expression at `now_ms`; null: `query` is an error.
  std::function<Result<std::vector<QuerySample>>(std::string_view)> query;
  std::string path_prefix;  // of the external URL
  std::string external_url;
  // The moment of evaluation: Prometheus's `now`.
  TimestampMs now_ms = 0;
  // What `now` and `since` of notifications show, and what deadlines are measured with. It must
  // outlive the call.
  const Clock* clock = &Clock::System();
  std::shared_ptr<const TimeZone> local_zone;  // of Time.Local; null: UTC
};

struct FunctionCall {
  const Environment& environment;
  Args args;         // of the types that the signature asks for
  size_t max_bytes;  // of a text that is returned
};

struct FunctionRow {
  std::string_view name;
  Signature signature;
  Result<Value> (*call)(const FunctionCall& call);
};

// Go's own functions: part of every set. `and` and `or` are rows, too, but evaluated by the
// evaluator, which stops at the first argument that decides.
std::span<const FunctionRow> BuiltinFunctions();
// What rule files and consoles of Prometheus may call.
std::span<const FunctionRow> PrometheusFunctions();
// What notification templates of Alertmanager may call.
std::span<const FunctionRow> AlertmanagerFunctions();

}  // namespace vigil::tmpl
