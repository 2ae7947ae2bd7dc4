// SPDX-License-Identifier: Apache-2.0
// Silences as they are posted.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/json_value.h"
#include "server/alerting/label_matcher.h"

namespace vigil::cli {

struct SilenceBody {
  alerting::LabelMatchers matchers;
  TimestampMs starts_at = 0;
  TimestampMs ends_at = 0;
  std::string created_by;
  std::string comment;
  std::vector<std::pair<std::string, std::string>> annotations;

  [[nodiscard]] std::string ToJson() const;
};

// Sets a text member of an object, or adds it.
void SetText(JsonValue* object, const std::string& name, std::string text);
// A silence that a server lists, without what only servers say of it.
std::string PostableSilence(const JsonValue& silence);

}  // namespace vigil::cli
