// SPDX-License-Identifier: Apache-2.0
// From a group that is due to what is said to whom: inhibition, time intervals, silences, and the
// notification log, as one pure function.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "server/alerting/acknowledgements.h"
#include "server/alerting/alerting_config.h"
#include "server/alerting/dispatcher.h"
#include "server/alerting/inhibitor.h"
#include "server/alerting/notification_log.h"
#include "server/alerting/silences.h"

namespace vigil::alerting {

// The integrations of each receiver, in the order of the file's types.
using IntegrationMap = std::map<std::string, std::vector<Integration>>;
IntegrationMap ListIntegrations(const std::vector<ReceiverConfig>& receivers);

using IntervalMap = std::map<std::string, std::vector<TimeInterval>>;
IntervalMap MapIntervals(const AlertingConfig& config);

// Why an alert of a flush was held back.
struct MutedAlert {
  AlertPtr alert;
  std::optional<Inhibition> inhibition;
  std::vector<std::string> silences;  // ids
};

// One message to one integration. With nothing to send (the receiver wants no resolved alerts) the
// entry is logged as if it had been sent.
struct Delivery {
  Integration integration;
  NotifyReason reason = NotifyReason::kNone;
  std::vector<AlertPtr> alerts;  // of the message; empty: nothing is sent
  LogEntry entry;                // what the log says once it is sent
};

struct FlushPlan {
  std::vector<Delivery> deliveries;
  std::vector<MutedAlert> muted;
  std::vector<std::string> muting_intervals;  // names; not empty: the route rests
  // Hashes of alerts that are over and whose end is still owed to somebody: they stay in the group.
  HashSet keep;
};

struct PipelineView {
  const Inhibitor& inhibitor;
  const Silences& silences;
  const NotificationLog& log;
  const IntervalMap& intervals;
  const IntegrationMap& integrations;
  const Acknowledgements& acknowledgements;
  DurationMs retention = 120LL * 3'600'000;
};

// Whom a route tells.
struct Target {
  Integration integration;
  std::string log_name;             // in the notification log; a step of an escalation has its own
  std::optional<DurationMs> after;  // of a step
};
std::vector<Target> TargetsOf(const Route& route, const IntegrationMap& integrations);

// A step of an escalation is told of alerts that fire for so long and that nobody acknowledged, and
// of the end of those; to it the others are as if they were muted. What is acknowledged is not
// repeated.
// An alert that was said to be firing and has ended goes to those who were told even if it is
// silenced or inhibited; while a time interval mutes its route it waits.
FlushPlan PlanFlush(const Flush& flush, const PipelineView& view);

// The names of the intervals by which the route rests at that time: mute_time_intervals that it is
// in, or all active_time_intervals when it is in none of them.
std::vector<std::string> MutingIntervals(const Route& route, const IntervalMap& intervals,
                                         TimestampMs now);

}  // namespace vigil::alerting
