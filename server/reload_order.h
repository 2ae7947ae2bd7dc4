// SPDX-License-Identifier: Apache-2.0
// The parts of a reload that can fail at work, in their order.
#pragma once

#include <functional>

#include "client-lib/base/log.h"
#include "client-lib/base/result.h"

namespace vigil::server {

// Everything but reload_alerting must be set. Threads: one reload at a time.
struct FallibleReload {
  using Part = std::function<Result<void>()>;

  Part open_query_log;
  Part reopen_query_log;  // the one before
  Part reload_alerting;   // null: there is none
  Part apply_policy;

  // Retention comes last: nothing brings back what it deletes. After an error what can be undone is
  // as it was: the query log.
  [[nodiscard]] Result<void> Run() const {
    TRY(open_query_log());
    Result<void> applied = reload_alerting ? reload_alerting() : Ok();
    if (applied) applied = apply_policy();
    if (applied) return Ok();
    if (Result<void> back = reopen_query_log(); !back) {
      log::Warn("main", "the query log before could not be opened again", {{"err", back.error()}});
    }
    return applied;
  }
};

}  // namespace vigil::server
