// SPDX-License-Identifier: Apache-2.0
// Relabelling rules: a pure function from label set to label set or "drop".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/matcher.h"

namespace vigil {

enum class RelabelAction {
  kReplace,
  kKeep,
  kDrop,
  kKeepEqual,
  kDropEqual,
  kHashMod,
  kLabelMap,
  kLabelDrop,
  kLabelKeep,
  kLowercase,
  kUppercase,
};

// bad_data: `unknown relabel action "x"`.
Result<RelabelAction> ParseRelabelAction(std::string_view text);
std::string_view RelabelActionName(RelabelAction action);

// The fields as the file has them; which of them were written matters to the checks.
struct RelabelFields {
  std::vector<std::string> source_labels;
  std::optional<std::string> separator;
  std::optional<std::string> regex;
  uint64_t modulus = 0;
  std::string target_label;
  std::optional<std::string> replacement;
  RelabelAction action = RelabelAction::kReplace;
};

// One rule, checked. Threads: any (immutable).
class RelabelRule {
 public:
  // bad_data with upstream's reasons (missing modulus, target label, fields not allowed...).
  static Result<RelabelRule> Create(const RelabelFields& fields);
  // False: the target or series is dropped.
  bool Apply(LabelsBuilder* labels) const;
  [[nodiscard]] const RelabelFields& fields() const { return fields_; }

 private:
  RelabelRule(RelabelFields fields, Regexp regex, bool verbatim)
      : fields_(std::move(fields)), regex_(std::move(regex)), verbatim_(verbatim) {}
  bool Replace(LabelsBuilder* labels, const std::string& joined) const;

  RelabelFields fields_;
  Regexp regex_;
  bool verbatim_;  // default regex and no `$`: the replacement is set as it is
};

// In order; false as soon as one rule drops.
bool Relabel(const std::vector<RelabelRule>& rules, LabelsBuilder* labels);

}  // namespace vigil
