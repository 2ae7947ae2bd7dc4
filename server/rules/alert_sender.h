// SPDX-License-Identifier: Apache-2.0
// From rules to everybody who takes alerts: external labels and alert_relabel_configs are applied
// on the way.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "client-lib/base/mutex.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/relabel.h"
#include "server/alerting/alert_sink.h"

namespace vigil::rules {

// Threads: any; sinks are added before alerts come.
class AlertSender final : public alerting::AlertSink {
 public:
  // Must outlive the sender.
  void Add(alerting::AlertSink& sink) { sinks_.push_back(&sink); }
  void Configure(Labels external_labels, std::vector<RelabelRule> relabel);

  // The first error of the sinks; each gets all alerts, whatever the others say.
  Result<void> Post(const std::vector<alerting::PostedAlert>& alerts) override;
  void NotePending(const std::vector<alerting::PostedAlert>& alerts) override;

  // Alerts that relabelling dropped, since start.
  [[nodiscard]] uint64_t dropped() const { return dropped_; }

 private:
  struct Settings {
    Labels external_labels;
    std::vector<RelabelRule> relabel;
  };

  // As they are sent: with external labels, relabelled, in `room`; or `alerts` where nothing is to
  // be done. Those that relabelling drops are counted.
  const std::vector<alerting::PostedAlert>& Prepare(
      const std::vector<alerting::PostedAlert>& alerts, std::vector<alerting::PostedAlert>* room,
      uint64_t* dropped) const;

  std::vector<alerting::AlertSink*> sinks_;
  Guarded<std::shared_ptr<const Settings>> settings_{std::make_shared<const Settings>()};
  std::atomic<uint64_t> dropped_{0};
};

}  // namespace vigil::rules
