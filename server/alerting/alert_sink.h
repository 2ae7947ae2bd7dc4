// SPDX-License-Identifier: Apache-2.0
// Where alerts go: the service of this server, or Alertmanagers elsewhere.
#pragma once

#include <vector>

#include "client-lib/base/result.h"
#include "server/alerting/alert.h"

namespace vigil::alerting {

// Threads: any. Post does not wait for receivers or other servers.
class AlertSink {
 public:
  virtual ~AlertSink() = default;
  // Takes what is good of a batch; the error is the first problem of the others.
  virtual Result<void> Post(const std::vector<PostedAlert>& alerts) = 0;
  // Alerts of rules that just became pending: nobody is told, history has them.
  virtual void NotePending(const std::vector<PostedAlert>& /*alerts*/) {}
};

}  // namespace vigil::alerting
