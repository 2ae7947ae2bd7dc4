// SPDX-License-Identifier: Apache-2.0
// Which rules of a group may be evaluated at the same time (--enable-feature=concurrent-rule-eval).
#pragma once

#include <cstddef>
#include <vector>

#include "server/rules/rule_file.h"

namespace vigil::rules {

// Places of rules, to be evaluated batch by batch, those of a batch in any order: first those that
// need no other rule of the group, then one by one those between, at last those that no other rule
// needs. A selector needs every rule whose name its metric name can be. Rules with a selector
// without a metric name, or of ALERTS, may need any: then there is a batch for each rule, in their
// order.
std::vector<std::vector<size_t>> RuleBatches(const std::vector<RuleSpec>& rules);

}  // namespace vigil::rules
