// SPDX-License-Identifier: Apache-2.0
#include "server/rules/alert_sender.h"

#include <optional>
#include <utility>

namespace vigil::rules {

void AlertSender::Configure(Labels external_labels, std::vector<RelabelRule> relabel) {
  settings_.Set(
      std::make_shared<const Settings>(Settings{std::move(external_labels), std::move(relabel)}));
}

const std::vector<alerting::PostedAlert>& AlertSender::Prepare(
    const std::vector<alerting::PostedAlert>& alerts, std::vector<alerting::PostedAlert>* room,
    uint64_t* dropped) const {
  const std::shared_ptr<const Settings> settings = settings_.Copy();
  if (settings->external_labels.empty() && settings->relabel.empty()) return alerts;
  room->reserve(alerts.size());
  LabelsBuilder builder;
  for (const alerting::PostedAlert& alert : alerts) {
    builder.Reset(alert.labels);
    for (const LabelView label : settings->external_labels) {
      if (!builder.Has(label.name)) builder.Set(label.name, label.value);
    }
    if (!Relabel(settings->relabel, &builder)) {
      ++*dropped;
      continue;
    }
    room->push_back(alert);
    room->back().labels = builder.Build();
  }
  return *room;
}

Result<void> AlertSender::Post(const std::vector<alerting::PostedAlert>& alerts) {
  uint64_t dropped = 0;
  std::vector<alerting::PostedAlert> room;
  const std::vector<alerting::PostedAlert>& sent = Prepare(alerts, &room, &dropped);
  dropped_ += dropped;
  std::optional<Error> problem;
  for (alerting::AlertSink* sink : sinks_) {
    if (sent.empty()) break;
    Result<void> posted = sink->Post(sent);
    if (!posted && !problem) problem = std::move(posted).error();
  }
  return problem ? Result<void>(*std::move(problem)) : Ok();
}

void AlertSender::NotePending(const std::vector<alerting::PostedAlert>& alerts) {
  uint64_t dropped = 0;  // of alerts that are not sent
  std::vector<alerting::PostedAlert> room;
  const std::vector<alerting::PostedAlert>& noted = Prepare(alerts, &room, &dropped);
  if (noted.empty()) return;
  for (alerting::AlertSink* sink : sinks_) sink->NotePending(noted);
}

}  // namespace vigil::rules
