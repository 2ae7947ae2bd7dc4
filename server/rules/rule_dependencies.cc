// SPDX-License-Identifier: Apache-2.0
#include "server/rules/rule_dependencies.h"

#include <algorithm>

#include "server/promql/ast.h"

namespace vigil::rules {
namespace {

struct Inputs {
  std::vector<Matcher> names;
  bool any = false;  // a selector may read what every rule writes
};

void AddInputs(const promql::Expr& expr, Inputs* inputs) {
  if (expr.kind == promql::NodeKind::kVectorSelector) {
    const auto& matchers = static_cast<const promql::VectorSelector&>(expr).matchers;
    const auto name = std::find_if(matchers.begin(), matchers.end(), [](const Matcher& matcher) {
      return matcher.name() == kMetricName;
    });
    if (name == matchers.end() || name->Matches("ALERTS") || name->Matches("ALERTS_FOR_STATE")) {
      inputs->any = true;
    } else {
      inputs->names.push_back(*name);
    }
  }
  promql::ForEachChild(expr, [inputs](const promql::Expr& child) { AddInputs(child, inputs); });
}

std::vector<std::vector<size_t>> OneByOne(size_t rules) {
  std::vector<std::vector<size_t>> batches;
  for (size_t i = 0; i < rules; ++i) batches.push_back({i});
  return batches;
}

}  // namespace

std::vector<std::vector<size_t>> RuleBatches(const std::vector<RuleSpec>& rules) {
  std::vector<bool> needs(rules.size());
  std::vector<bool> needed(rules.size());
  for (size_t i = 0; i < rules.size(); ++i) {
    Inputs inputs;
    AddInputs(*rules[i].parsed, &inputs);
    if (inputs.any) return OneByOne(rules.size());
    for (size_t k = 0; k < rules.size(); ++k) {
      const auto reads = [&](const Matcher& name) { return name.Matches(rules[k].name()); };
      if (std::none_of(inputs.names.begin(), inputs.names.end(), reads)) continue;
      needs[i] = true;
      needed[k] = true;
    }
  }
  std::vector<size_t> first;
  std::vector<size_t> last;
  std::vector<std::vector<size_t>> batches;
  for (size_t i = 0; i < rules.size(); ++i) {
    if (!needs[i]) {
      first.push_back(i);
    } else if (!needed[i]) {
      last.push_back(i);
    } else {
      batches.push_back({i});
    }
  }
  if (!first.empty()) batches.insert(batches.begin(), std::move(first));
  if (!last.empty()) batches.push_back(std::move(last));
  return batches;
}

}  // namespace vigil::rules
