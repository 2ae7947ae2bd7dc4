// SPDX-License-Identifier: Apache-2.0
// The alerts and groups of alerts that a request of Alertmanager's API asks for, and how they are
// written.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "server/alerting/service.h"
#include "server/web/json_writer.h"

namespace vigil::web {

// active, silenced, inhibited, unprocessed, muted, filter, receiver, receiver_matchers.
struct AlertFilter {
  bool active = true;
  bool silenced = true;
  bool inhibited = true;
  bool muted = true;
  alerting::LabelMatchers matchers;
  std::optional<alerting::LabelMatcher> receiver;
  alerting::LabelMatchers receiver_matchers;

  // bad_data in upstream's words. A word that is no boolean is false.
  static Result<AlertFilter> Parse(const http::Params& params, alerting::MatcherMode mode);
  // The last value of a parameter as upstream reads booleans; missing or empty: `otherwise`.
  static bool Flag(const http::Params& params, std::string_view name, bool otherwise);
  // filter=...&filter=...
  static Result<alerting::LabelMatchers> Matchers(const http::Params& params, std::string_view name,
                                                  alerting::MatcherMode mode);
};

// What mutes an alert at the moment.
struct AlertStatus {
  std::vector<std::string> silenced_by;
  std::optional<alerting::Inhibition> inhibition;
};

// A look at the alerts of a service in pieces, so that it is not held up by many of them.
// Threads: owner thread only.
class AlertListing {
 public:
  AlertListing(const alerting::AlertingService& service, AlertFilter filter)
      : service_(service), filter_(std::move(filter)) {}

  // Takes note of what there is. Returns how many alerts that is before they are filtered.
  size_t LoadAlerts();
  // REQUIRES: LoadAlerts. Those that are not over and pass the filter, sorted by fingerprint.
  void WriteAlerts(JsonWriter& json) const;

  // The same for groups: by labels, then receiver; in a group as notifications list alerts.
  size_t LoadGroups();
  void WriteGroups(JsonWriter& json);

 private:
  struct Group {
    const alerting::Route* route = nullptr;
    Labels labels;
    std::vector<alerting::AlertPtr> alerts;
    std::vector<std::string> muted_by;
  };
  struct Judged {
    alerting::AlertPtr alert;
    AlertStatus status;
  };

  // Those of the alerts that pass, with their status.
  std::vector<Judged> Judge(std::span<const alerting::AlertPtr> alerts) const;
  [[nodiscard]] bool WantsReceiver(std::string_view name) const;
  void Note(const alerting::AlertRouter& router);

  const alerting::AlertingService& service_;
  const AlertFilter filter_;
  std::shared_ptr<const alerting::RouteTree> tree_;
  std::set<std::string, std::less<>> receivers_;  // that receiver_matchers let through
  std::vector<alerting::AlertPtr> alerts_;
  std::vector<Group> groups_;
};

}  // namespace vigil::web
