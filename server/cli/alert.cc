// SPDX-License-Identifier: Apache-2.0
#include "server/cli/alert.h"

#include <algorithm>
#include <cstdio>

#include "client-lib/base/strings.h"
#include "server/cli/text_table.h"
#include "server/template/json_text.h"

namespace vigil::cli {
namespace {

using LabelPairs = std::vector<std::pair<std::string, std::string>>;

std::string QuotedPairs(const JsonValue& labels) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : labels.members)
    texts.push_back(name + "=\"" + value.text + "\"");
  std::sort(texts.begin(), texts.end());
  return Join(texts, " ");
}

void AppendLabelObject(std::string_view name, const LabelPairs& pairs, std::string* out) {
  tmpl::AppendJsonString(name, out);
  *out += ":{";
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (i > 0) *out += ',';
    tmpl::AppendJsonString(pairs[i].first, out);
    *out += ':';
    tmpl::AppendJsonString(pairs[i].second, out);
  }
  *out += '}';
}

struct AlertToAdd {
  std::vector<std::string> labels;
  std::vector<std::string> annotations;
  std::string start, end, generator_url;
};

Result<std::string> AlertBody(const AlertToAdd& alert, alerting::MatcherMode mode) {
  std::string body = "[{";
  AppendLabelObject("labels", TRY(ParsePairs(WithAlertName(alert.labels, mode), mode)), &body);
  body += ',';
  AppendLabelObject("annotations", TRY(ParsePairs(alert.annotations, mode)), &body);
  if (!alert.start.empty()) {
    body += ",\"startsAt\":\"" + TimeToJson(TRY(ParseTimeFlag("start", alert.start))) + "\"";
  }
  if (!alert.end.empty()) {
    body += ",\"endsAt\":\"" + TimeToJson(TRY(ParseTimeFlag("end", alert.end))) + "\"";
  }
  if (!alert.generator_url.empty()) {
    body += ",\"generatorURL\":";
    tmpl::AppendJsonString(alert.generator_url, &body);
  }
  return body + "}]";
}

Result<void> AddAlert(const AlertmanagerFlags& common, const AlertToAdd& alert) {
  const AlertmanagerClient client = TRY(AlertmanagerClient::Create(common));
  TRY(client.Post("/alerts", TRY(AlertBody(alert, common.MatcherMode()))));
  return Ok();
}

struct AlertQuery {
  bool inhibited = false, silenced = false, active = false, unprocessed = false;
  std::string receiver;
  std::vector<std::string> matchers;
};

Result<void> QueryAlerts(const AlertmanagerFlags& common, AlertQuery query) {
  if (!query.inhibited && !query.silenced && !query.unprocessed) query.active = true;
  const auto word = [](bool value) { return std::string(value ? "true" : "false"); };
  AlertmanagerClient::Params params = {{"active", word(query.active)},
                                       {"inhibited", word(query.inhibited)},
                                       {"silenced", word(query.silenced)},
                                       {"unprocessed", word(query.unprocessed)}};
  if (!query.receiver.empty()) params.emplace_back("receiver", query.receiver);
  for (const std::string& matcher : WithAlertName(query.matchers, common.MatcherMode())) {
    params.emplace_back("filter", matcher);
  }
  const AlertmanagerClient client = TRY(AlertmanagerClient::Create(common));
  const std::string text = PrintAlerts(TRY(client.Get("/alerts", params)), common);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return Ok();
}

}  // namespace

std::string PrintAlerts(JsonValue alerts, const AlertmanagerFlags& flags) {
  if (flags.output == "json") {
    std::string out;
    AppendJson(alerts, &out);
    return out + "\n";
  }
  std::stable_sort(alerts.items.begin(), alerts.items.end(),
                   [](const JsonValue& a, const JsonValue& b) {
                     return a["startsAt"].text < b["startsAt"].text;
                   });
  const bool extended = flags.output == "extended";
  std::vector<std::vector<std::string>> rows = {
      extended ? std::vector<std::string>{"Labels", "Annotations", "Starts At", "Ends At",
                                          "Generator URL", "State"}
               : std::vector<std::string>{"Alertname", "Starts At", "Summary", "State"}};
  for (const JsonValue& alert : alerts.items) {
    const std::string start = flags.Date(alert["startsAt"].text);
    const std::string& state = alert["status"]["state"].text;
    if (extended) {
      rows.push_back({QuotedPairs(alert["labels"]), QuotedPairs(alert["annotations"]), start,
                      flags.Date(alert["endsAt"].text), alert["generatorURL"].text, state});
    } else {
      rows.push_back(
          {alert["labels"]["alertname"].text, start, alert["annotations"]["summary"].text, state});
    }
  }
  return PrintTable(rows);
}

int RunAlertQuery(const std::vector<std::string>& args) {
  AlertmanagerFlags common;
  AlertQuery query;
  toolkit::FlagSet flags("vigilctl alert query",
                         "View and search through current alerts; the active ones unless a flag "
                         "asks for others.");
  common.AddTo(&flags);
  flags.Bool("inhibited", "Show inhibited alerts.", &query.inhibited).Short('i');
  flags.Bool("silenced", "Show silenced alerts.", &query.silenced).Short('s');
  flags.Bool("active", "Show active alerts.", &query.active).Short('a');
  flags.Bool("unprocessed", "Show unprocessed alerts.", &query.unprocessed).Short('u');
  flags
      .String("receiver", "Show alerts of receivers that match a regular expression.",
              &query.receiver)
      .Short('r');
  flags.Arguments("matcher-groups", "Query filter; the first may be an alertname alone.",
                  &query.matchers);
  if (const auto code = ParseAlertmanagerCommand(&flags, args, AmtoolFiles())) return *code;
  return FinishCommand(QueryAlerts(common, std::move(query)));
}

int RunAlertAdd(const std::vector<std::string>& args) {
  AlertmanagerFlags common;
  AlertToAdd alert;
  toolkit::FlagSet flags("vigilctl alert add", "Add a new alert.");
  common.AddTo(&flags);
  flags.String("generator-url", "URL of the source that generated the alert.",
               &alert.generator_url);
  flags.String("start", "When the alert should start (RFC 3339).", &alert.start);
  flags.String("end", "When the alert should end (RFC 3339).", &alert.end);
  flags.Strings("annotation", "An annotation of the alert, name=value.", &alert.annotations);
  flags.Arguments("labels", "Labels of the alert; the first may be the alertname alone.",
                  &alert.labels);
  if (const auto code = ParseAlertmanagerCommand(&flags, args, AmtoolFiles())) return *code;
  return FinishCommand(AddAlert(common, alert));
}

}  // namespace vigil::cli
