// SPDX-License-Identifier: Apache-2.0
// Alerting at work: one thread that advances an AlertRouter, hands its messages to the notifier and
// keeps its state in the state store.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "client-lib/base/clock.h"
#include "server/alerting/alert_router.h"
#include "server/alerting/alert_sink.h"
#include "server/alerting/notifier.h"
#include "server/alerting/state_store.h"

namespace vigil::alerting {

// Threads: Start and Stop on the owner's thread; the rest any.
class AlertingService final : public AlertSink {
 public:
  struct Options {
    AlertRouter::Options router;
  };
  AlertingService(std::shared_ptr<const AlertingConfig> config, Options options, StateStore& store,
                  Notifier& notifier, const Clock& clock);
  ~AlertingService() override;

  // Loads what was stored and begins. The error is the store's, or the notifier's.
  Result<void> Start();
  // Stores timers and changes; sends nothing more.
  void Stop();
  // On an error the configuration before stays.
  Result<void> Reload(std::shared_ptr<const AlertingConfig> config);

  Result<void> Post(const std::vector<PostedAlert>& alerts) override;
  // Both return once the change is stored. The errors of Silences, or unavailable.
  Result<std::string> SetSilence(Silence silence);
  Result<void> ExpireSilence(const std::string& id);

  // Calls look(router, now) while nothing changes: copy what you need and be quick.
  void Look(const std::function<void(const AlertRouter&, TimestampMs)>& look) const;
};

}  // namespace vigil::alerting
