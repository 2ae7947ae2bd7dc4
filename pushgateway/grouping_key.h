// SPDX-License-Identifier: Apache-2.0
// The grouping key of a push: the labels in the path /metrics/job/JOB{/LABEL/VALUE}.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::pushgateway {

// Sorted by name; values may be empty (unlike in a label set: "q" with an empty value and no "q"
// at all are two groups).
class GroupingKey {
 public:
  // raw_path: what follows /metrics/, still percent-encoded: "job/a", "job@base64/eA/zone/b".
  // Segments are split before they are decoded, so %2F may stand in a value. One trailing slash is
  // allowed. Of equal names the last wins. not_found: not a path of a group at all; bad_data: bad
  // name, value or number of segments.
  static Result<GroupingKey> Parse(std::string_view raw_path);

  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& labels() const {
    return labels_;
  }
  // Null when missing.
  [[nodiscard]] const std::string* Find(std::string_view name) const;
  // Names and values, each followed by a byte 0xff, which occurs in neither.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  Result<void> Set(std::string name, std::string value);
  void BuildText();

  std::vector<std::pair<std::string, std::string>> labels_;
  std::string text_;
};

// Orders key texts as people would: name by name and value by value, the shorter first.
struct KeyTextLess {
  bool operator()(std::string_view a, std::string_view b) const;
};

}  // namespace vigil::pushgateway
