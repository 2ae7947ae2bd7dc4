// SPDX-License-Identifier: Apache-2.0
#include "server/rules/alert_sender.h"

#include <optional>
#include <utility>

namespace vigil::rules {

void AlertSender::Configure(Labels external_labels, std::vector<RelabelRule> relabel) {
  settings_.Set(
      std::make_shared<const Settings>(Settings{std::move(external_labels), std::move(relabel)}));
}

Result<void> AlertSender::Post(const std::vector<alerting::PostedAlert>& alerts) {
  const std::shared_ptr<const Settings> settings = settings_.Copy();
  std::vector<alerting::PostedAlert> out;
  const std::vector<alerting::PostedAlert>* sent = &alerts;
  if (!settings->external_labels.empty() || !settings->relabel.empty()) {
    out.reserve(alerts.size());
    LabelsBuilder builder;
    for (const alerting::PostedAlert& alert : alerts) {
      builder.Reset(alert.labels);
      for (const LabelView label : settings->external_labels) {
        if (!builder.Has(label.name)) builder.Set(label.name, label.value);
      }
      if (!Relabel(settings->relabel, &builder)) {
        ++dropped_;
        continue;
      }
      out.push_back(alert);
      out.back().labels = builder.Build();
    }
    sent = &out;
  }
  std::optional<Error> problem;
  for (alerting::AlertSink* sink : sinks_) {
    if (sent->empty()) break;
    Result<void> posted = sink->Post(*sent);
    if (!posted && !problem) problem = std::move(posted).error();
  }
  return problem ? Result<void>(*std::move(problem)) : Ok();
}

}  // namespace vigil::rules
