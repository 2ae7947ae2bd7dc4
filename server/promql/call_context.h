// SPDX-License-Identifier: Apache-2.0
// What a special function sees of its call: arguments are evaluated when it asks for them.
#pragma once

#include <string>
#include <vector>

#include "server/promql/engine_evaluator.h"

namespace vigil::promql {

// Threads: owner thread only.
class CallContext {
 public:
  CallContext(Evaluator& evaluator, const Call& call) : evaluator_(evaluator), call_(call) {}

  [[nodiscard]] const Call& call() const { return call_; }
  [[nodiscard]] size_t arg_count() const { return call_.args.size(); }
  // REQUIRES: i < arg_count()
  [[nodiscard]] const Expr& arg(size_t i) const { return *call_.args[i]; }
  Result<Value> Eval(size_t i) { return evaluator_.Eval(arg(i)); }
  Result<std::vector<double>> Scalar(size_t i) { return evaluator_.Scalar(arg(i)); }
  // REQUIRES: the argument is a string.
  [[nodiscard]] const std::string& Text(size_t i) const {
    return static_cast<const StringLiteral&>(Unwrapped(arg(i))).value;
  }

  [[nodiscard]] const Grid& grid() const { return evaluator_.grid(); }
  [[nodiscard]] Evaluator& evaluator() const { return evaluator_; }
  [[nodiscard]] QueryContext& query() const { return evaluator_.query(); }
  [[nodiscard]] Annotations& notes() const { return evaluator_.query().notes; }

 private:
  Evaluator& evaluator_;
  const Call& call_;
};

}  // namespace vigil::promql
