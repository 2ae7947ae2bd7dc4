// SPDX-License-Identifier: Apache-2.0
// A body of alerts as sources repeat it: where each alert begins and ends and when it is said to
// be, without reading what it says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/alerting/alert.h"

namespace vigil::web {

// Of a body that AlertsBody reads without a problem, the texts are those of its reports, in their
// order, and reports of one text say the same but for their times. Of any other body they may be
// anything: texts that were never read are unknown.
class AlertsScan {
 public:
  // seed: AlertingService::text_seed().
  explicit AlertsScan(uint64_t seed) : seed_(seed) {}

  // False when the body has a form that is not usual: it must be read. There are no texts then.
  bool Read(std::string_view body);
  [[nodiscard]] const std::vector<alerting::AlertText>& texts() const { return texts_; }

 private:
  const uint64_t seed_;
  std::vector<alerting::AlertText> texts_;
};

}  // namespace vigil::web
