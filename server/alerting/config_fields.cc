// SPDX-License-Identifier: Apache-2.0
// Rows of the top level, of global, of receivers and of time intervals.
#include <fmt/format.h>

#include <array>

#include "client-lib/base/files.h"
#include "server/alerting/civil_time.h"
#include "server/alerting/config_rows.h"

namespace vigil::alerting {
namespace {

constexpr std::array kAlertingGlobalRows = {
    HttpRow<GlobalConfig>(),
    RowOf<GlobalConfig, &GlobalConfig::resolve_timeout, config::DurationCodec, Show::kAlways>(
        "resolve_timeout", "when an alert without an end is over"),
    RowOf<GlobalConfig, &GlobalConfig::smtp_from, config::StringCodec>("smtp_from",
                                                                       "who writes mails"),
    RowOf<GlobalConfig, &GlobalConfig::smtp_hello, config::StringCodec>("smtp_hello",
                                                                        "how we greet the server"),
    RowOf<GlobalConfig, &GlobalConfig::smtp_smarthost, HostPortCodec>("smtp_smarthost",
                                                                      "host:port of the server"),
    RowOf<GlobalConfig, &GlobalConfig::smtp_auth_username, config::StringCodec>(
        "smtp_auth_username", "user for AUTH"),
    RowOf<GlobalConfig, &GlobalConfig::smtp_auth_password, config::SecretCodec>(
        "smtp_auth_password", "password for AUTH"),
    RowOf<GlobalConfig, &GlobalConfig::smtp_auth_password_file, config::PathCodec>(
        "smtp_auth_password_file", "file with it"),
    RowOf<GlobalConfig, &GlobalConfig::smtp_auth_secret, config::SecretCodec>(
        "smtp_auth_secret", "secret for CRAM-MD5"),
    RowOf<GlobalConfig, &GlobalConfig::smtp_auth_secret_file, config::PathCodec>(
        "smtp_auth_secret_file", "file with it"),
    RowOf<GlobalConfig, &GlobalConfig::smtp_auth_identity, config::StringCodec>(
        "smtp_auth_identity", "identity for PLAIN"),
    RowOf<GlobalConfig, &GlobalConfig::smtp_require_tls, config::BoolCodec, Show::kAlways>(
        "smtp_require_tls", "refuse servers without TLS"),
    BlockOf<GlobalConfig, &GlobalConfig::smtp_tls_config, &GlobalConfig::has_smtp_tls_config>(
        "smtp_tls_config", "certificates and checks of TLS"),
    RowOf<GlobalConfig, &GlobalConfig::smtp_force_implicit_tls, OptionalBoolCodec>(
        "smtp_force_implicit_tls", "TLS from the first byte"),
    RowOf<GlobalConfig, &GlobalConfig::slack_api_url, SecretUrlCodec>("slack_api_url",
                                                                      "webhook of Slack"),
    RowOf<GlobalConfig, &GlobalConfig::slack_api_url_file, config::PathCodec>("slack_api_url_file",
                                                                              "file with it"),
    RowOf<GlobalConfig, &GlobalConfig::slack_app_token, config::SecretCodec>(
        "slack_app_token", "token of a Slack app"),
    RowOf<GlobalConfig, &GlobalConfig::slack_app_token_file, config::PathCodec>(
        "slack_app_token_file", "file with it"),
    RowOf<GlobalConfig, &GlobalConfig::slack_app_url, UrlCodec>("slack_app_url",
                                                                "where a Slack app posts"),
    RowOf<GlobalConfig, &GlobalConfig::pagerduty_url, UrlCodec>("pagerduty_url",
                                                                "where events are posted"),
    RowOf<GlobalConfig, &GlobalConfig::opsgenie_api_url, UrlCodec>("opsgenie_api_url",
                                                                   "server of OpsGenie"),
    RowOf<GlobalConfig, &GlobalConfig::opsgenie_api_key, config::SecretCodec>("opsgenie_api_key",
                                                                              "key of OpsGenie"),
    RowOf<GlobalConfig, &GlobalConfig::opsgenie_api_key_file, config::PathCodec>(
        "opsgenie_api_key_file", "file with it"),
    RowOf<GlobalConfig, &GlobalConfig::wechat_api_url, UrlCodec>("wechat_api_url",
                                                                 "server of WeChat"),
    RowOf<GlobalConfig, &GlobalConfig::wechat_api_secret, config::SecretCodec>("wechat_api_secret",
                                                                               "secret of WeChat"),
    RowOf<GlobalConfig, &GlobalConfig::wechat_api_secret_file, config::PathCodec>(
        "wechat_api_secret_file", "file with it"),
    RowOf<GlobalConfig, &GlobalConfig::wechat_api_corp_id, config::StringCodec>(
        "wechat_api_corp_id", "the company at WeChat"),
    RowOf<GlobalConfig, &GlobalConfig::victorops_api_url, UrlCodec>("victorops_api_url",
                                                                    "server of VictorOps"),
    RowOf<GlobalConfig, &GlobalConfig::victorops_api_key, config::SecretCodec>("victorops_api_key",
                                                                               "key of VictorOps"),
    RowOf<GlobalConfig, &GlobalConfig::victorops_api_key_file, config::PathCodec>(
        "victorops_api_key_file", "file with it"),
    RowOf<GlobalConfig, &GlobalConfig::telegram_api_url, UrlCodec>("telegram_api_url",
                                                                   "server of Telegram"),
    RowOf<GlobalConfig, &GlobalConfig::telegram_bot_token, config::SecretCodec>(
        "telegram_bot_token", "secret of the bot"),
    RowOf<GlobalConfig, &GlobalConfig::telegram_bot_token_file, config::PathCodec>(
        "telegram_bot_token_file", "file with it"),
    RowOf<GlobalConfig, &GlobalConfig::webex_api_url, UrlCodec>("webex_api_url",
                                                                "where Webex messages are posted"),
    RowOf<GlobalConfig, &GlobalConfig::rocketchat_api_url, UrlCodec>("rocketchat_api_url",
                                                                     "server of Rocket.Chat"),
    RowOf<GlobalConfig, &GlobalConfig::rocketchat_token, config::SecretCodec>(
        "rocketchat_token", "token of Rocket.Chat"),
    RowOf<GlobalConfig, &GlobalConfig::rocketchat_token_file, config::PathCodec>(
        "rocketchat_token_file", "file with it"),
    RowOf<GlobalConfig, &GlobalConfig::rocketchat_token_id, config::SecretCodec>(
        "rocketchat_token_id", "user id of Rocket.Chat"),
    RowOf<GlobalConfig, &GlobalConfig::rocketchat_token_id_file, config::PathCodec>(
        "rocketchat_token_id_file", "file with it"),
    RowOf<GlobalConfig, &GlobalConfig::mattermost_webhook_url, SecretUrlCodec>(
        "mattermost_webhook_url", "webhook of Mattermost"),
    RowOf<GlobalConfig, &GlobalConfig::mattermost_webhook_url_file, config::PathCodec>(
        "mattermost_webhook_url_file", "file with it"),
    RowOf<GlobalConfig, &GlobalConfig::jira_api_url, UrlCodec>("jira_api_url", "server of Jira"),
};

constexpr std::array kReceiverRows = {
    RowOf<ReceiverConfig, &ReceiverConfig::name, config::StringCodec, Show::kAlways>("name",
                                                                                     "who it is"),
    RowOf<ReceiverConfig, &ReceiverConfig::labels, StringMapCodec>("labels", "what it is found by"),
    RowOf<ReceiverConfig, &ReceiverConfig::discord, CheckedListCodec<DiscordConfig>>(
        "discord_configs", "by Discord"),
    RowOf<ReceiverConfig, &ReceiverConfig::email, CheckedListCodec<EmailConfig>>("email_configs",
                                                                                 "by Email"),
    RowOf<ReceiverConfig, &ReceiverConfig::incidentio, CheckedListCodec<IncidentioConfig>>(
        "incidentio_configs", "by Incidentio"),
    RowOf<ReceiverConfig, &ReceiverConfig::pagerduty, CheckedListCodec<PagerdutyConfig>>(
        "pagerduty_configs", "by Pagerduty"),
    RowOf<ReceiverConfig, &ReceiverConfig::slack, CheckedListCodec<SlackConfig>>("slack_configs",
                                                                                 "by Slack"),
    RowOf<ReceiverConfig, &ReceiverConfig::webhook, CheckedListCodec<WebhookConfig>>(
        "webhook_configs", "by Webhook"),
    RowOf<ReceiverConfig, &ReceiverConfig::opsgenie, CheckedListCodec<OpsGenieConfig>>(
        "opsgenie_configs", "by OpsGenie"),
    RowOf<ReceiverConfig, &ReceiverConfig::wechat, CheckedListCodec<WechatConfig>>("wechat_configs",
                                                                                   "by Wechat"),
    RowOf<ReceiverConfig, &ReceiverConfig::pushover, CheckedListCodec<PushoverConfig>>(
        "pushover_configs", "by Pushover"),
    RowOf<ReceiverConfig, &ReceiverConfig::victorops, CheckedListCodec<VictorOpsConfig>>(
        "victorops_configs", "by VictorOps"),
    RowOf<ReceiverConfig, &ReceiverConfig::sns, CheckedListCodec<SnsConfig>>("sns_configs",
                                                                             "by Sns"),
    RowOf<ReceiverConfig, &ReceiverConfig::telegram, CheckedListCodec<TelegramConfig>>(
        "telegram_configs", "by Telegram"),
    RowOf<ReceiverConfig, &ReceiverConfig::webex, CheckedListCodec<WebexConfig>>("webex_configs",
                                                                                 "by Webex"),
    RowOf<ReceiverConfig, &ReceiverConfig::msteams, CheckedListCodec<MsteamsConfig>>(
        "msteams_configs", "by Msteams"),
    RowOf<ReceiverConfig, &ReceiverConfig::msteamsv2, CheckedListCodec<MsteamsV2Config>>(
        "msteamsv2_configs", "by MsteamsV2"),
    RowOf<ReceiverConfig, &ReceiverConfig::jira, CheckedListCodec<JiraConfig>>("jira_configs",
                                                                               "by Jira"),
    RowOf<ReceiverConfig, &ReceiverConfig::rocketchat, CheckedListCodec<RocketchatConfig>>(
        "rocketchat_configs", "by Rocketchat"),
    RowOf<ReceiverConfig, &ReceiverConfig::mattermost, CheckedListCodec<MattermostConfig>>(
        "mattermost_configs", "by Mattermost"),
};

struct LocationCodec {
  using Zone = std::shared_ptr<const TimeZone>;
  static Result<void> Read(Reader& reader, const YamlNode& node, Zone* out) {
    std::string name;
    TRY(config::StringCodec::Read(reader, node, &name));
    Result<Zone> zone = LoadLocation(name);
    if (!zone) return reader.FailHere(node, zone.error().message);
    *out = *std::move(zone);
    return Ok();
  }
  static void Write(std::string_view name, const Zone& value, YamlWriter* writer) {
    writer->Scalar(name, value->name());
  }
  static bool IsZero(const Zone& value) { return value == nullptr || value->name() == "UTC"; }
};

using RangeParser = Result<NumberRange> (*)(std::string_view);
using RangePrinter = std::string (*)(const NumberRange&);

template <RangeParser kParse, RangePrinter kPrint>
struct RangesCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::vector<NumberRange>* out) {
    TRY(config::ExpectList(reader, node));
    for (size_t i = 0; i < node.items.size(); ++i) {
      Reader::Scope scope(&reader, i);
      std::string text;
      TRY(config::StringCodec::Read(reader, *node.items[i], &text));
      Result<NumberRange> range = kParse(text);
      if (!range) return reader.FailHere(*node.items[i], range.error().message);
      out->push_back(*range);
    }
    return Ok();
  }
  static void Write(std::string_view name, const std::vector<NumberRange>& value,
                    YamlWriter* writer) {
    std::vector<std::string> texts;
    for (const NumberRange& range : value) texts.push_back(kPrint(range));
    writer->FlowList(name, texts);
  }
  static bool IsZero(const std::vector<NumberRange>& value) { return value.empty(); }
};

// The two ends of a time range as they are written.
struct TimesCodec {
  static Result<int> ReadEnd(Reader& reader, const YamlNode& range, std::string_view key) {
    const YamlNode* node = config::Find(range, key);
    if (node == nullptr || node->text.empty()) {
      return reader.FailHere(range, "both start and end times must be provided");
    }
    Reader::Scope scope(&reader, key);
    std::string text;
    TRY(config::StringCodec::Read(reader, *node, &text));
    Result<int> minutes = ParseTimeOfDay(text);
    if (!minutes) return reader.FailHere(*node, minutes.error().message);
    return minutes;
  }
  static Result<void> Read(Reader& reader, const YamlNode& node, std::vector<NumberRange>* out) {
    static constexpr std::string_view kKeys[] = {"start_time", "end_time"};
    TRY(config::ExpectList(reader, node));
    for (size_t i = 0; i < node.items.size(); ++i) {
      Reader::Scope scope(&reader, i);
      TRY(config::ExpectMap(reader, *node.items[i]));
      TRY(config::RefuseUnknown(reader, *node.items[i], kKeys));
      const int begin = TRY(ReadEnd(reader, *node.items[i], kKeys[0]));
      const int end = TRY(ReadEnd(reader, *node.items[i], kKeys[1]));
      if (begin >= end) {
        return reader.FailHere(*node.items[i],
                               "start time cannot be equal or greater than end time");
      }
      out->push_back({begin, end});
    }
    return Ok();
  }
  static void Write(std::string_view name, const std::vector<NumberRange>& value,
                    YamlWriter* writer) {
    writer->OpenList(name);
    for (const NumberRange& range : value) {
      writer->OpenItem();
      writer->Scalar("start_time", FormatTimeOfDay(range.begin));
      writer->Scalar("end_time", FormatTimeOfDay(range.end));
      writer->CloseItem();
    }
  }
  static bool IsZero(const std::vector<NumberRange>& value) { return value.empty(); }
};

using I = TimeInterval;
constexpr std::array kTimeIntervalRows = {
    RowOf<I, &I::times, TimesCodec>("times", "times of day"),
    RowOf<I, &I::weekdays, RangesCodec<&ParseWeekdays, &FormatWeekdays>>("weekdays", "weekdays"),
    RowOf<I, &I::days_of_month, RangesCodec<&ParseDaysOfMonth, &FormatNumbers>>(
        "days_of_month", "days of the month; negative ones count from its end"),
    RowOf<I, &I::months, RangesCodec<&ParseMonths, &FormatNumbers>>("months", "months"),
    RowOf<I, &I::years, RangesCodec<&ParseYears, &FormatNumbers>>("years", "years"),
    RowOf<I, &I::location, LocationCodec>("location", "whose clock it is"),
};

constexpr std::array kNamedIntervalRows = {
    RowOf<NamedTimeInterval, &NamedTimeInterval::name, config::StringCodec, Show::kAlways>(
        "name", "what routes call it"),
    RowOf<NamedTimeInterval, &NamedTimeInterval::intervals, config::StructListCodec<TimeInterval>>(
        "time_intervals", "when it is"),
};

// Wildcards may stand anywhere in the path.
struct TemplateGlobsCodec : config::StringListCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::vector<std::string>* out) {
    TRY(StringListCodec::Read(reader, node, out));
    for (std::string& path : *out) path = ResolvePath(reader.base_dir(), path);
    return Ok();
  }
};

using E = EscalationConfig;
constexpr std::array kEscalationRows = {
    RowOf<E, &E::after, config::DurationCodec>("after", "how long an alert has fired"),
    RowOf<E, &E::receiver, config::StringCodec>("receiver", "who is told then"),
};

using R = RouteConfig;
constexpr std::array kRouteRows = {
    RowOf<R, &R::receiver, config::StringCodec>("receiver", "who is told"),
    Field<R>{"group_by", "labels that make a group",
             [](Reader& reader, const YamlNode& node, R* out) -> Result<void> {
               out->has_group_by = true;
               return config::StringListCodec::Read(reader, node, &out->group_by_lines);
             },
             [](std::string_view key, const R& in, YamlWriter* writer) {
               if (in.has_group_by) writer->BlockList(key, in.group_by_lines);
             }},
    RowOf<R, &R::match, StringMapCodec>("match", "labels that must be equal (deprecated)"),
    RowOf<R, &R::match_re, StringMapCodec>("match_re", "labels that must match (deprecated)"),
    RowOf<R, &R::matcher_lines, config::StringListCodec>("matchers", "which alerts it takes"),
    RowOf<R, &R::mute_time_intervals, config::StringListCodec>("mute_time_intervals",
                                                               "when nobody is told"),
    RowOf<R, &R::active_time_intervals, config::StringListCodec>("active_time_intervals",
                                                                 "when somebody is told"),
    RowOf<R, &R::continues, config::BoolCodec, Show::kAlways>("continue",
                                                              "look at the next routes as well"),
    RowOf<R, &R::labels, StringMapCodec>("labels", "labels of the route"),
    RowOf<R, &R::routes, config::StructListCodec<R>>("routes", "routes below"),
    RowOf<R, &R::group_wait, OptionalDurationCodec>("group_wait", "before a group's first message"),
    RowOf<R, &R::group_interval, OptionalDurationCodec>("group_interval",
                                                        "between two messages of a group"),
    RowOf<R, &R::repeat_interval, OptionalDurationCodec>("repeat_interval",
                                                         "until the same is said again"),
    RowOf<R, &R::escalate_after, OptionalDurationCodec>("escalate_after",
                                                        "when escalate_to is told"),
    RowOf<R, &R::escalate_to, config::StringCodec>("escalate_to", "another receiver"),
    RowOf<R, &R::escalations, config::StructListCodec<E>>("escalations",
                                                          "who is told when, step by step"),
    RowOf<R, &R::expect_every, OptionalDurationCodec>(
        "expect_every", "alerts of the route are heartbeats: missing ones are told"),
};

using H = InhibitRuleConfig;
constexpr std::array kInhibitRows = {
    RowOf<H, &H::name, config::StringCodec>("name", "what it is called"),
    RowOf<H, &H::source_match, StringMapCodec>("source_match", "which alerts mute (deprecated)"),
    RowOf<H, &H::source_match_re, StringMapCodec>("source_match_re", "the same by expression"),
    RowOf<H, &H::source_lines, config::StringListCodec>("source_matchers", "which alerts mute"),
    RowOf<H, &H::target_match, StringMapCodec>("target_match", "which are muted (deprecated)"),
    RowOf<H, &H::target_match_re, StringMapCodec>("target_match_re", "the same by expression"),
    RowOf<H, &H::target_lines, config::StringListCodec>("target_matchers", "which are muted"),
    RowOf<H, &H::equal, config::StringListCodec>("equal", "labels that both have alike"),
};

using A = AlertingConfig;
constexpr std::array kAlertingRows = {
    RowOf<A, &A::global, config::StructCodec<GlobalConfig>, Show::kAlways>("global",
                                                                           "defaults of receivers"),
    BlockOf<A, &A::route, &A::has_route>("route", "who is told about what"),
    RowOf<A, &A::inhibit_rules, config::StructListCodec<H>>("inhibit_rules",
                                                            "which alerts mute others"),
    RowOf<A, &A::receivers, config::StructListCodec<ReceiverConfig>>("receivers",
                                                                     "who can be told"),
    RowOf<A, &A::templates, TemplateGlobsCodec, Show::kAlways>("templates", "files with templates"),
    RowOf<A, &A::mute_time_intervals, config::StructListCodec<NamedTimeInterval>>(
        "mute_time_intervals", "time_intervals, deprecated"),
    RowOf<A, &A::time_intervals, config::StructListCodec<NamedTimeInterval>>(
        "time_intervals", "times that routes refer to"),
    config::NotYet<A>("tracing", "no traces are sent"),
    config::NotYet<A>("event_recorder", "events are not recorded"),
};

}  // namespace
}  // namespace vigil::alerting

namespace vigil::config {

template <>
std::span<const Field<alerting::GlobalConfig>> FieldsOf<alerting::GlobalConfig>() {
  return alerting::kAlertingGlobalRows;
}
template <>
std::span<const Field<alerting::ReceiverConfig>> FieldsOf<alerting::ReceiverConfig>() {
  return alerting::kReceiverRows;
}
template <>
std::span<const Field<alerting::TimeInterval>> FieldsOf<alerting::TimeInterval>() {
  return alerting::kTimeIntervalRows;
}
template <>
std::span<const Field<alerting::NamedTimeInterval>> FieldsOf<alerting::NamedTimeInterval>() {
  return alerting::kNamedIntervalRows;
}
template <>
std::span<const Field<alerting::EscalationConfig>> FieldsOf<alerting::EscalationConfig>() {
  return alerting::kEscalationRows;
}
template <>
std::span<const Field<alerting::RouteConfig>> FieldsOf<alerting::RouteConfig>() {
  return alerting::kRouteRows;
}
template <>
std::span<const Field<alerting::InhibitRuleConfig>> FieldsOf<alerting::InhibitRuleConfig>() {
  return alerting::kInhibitRows;
}
template <>
std::span<const Field<alerting::AlertingConfig>> FieldsOf<alerting::AlertingConfig>() {
  return alerting::kAlertingRows;
}

}  // namespace vigil::config
