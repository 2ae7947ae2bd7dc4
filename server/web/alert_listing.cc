// SPDX-License-Identifier: Apache-2.0
// See alert_listing.h.
#include "server/web/alert_listing.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "client-lib/base/strings.h"
#include "server/alerting/pipeline.h"
#include "server/web/date_time.h"

namespace vigil::web {
namespace {

using alerting::AlertPtr;
using alerting::AlertRouter;

// Looked at while nothing else changes.
constexpr size_t kAlertsPerLook = 2048;

void WriteTime(std::string_view key, TimestampMs time, JsonWriter& json) {
  std::string text = "\"";
  AppendDateTime(time, &text);
  text += '"';
  json.Key(key).Raw(text);
}

template <typename Texts>
void WriteTexts(std::string_view key, const Texts& texts, JsonWriter& json) {
  json.Key(key).BeginArray();
  for (const auto& text : texts) json.String(text);
  json.EndArray();
}

void WriteStatus(const AlertStatus& status, const std::vector<std::string>& muted_by,
                 JsonWriter& json) {
  json.Key("status").BeginObject().Key("inhibitedBy").BeginArray();
  if (status.inhibition) json.String(alerting::FingerprintText(status.inhibition->source));
  json.EndArray();
  WriteTexts("mutedBy", muted_by, json);
  WriteTexts("silencedBy", status.silenced_by, json);
  const bool suppressed =
      !status.silenced_by.empty() || status.inhibition.has_value() || !muted_by.empty();
  json.Field("state", suppressed ? "suppressed" : "active").EndObject();
}

void WriteAlert(const alerting::Alert& alert, const AlertStatus& status,
                std::span<const std::string_view> receivers,
                const std::vector<std::string>& muted_by, JsonWriter& json) {
  json.BeginObject().Key("annotations").LabelSet(alert.annotations);
  WriteTime("endsAt", alert.ends_at, json);
  json.Field("fingerprint", alerting::FingerprintText(alert.fingerprint));
  json.Key("receivers").BeginArray();
  for (const std::string_view name : receivers) {
    json.BeginObject().Field("name", name).EndObject();
  }
  json.EndArray();
  WriteTime("startsAt", alert.starts_at, json);
  WriteStatus(status, muted_by, json);
  WriteTime("updatedAt", alert.updated_at, json);
  if (!alert.generator_url.empty()) json.Field("generatorURL", alert.generator_url);
  json.Key("labels").LabelSet(alert.labels).EndObject();
}

void WriteStringMap(const alerting::StringMap& map, JsonWriter& json) {
  json.BeginObject();
  for (const auto& [name, value] : map) json.Field(name, value);
  json.EndObject();
}

bool IsTrueWord(std::string_view word) {
  constexpr std::array<std::string_view, 10> kWords = {
      "true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"};
  const std::string lower = AsciiLower(word);
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

}  // namespace

bool AlertFilter::Flag(const http::Params& params, std::string_view name, bool otherwise) {
  const std::vector<std::string> values = params.All(name);
  if (values.empty() || values.back().empty()) return otherwise;
  return IsTrueWord(values.back());
}

Result<alerting::LabelMatchers> AlertFilter::Matchers(const http::Params& params,
                                                      std::string_view name,
                                                      alerting::MatcherMode mode) {
  alerting::MatcherParser parser(mode);
  alerting::LabelMatchers matchers;
  for (const std::string& text : params.All(name)) {
    matchers.push_back(TRY(parser.ParseOne(text)));
  }
  return matchers;
}

Result<AlertFilter> AlertFilter::Parse(const http::Params& params, alerting::MatcherMode mode) {
  AlertFilter filter;
  filter.matchers = TRY(Matchers(params, "filter", mode));
  if (!params.Get("receiver").empty()) {
    filter.receiver = TRY_CONTEXT(
        alerting::LabelMatcher::Create(MatchType::kRegexp, "receiver", params.Get("receiver")),
        "failed to parse receiver param");
  }
  filter.receiver_matchers = TRY(Matchers(params, "receiver_matchers", mode));
  filter.active = Flag(params, "active", true);
  filter.silenced = Flag(params, "silenced", true);
  filter.inhibited = Flag(params, "inhibited", true);
  filter.muted = Flag(params, "muted", true);
  return filter;
}

bool AlertListing::WantsReceiver(std::string_view name) const {
  if (filter_.receiver && !filter_.receiver->MatchesValue(name)) return false;
  return filter_.receiver_matchers.empty() || receivers_.contains(name);
}

void AlertListing::Note(const AlertRouter& router) {
  tree_ = router.dispatcher().tree();
  if (filter_.receiver_matchers.empty()) return;
  for (const alerting::ReceiverConfig& receiver : router.config().receivers) {
    LabelsBuilder labels;
    for (const auto& [name, value] : receiver.labels) labels.Set(name, value);
    labels.Set("name", receiver.name);
    if (alerting::MatchesLabels(filter_.receiver_matchers, labels.Build())) {
      receivers_.insert(receiver.name);
    }
  }
}

std::vector<AlertListing::Judged> AlertListing::Judge(std::span<const AlertPtr> alerts) const {
  std::vector<Judged> judged;
  service_.Look([&](const AlertRouter& router, TimestampMs now) {
    for (const AlertPtr& alert : alerts) {
      if (alert->ResolvedAt(now)) continue;
      if (!alerting::MatchesLabels(filter_.matchers, alert->labels)) continue;
      AlertStatus status;
      status.silenced_by = router.silences().Muting(alert->labels, now);
      status.inhibition = router.inhibitor().Find(alert->labels, now);
      const bool active = status.silenced_by.empty() && !status.inhibition;
      if (active ? !filter_.active
                 : (!filter_.silenced && !status.silenced_by.empty()) ||
                       (!filter_.inhibited && status.inhibition)) {
        continue;
      }
      judged.push_back({alert, std::move(status)});
    }
  });
  return judged;
}

size_t AlertListing::LoadAlerts() {
  service_.Look([&](const AlertRouter& router, TimestampMs) {
    Note(router);
    alerts_.reserve(router.alerts().size());
    router.alerts().ForEach(
        [&](const alerting::AlertSlot& slot) { alerts_.push_back(slot.alert()); });
  });
  std::sort(alerts_.begin(), alerts_.end(),
            [](const AlertPtr& a, const AlertPtr& b) { return a->fingerprint < b->fingerprint; });
  return alerts_.size();
}

void AlertListing::WriteAlerts(JsonWriter& json) const {
  json.BeginArray();
  std::vector<std::string_view> receivers;
  for (size_t i = 0; i < alerts_.size() && !json.gone(); i += kAlertsPerLook) {
    const size_t count = std::min(kAlertsPerLook, alerts_.size() - i);
    for (const Judged& one : Judge(std::span(alerts_).subspan(i, count))) {
      receivers.clear();
      for (const alerting::Route* route : tree_->Match(one.alert->labels)) {
        receivers.push_back(route->receiver);
      }
      const bool wanted =
          std::any_of(receivers.begin(), receivers.end(),
                      [&](std::string_view receiver) { return WantsReceiver(receiver); });
      if (wanted) WriteAlert(*one.alert, one.status, receivers, {}, json);
    }
  }
  json.EndArray();
}

size_t AlertListing::LoadGroups() {
  size_t alerts = 0;
  service_.Look([&](const AlertRouter& router, TimestampMs now) {
    Note(router);
    std::optional<alerting::IntervalMap> intervals;
    for (alerting::GroupView& view : router.dispatcher().Groups()) {
      const alerting::Route& route = *view.route;
      if (!WantsReceiver(route.receiver)) continue;
      Group group{view.route, std::move(view.labels), std::move(view.alerts), {}};
      if (!route.mute_time_intervals.empty() || !route.active_time_intervals.empty()) {
        if (!intervals) intervals = alerting::MapIntervals(router.config());
        group.muted_by = alerting::MutingIntervals(route, *intervals, now);
        if (!filter_.muted && !group.muted_by.empty()) continue;
      }
      alerts += group.alerts.size();
      groups_.push_back(std::move(group));
    }
  });
  return alerts;
}

void AlertListing::WriteGroups(JsonWriter& json) {
  // An alert of several groups is judged once, and says all its receivers in each.
  struct Entry {
    AlertStatus status;
    bool passes = false;
    std::vector<std::string_view> receivers;
  };
  std::unordered_map<uint64_t, Entry> entries;
  std::vector<AlertPtr> unique;
  for (const Group& group : groups_) {
    for (const AlertPtr& alert : group.alerts) {
      Entry& entry = entries[alert->fingerprint];
      if (entry.receivers.empty()) unique.push_back(alert);
      entry.receivers.push_back(group.route->receiver);
    }
  }
  for (size_t i = 0; i < unique.size(); i += kAlertsPerLook) {
    const size_t count = std::min(kAlertsPerLook, unique.size() - i);
    for (Judged& one : Judge(std::span(unique).subspan(i, count))) {
      Entry& entry = entries.at(one.alert->fingerprint);
      entry.status = std::move(one.status);
      entry.passes = true;
      std::sort(entry.receivers.begin(), entry.receivers.end());
    }
  }
  json.BeginArray();
  for (Group& group : groups_) {
    std::erase_if(group.alerts,
                  [&](const AlertPtr& alert) { return !entries.at(alert->fingerprint).passes; });
    if (group.alerts.empty() || json.gone()) continue;
    std::sort(group.alerts.begin(), group.alerts.end(), [](const AlertPtr& a, const AlertPtr& b) {
      return alerting::NotificationOrder(*a, *b);
    });
    json.BeginObject().Key("alerts").BeginArray();
    for (const AlertPtr& alert : group.alerts) {
      const Entry& entry = entries.at(alert->fingerprint);
      WriteAlert(*alert, entry.status, entry.receivers, group.muted_by, json);
    }
    json.EndArray().Key("labels").LabelSet(group.labels);
    json.Key("receiver").BeginObject().Field("name", group.route->receiver).EndObject();
    json.Key("routeLabels");
    WriteStringMap(group.route->labels, json);
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace vigil::web
