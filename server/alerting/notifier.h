// SPDX-License-Identifier: Apache-2.0
// Who sends messages to receivers: the room `notify`, or a fake in tests.
#pragma once

#include <functional>
#include <memory>

#include "server/alerting/alert_router.h"

namespace vigil::alerting {

// Threads: any.
class Notifier {
 public:
  // What a try came to. `receiver_data` replaces the integration's notes when it was sent.
  using Done = std::function<void(uint64_t id, SendOutcome outcome, StringMap receiver_data)>;

  virtual ~Notifier() = default;
  // Begins to send; does not block. done is called exactly once, on another thread or before Send
  // returns, also after Stop (kRetry, "the server is stopping").
  virtual void Send(Outgoing message, Done done) = 0;
  // Later messages go by this configuration. On an error the one before stays (a template that
  // cannot be read, a secret file that is missing).
  virtual Result<void> Apply(std::shared_ptr<const AlertingConfig> config) = 0;
  // Ends what is under way.
  virtual void Stop() = 0;
};

}  // namespace vigil::alerting
