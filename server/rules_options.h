// SPDX-License-Identifier: Apache-2.0
// The flags of rules, by upstream's names.
#pragma once

#include <cstdint>

#include "client-lib/base/result.h"
#include "exporters/toolkit/flags.h"

namespace vigil::server {

struct RulesOptions {
  int64_t outage_tolerance_ms = 3'600'000;
  int64_t grace_period_ms = 600'000;
  int64_t resend_delay_ms = 60'000;
  int64_t max_concurrent_evals = 4;
  bool concurrent_rules = false;  // --enable-feature=concurrent-rule-eval

  void AddTo(toolkit::FlagSet* flags);
  // bad_data names the flag.
  [[nodiscard]] Result<void> Check() const;
};

}  // namespace vigil::server
