// SPDX-License-Identifier: Apache-2.0
#include "server/web/alert_history_api.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/alerting/matcher_parser.h"
#include "server/alerting/pipeline.h"
#include "server/web/date_time.h"

namespace vigil::web {
namespace {

using alerting::AlertEvent;
using alerting::AlertRouter;
using alerting::HistoryQuery;
using alerting::NotificationEvent;

constexpr size_t kDefaultHistory = 1'000;
constexpr size_t kMostHistory = 10'000;  // of one answer
constexpr size_t kExplainedEvents = 50;

void PutTime(std::string_view name, TimestampMs time, JsonWriter& json) {
  std::string text;
  AppendDateTime(time, &text);
  json.Field(name, text);
}

void PutTexts(std::string_view name, const std::vector<std::string>& texts, JsonWriter& json) {
  json.Key(name).BeginArray();
  for (const std::string& text : texts) json.String(text);
  json.EndArray();
}

void WriteFingerprints(std::string_view name, const std::vector<uint64_t>& fingerprints,
                       JsonWriter& json) {
  json.Key(name).BeginArray();
  for (const uint64_t one : fingerprints) json.String(alerting::FingerprintText(one));
  json.EndArray();
}

void WriteAlertEvent(const AlertEvent& event, JsonWriter& json) {
  json.BeginObject();
  PutTime("time", event.at, json);
  json.Field("event", AlertEventText(event.kind));
  json.Field("fingerprint", alerting::FingerprintText(event.fingerprint));
  json.Key("labels").LabelSet(event.labels);
  if (!event.annotations.empty()) json.Key("annotations").LabelSet(event.annotations);
  PutTime("startsAt", event.starts_at, json);
  if (event.ends_at != 0) PutTime("endsAt", event.ends_at, json);
  if (!event.group_key.empty()) json.Field("groupKey", event.group_key);
  if (!event.receiver.empty()) json.Field("receiver", event.receiver);
  if (event.kind == alerting::AlertEventKind::kMuted) {
    PutTexts("silencedBy", event.silences, json);
    PutTexts("inhibitedBy", event.inhibited_by, json);
    PutTexts("mutedBy", event.intervals, json);
  }
  if (!event.by.empty()) json.Field("by", event.by);
  if (!event.comment.empty()) json.Field("comment", event.comment);
  json.EndObject();
}

void WriteNotification(const NotificationEvent& event, JsonWriter& json) {
  json.BeginObject();
  PutTime("time", event.at, json);
  PutTime("flushedAt", event.flushed_at, json);
  json.Field("receiver", event.integration.receiver);
  json.Field("integration", event.integration.type);
  json.Key("index").Int(static_cast<int64_t>(event.integration.index));
  json.Field("reason", NotifyReasonText(event.reason));
  json.Field("result", NotificationResultText(event.result));
  json.Key("tries").Int(static_cast<int64_t>(event.tries));
  if (event.status != 0) json.Key("httpStatus").Int(event.status);
  if (!event.error.empty()) json.Field("error", event.error);
  json.Field("groupKey", event.group_key);
  json.Key("groupLabels").LabelSet(event.group_labels);
  json.Key("commonLabels").LabelSet(event.common_labels);
  WriteFingerprints("firing", event.firing, json);
  WriteFingerprints("resolved", event.resolved, json);
  json.EndObject();
}

template <typename Event, typename Writer>
void WriteEvents(const std::vector<Event>& events, size_t most, Writer&& write, JsonWriter& json) {
  json.BeginArray();
  for (size_t i = 0; i < std::min(events.size(), most); ++i) write(events[i], json);
  json.EndArray();
}

Annotations MoreThere(size_t found, size_t limit) {
  Annotations annotations;
  if (found > limit) annotations.warnings.emplace_back("results truncated due to limit");
  return annotations;
}

bool IsFingerprint(std::string_view text) {
  return text.size() == 16 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f');
         });
}

// What alerting thinks of an alert now, copied while it stood still.
struct ToldEntry {
  std::string integration;
  std::optional<alerting::LogEntry> entry;
};
struct TakenRoute {
  std::string id;
  std::string receiver;
  std::string group_key;
  Labels group_labels;
  std::vector<std::string> intervals;
  std::vector<ToldEntry> told;
};
struct TriedRoute {
  std::string id;
  std::string matchers;
  std::string receiver;
  bool matches = false;
  bool taken = false;
};
struct Explanation {
  alerting::AlertPtr alert;
  TimestampMs now = 0;
  std::vector<std::string> silences;
  std::optional<alerting::Inhibition> inhibition;
  std::optional<alerting::Acknowledgement> acknowledgement;
  std::vector<TriedRoute> tried;
  std::vector<TakenRoute> taken;
};

TakenRoute TakeRoute(const AlertRouter& router, const alerting::Route& route, const Labels& labels,
                     TimestampMs now) {
  TakenRoute taken;
  taken.id = route.id;
  taken.receiver = route.receiver;
  taken.group_labels = route.GroupLabels(labels);
  taken.group_key = alerting::GroupKey(route, taken.group_labels);
  taken.intervals = alerting::MutingIntervals(route, router.intervals(), now);
  for (alerting::Target& target : alerting::TargetsOf(route, router.integrations())) {
    ToldEntry& told = taken.told.emplace_back();
    told.integration = std::move(target.log_name);
    const alerting::LogEntry* entry = router.log().Find(taken.group_key, told.integration);
    if (entry != nullptr) told.entry = *entry;
  }
  return taken;
}

Explanation ExplainNow(const AlertRouter& router, uint64_t fingerprint, TimestampMs now) {
  Explanation out;
  out.now = now;
  out.alert = router.alerts().Find(fingerprint);
  if (out.alert == nullptr) return out;
  const Labels& labels = out.alert->labels;
  out.silences = router.silences().Muting(labels, now);
  out.inhibition = router.inhibitor().Find(labels, now);
  const alerting::Acknowledgement* taken_on = router.acknowledgements().Find(*out.alert);
  if (taken_on != nullptr) out.acknowledgement = *taken_on;
  std::set<size_t> taken;
  const alerting::RouteTree& tree = *router.dispatcher().tree();
  for (const alerting::Route* route : tree.Match(labels)) {
    taken.insert(route->index);
    out.taken.push_back(TakeRoute(router, *route, labels, now));
  }
  for (const alerting::Route& route : tree.routes()) {
    out.tried.push_back({route.id, alerting::ToString(route.matchers), route.receiver,
                         alerting::MatchesLabels(route.matchers, labels),
                         taken.contains(route.index)});
  }
  return out;
}

// Of the groups that had the alert, or have it now: it was told about with no other.
std::vector<std::string> GroupKeysOf(const std::vector<AlertEvent>& events,
                                     const Explanation& found) {
  std::set<std::string> keys;
  for (const AlertEvent& event : events) {
    if (!event.group_key.empty()) keys.insert(event.group_key);
  }
  for (const TakenRoute& route : found.taken) keys.insert(route.group_key);
  return {keys.begin(), keys.end()};
}

void WriteTold(const ToldEntry& told, uint64_t hash, JsonWriter& json) {
  json.BeginObject().Field("integration", told.integration);
  json.Key("told").Bool(told.entry.has_value());
  if (told.entry) {
    PutTime("time", told.entry->timestamp, json);
    std::string_view as = "nothing";
    if (alerting::Contains(told.entry->firing, hash)) as = "firing";
    if (alerting::Contains(told.entry->resolved, hash)) as = "resolved";
    if (alerting::Contains(told.entry->owed, hash)) as = "firing, its end is owed";
    json.Field("as", as);
  }
  json.EndObject();
}

void WriteRoutes(const Explanation& found, JsonWriter& json) {
  json.Key("routesTried").BeginArray();
  for (const TriedRoute& route : found.tried) {
    json.BeginObject().Field("id", route.id).Field("matchers", route.matchers);
    json.Field("receiver", route.receiver);
    json.Key("matches").Bool(route.matches).Key("taken").Bool(route.taken).EndObject();
  }
  json.EndArray().Key("routes").BeginArray();
  for (const TakenRoute& route : found.taken) {
    json.BeginObject().Field("id", route.id).Field("receiver", route.receiver);
    json.Field("groupKey", route.group_key).Key("groupLabels").LabelSet(route.group_labels);
    PutTexts("mutedBy", route.intervals, json);
    json.Key("integrations").BeginArray();
    for (const ToldEntry& told : route.told) WriteTold(told, found.alert->Hash(), json);
    json.EndArray().EndObject();
  }
  json.EndArray();
}

void WriteNow(const Explanation& found, JsonWriter& json) {
  const alerting::Alert& alert = *found.alert;
  json.Key("labels").LabelSet(alert.labels).Key("annotations").LabelSet(alert.annotations);
  json.Field("state", alert.ResolvedAt(found.now) ? "resolved" : "firing");
  PutTime("startsAt", alert.starts_at, json);
  PutTime("endsAt", alert.ends_at, json);
  PutTime("updatedAt", alert.updated_at, json);
  json.Field("generatorURL", alert.generator_url);
  PutTexts("silencedBy", found.silences, json);
  json.Key("inhibitedBy").BeginArray();
  if (found.inhibition) json.String(alerting::FingerprintText(found.inhibition->source));
  json.EndArray();
  if (found.acknowledgement) {
    json.Key("acknowledged").BeginObject().Field("by", found.acknowledgement->by);
    json.Field("comment", found.acknowledgement->comment);
    PutTime("time", found.acknowledgement->at, json);
    json.EndObject();
  }
  WriteRoutes(found, json);
}

}  // namespace

Result<HistoryQuery> AlertHistoryApi::QueryOf(const ApiRequest& request) const {
  if (reader_ == nullptr) return NotFound("this server keeps no history of alerts");
  HistoryQuery query;
  query.start = TRY(request.TimeOr("start", 0));
  query.end = TRY(request.TimeOr("end", clock_.Now()));
  if (query.end < query.start) return BadData("end timestamp must not be before start timestamp");
  const size_t limit = TRY(request.Limit());
  query.limit = limit == 0 ? kDefaultHistory : std::min(limit, kMostHistory);
  query.receiver = request.Get("receiver");
  query.fingerprint = request.Get("fingerprint");
  if (!query.fingerprint.empty() && !IsFingerprint(query.fingerprint)) {
    return InvalidParameter("fingerprint", "it has 16 hexadecimal digits");
  }
  alerting::MatcherParser parser;
  for (const std::string& text : request.params.All("match[]")) {
    auto matchers = parser.ParseList(text);
    if (!matchers) return InvalidParameter("match[]", matchers.error().message);
    query.matchers.push_back(*std::move(matchers));
  }
  return query;
}

Result<Annotations> AlertHistoryApi::Alerts(const ApiRequest& request, JsonWriter& json) const {
  HistoryQuery query = TRY(QueryOf(request));
  const size_t limit = query.limit++;
  const auto events = TRY(reader_->ReadAlerts(query));
  WriteEvents(events, limit, WriteAlertEvent, json);
  return MoreThere(events.size(), limit);
}

Result<Annotations> AlertHistoryApi::Notifications(const ApiRequest& request,
                                                   JsonWriter& json) const {
  HistoryQuery query = TRY(QueryOf(request));
  const size_t limit = query.limit++;
  const auto events = TRY(reader_->ReadNotifications(query));
  WriteEvents(events, limit, WriteNotification, json);
  return MoreThere(events.size(), limit);
}

Result<uint64_t> AlertHistoryApi::FiringAlert(const ApiRequest& request) const {
  const std::string& text = request.Get("fingerprint");
  if (!IsFingerprint(text)) {
    return InvalidParameter("fingerprint", "it has 16 hexadecimal digits");
  }
  if (service_ == nullptr) {
    return NotFound("alerting is off: start the server with --alerting.config.file");
  }
  return std::stoull(text, nullptr, 16);
}

Result<Annotations> AlertHistoryApi::Acknowledge(const ApiRequest& request,
                                                 JsonWriter& json) const {
  const uint64_t fingerprint = TRY(FiringAlert(request));
  if (request.Get("by").empty()) return InvalidParameter("by", "who takes the alert on?");
  TRY(service_->Acknowledge(fingerprint, request.Get("by"), request.Get("comment")));
  json.BeginObject().EndObject();
  return Annotations{};
}

Result<Annotations> AlertHistoryApi::Unacknowledge(const ApiRequest& request,
                                                   JsonWriter& json) const {
  const uint64_t fingerprint = TRY(FiringAlert(request));
  TRY(service_->Unacknowledge(fingerprint));
  json.BeginObject().EndObject();
  return Annotations{};
}

Result<Annotations> AlertHistoryApi::Explain(const ApiRequest& request, JsonWriter& json) const {
  HistoryQuery query = TRY(QueryOf(request));
  const uint64_t fingerprint = TRY(FiringAlert(request));
  query.limit = kExplainedEvents;
  Explanation found;
  service_->Look([&](const AlertRouter& router, TimestampMs now) {
    found = ExplainNow(router, fingerprint, now);
  });
  // Its groups may be older than what is asked for.
  const TimestampMs start = std::exchange(query.start, 0);
  auto events = TRY(reader_->ReadAlerts(query));
  if (found.alert == nullptr && events.empty()) {
    return NotFound("no alert has this fingerprint, now or in the history that is kept");
  }
  // Nobody was told before it began: messages of all alerts before that are not looked through.
  const TimestampMs began = events.empty() ? found.alert->starts_at : events.back().at;
  query.start = std::clamp(began, start, query.end);
  query.group_keys = GroupKeysOf(events, found);
  std::erase_if(events, [start](const AlertEvent& event) { return event.at < start; });
  // No keys would be those of all groups.
  std::vector<NotificationEvent> notifications;
  if (!query.group_keys.empty()) notifications = TRY(reader_->ReadNotifications(query));
  json.BeginObject().Field("fingerprint", query.fingerprint);
  json.Key("known").Bool(found.alert != nullptr);
  if (found.alert != nullptr) WriteNow(found, json);
  json.Key("history");
  WriteEvents(events, kExplainedEvents, WriteAlertEvent, json);
  json.Key("notifications");
  WriteEvents(notifications, kExplainedEvents, WriteNotification, json);
  json.EndObject();
  return Annotations{};
}

}  // namespace vigil::web
