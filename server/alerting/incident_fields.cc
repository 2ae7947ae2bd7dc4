// SPDX-License-Identifier: Apache-2.0
// Rows of the receivers that call somebody, write mail or hand alerts to programs.
#include <array>

#include "server/alerting/config_rows.h"

namespace vigil::alerting {
namespace {

constexpr std::array kJiraTextRows = {
    RowOf<JiraText, &JiraText::text, config::StringCodec>("template", "text"),
    RowOf<JiraText, &JiraText::enable_update, OptionalBoolCodec>("enable_update",
                                                                 "change it in open issues"),
};

// A text, or a block with the text and more.
struct JiraTextCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, JiraText* out) {
    if (node.kind != YamlNode::Kind::kScalar) return config::ReadStruct(reader, node, out);
    out->text = node.text;
    return Ok();
  }
  static void Write(std::string_view name, const JiraText& value, YamlWriter* writer) {
    if (value.enable_update) {
      config::StructCodec<JiraText>::Write(name, value, writer);
    } else {
      writer->Scalar(name, value.text);
    }
  }
  static bool IsZero(const JiraText& value) { return value.text.empty() && !value.enable_update; }
};

constexpr std::array kEmailRows = {
    RowOf<EmailConfig, &EmailConfig::send_resolved, config::BoolCodec, Show::kAlways>(
        "send_resolved", "tell when it is over"),
    RowOf<EmailConfig, &EmailConfig::to, config::StringCodec>("to", "whom it goes to"),
    RowOf<EmailConfig, &EmailConfig::from, config::StringCodec>("from", "who writes"),
    RowOf<EmailConfig, &EmailConfig::hello, config::StringCodec>("hello",
                                                                 "how we greet the server"),
    RowOf<EmailConfig, &EmailConfig::smarthost, HostPortCodec>("smarthost",
                                                               "host:port of the server"),
    RowOf<EmailConfig, &EmailConfig::auth_username, config::StringCodec>("auth_username",
                                                                         "user for AUTH"),
    RowOf<EmailConfig, &EmailConfig::auth_password, config::SecretCodec>("auth_password",
                                                                         "password for AUTH"),
    RowOf<EmailConfig, &EmailConfig::auth_password_file, config::PathCodec>("auth_password_file",
                                                                            "file with it"),
    RowOf<EmailConfig, &EmailConfig::auth_secret, config::SecretCodec>("auth_secret",
                                                                       "secret for CRAM-MD5"),
    RowOf<EmailConfig, &EmailConfig::auth_secret_file, config::PathCodec>("auth_secret_file",
                                                                          "file with it"),
    RowOf<EmailConfig, &EmailConfig::auth_identity, config::StringCodec>("auth_identity",
                                                                         "identity for PLAIN"),
    RowOf<EmailConfig, &EmailConfig::headers, StringMapCodec>("headers", "headers"),
    RowOf<EmailConfig, &EmailConfig::html, TextCodec>("html", "body as HTML"),
    RowOf<EmailConfig, &EmailConfig::text, config::StringCodec>("text", "body as plain text"),
    RowOf<EmailConfig, &EmailConfig::require_tls, OptionalBoolCodec>("require_tls",
                                                                     "refuse servers without TLS"),
    BlockOf<EmailConfig, &EmailConfig::tls_config, &EmailConfig::has_tls_config>(
        "tls_config", "certificates and checks of TLS"),
    RowOf<EmailConfig, &EmailConfig::force_implicit_tls, OptionalBoolCodec>(
        "force_implicit_tls", "TLS from the first byte"),
    BlockOf<EmailConfig, &EmailConfig::threading, &EmailConfig::has_threading>(
        "threading", "mails of a group belong together"),
};

constexpr std::array kEmailThreadingRows = {
    RowOf<EmailConfig::Threading, &EmailConfig::Threading::enabled, config::BoolCodec,
          Show::kAlways>("enabled", "on or off"),
    RowOf<EmailConfig::Threading, &EmailConfig::Threading::thread_by_date, config::StringCodec>(
        "thread_by_date", "a new thread each day, or none"),
};

constexpr std::array kWebhookRows = {
    SendResolvedRow<WebhookConfig>(),
    HttpRow<WebhookConfig>(),
    RowOf<WebhookConfig, &WebhookConfig::url, TemplateUrlCodec>("url", "where to post"),
    RowOf<WebhookConfig, &WebhookConfig::url_file, config::PathCodec, Show::kAlways>(
        "url_file", "file with it"),
    RowOf<WebhookConfig, &WebhookConfig::max_alerts, config::UintCodec, Show::kAlways>(
        "max_alerts", "how many alerts a message has; 0: all"),
    RowOf<WebhookConfig, &WebhookConfig::timeout, config::DurationCodec>(
        "timeout", "how long a request may take"),
    RowOf<WebhookConfig, &WebhookConfig::payload, AnyCodec>("payload",
                                                            "body in place of the usual one"),
};

constexpr std::array kPagerdutyRows = {
    SendResolvedRow<PagerdutyConfig>(),
    HttpRow<PagerdutyConfig>(),
    RowOf<PagerdutyConfig, &PagerdutyConfig::service_key, config::SecretCodec>(
        "service_key", "key of the events API v1"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::service_key_file, config::PathCodec>(
        "service_key_file", "file with it"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::routing_key, config::SecretCodec>(
        "routing_key", "key of the events API v2"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::routing_key_file, config::PathCodec>(
        "routing_key_file", "file with it"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::url, UrlCodec>("url", "where events are posted"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::client, config::StringCodec>("client", "who sends"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::client_url, config::StringCodec>(
        "client_url", "where the client is found"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::description, config::StringCodec>("description",
                                                                               "what is wrong"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::details, AnyMapCodec>("details", "further texts"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::images, config::StructListCodec<PagerdutyImage>>(
        "images", "pictures"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::links, config::StructListCodec<PagerdutyLink>>(
        "links", "links"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::source, config::StringCodec>("source",
                                                                          "what is affected"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::severity, config::StringCodec>("severity",
                                                                            "how bad it is"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::class_name, config::StringCodec>("class",
                                                                              "kind of event"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::component, config::StringCodec>(
        "component", "part that is affected"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::group, config::StringCodec>("group",
                                                                         "what it belongs to"),
    RowOf<PagerdutyConfig, &PagerdutyConfig::timeout, config::DurationCodec>(
        "timeout", "how long a request may take"),
};

constexpr std::array kPagerdutyImageRows = {
    RowOf<PagerdutyImage, &PagerdutyImage::src, config::StringCodec>("src", "picture"),
    RowOf<PagerdutyImage, &PagerdutyImage::alt, config::StringCodec>("alt", "text instead"),
    RowOf<PagerdutyImage, &PagerdutyImage::href, config::StringCodec>("href", "where it leads"),
};

constexpr std::array kPagerdutyLinkRows = {
    RowOf<PagerdutyLink, &PagerdutyLink::href, config::StringCodec>("href", "where it leads"),
    RowOf<PagerdutyLink, &PagerdutyLink::text, config::StringCodec>("text", "what it says"),
};

constexpr std::array kOpsGenieRows = {
    SendResolvedRow<OpsGenieConfig>(),
    HttpRow<OpsGenieConfig>(),
    RowOf<OpsGenieConfig, &OpsGenieConfig::api_key, config::SecretCodec>("api_key", "key"),
    RowOf<OpsGenieConfig, &OpsGenieConfig::api_key_file, config::PathCodec>("api_key_file",
                                                                            "file with it"),
    RowOf<OpsGenieConfig, &OpsGenieConfig::api_url, UrlCodec>("api_url", "server"),
    RowOf<OpsGenieConfig, &OpsGenieConfig::message, config::StringCodec>("message", "heading"),
    RowOf<OpsGenieConfig, &OpsGenieConfig::description, config::StringCodec>("description", "text"),
    RowOf<OpsGenieConfig, &OpsGenieConfig::source, config::StringCodec>("source", "who sends"),
    RowOf<OpsGenieConfig, &OpsGenieConfig::details, StringMapCodec>("details", "further texts"),
    RowOf<OpsGenieConfig, &OpsGenieConfig::entity, config::StringCodec>("entity",
                                                                        "what is affected"),
    RowOf<OpsGenieConfig, &OpsGenieConfig::responders, config::StructListCodec<OpsGenieResponder>>(
        "responders", "who is called"),
    RowOf<OpsGenieConfig, &OpsGenieConfig::actions, config::StringCodec>("actions",
                                                                         "what can be done"),
    RowOf<OpsGenieConfig, &OpsGenieConfig::tags, config::StringCodec>("tags", "tags"),
    RowOf<OpsGenieConfig, &OpsGenieConfig::note, config::StringCodec>("note", "remark"),
    RowOf<OpsGenieConfig, &OpsGenieConfig::priority, config::StringCodec>("priority", "P1 to P5"),
    RowOf<OpsGenieConfig, &OpsGenieConfig::update_alerts, config::BoolCodec>(
        "update_alerts", "change message and description of an open alert"),
};

constexpr std::array kOpsGenieResponderRows = {
    RowOf<OpsGenieResponder, &OpsGenieResponder::id, config::StringCodec>(
        "id", "one of id, name and username"),
    RowOf<OpsGenieResponder, &OpsGenieResponder::name, config::StringCodec>(
        "name", "one of id, name and username"),
    RowOf<OpsGenieResponder, &OpsGenieResponder::username, config::StringCodec>(
        "username", "one of id, name and username"),
    RowOf<OpsGenieResponder, &OpsGenieResponder::type, config::StringCodec>(
        "type", "team, user, escalation or schedule"),
};

constexpr std::array kVictorOpsRows = {
    SendResolvedRow<VictorOpsConfig>(),
    HttpRow<VictorOpsConfig>(),
    RowOf<VictorOpsConfig, &VictorOpsConfig::api_key, config::SecretCodec>("api_key", "key"),
    RowOf<VictorOpsConfig, &VictorOpsConfig::api_key_file, config::PathCodec>("api_key_file",
                                                                              "file with it"),
    RowOf<VictorOpsConfig, &VictorOpsConfig::api_url, UrlCodec>("api_url", "server"),
    RowOf<VictorOpsConfig, &VictorOpsConfig::routing_key, config::StringCodec, Show::kAlways>(
        "routing_key", "whom it goes to"),
    RowOf<VictorOpsConfig, &VictorOpsConfig::message_type, config::StringCodec, Show::kAlways>(
        "message_type", "what it is while it fires"),
    RowOf<VictorOpsConfig, &VictorOpsConfig::state_message, config::StringCodec, Show::kAlways>(
        "state_message", "text"),
    RowOf<VictorOpsConfig, &VictorOpsConfig::entity_display_name, config::StringCodec,
          Show::kAlways>("entity_display_name", "heading"),
    RowOf<VictorOpsConfig, &VictorOpsConfig::monitoring_tool, config::StringCodec, Show::kAlways>(
        "monitoring_tool", "who sends"),
    RowOf<VictorOpsConfig, &VictorOpsConfig::custom_fields, StringMapCodec>("custom_fields",
                                                                            "further texts"),
};

constexpr std::array kPushoverRows = {
    SendResolvedRow<PushoverConfig>(),
    HttpRow<PushoverConfig>(),
    RowOf<PushoverConfig, &PushoverConfig::user_key, config::SecretCodec>("user_key",
                                                                          "whom it goes to"),
    RowOf<PushoverConfig, &PushoverConfig::user_key_file, config::PathCodec>("user_key_file",
                                                                             "file with it"),
    RowOf<PushoverConfig, &PushoverConfig::token, config::SecretCodec>("token", "the application"),
    RowOf<PushoverConfig, &PushoverConfig::token_file, config::PathCodec>("token_file",
                                                                          "file with it"),
    RowOf<PushoverConfig, &PushoverConfig::title, config::StringCodec>("title", "heading"),
    RowOf<PushoverConfig, &PushoverConfig::message, config::StringCodec>("message", "text"),
    RowOf<PushoverConfig, &PushoverConfig::url, config::StringCodec>("url", "link"),
    RowOf<PushoverConfig, &PushoverConfig::url_title, config::StringCodec>("url_title",
                                                                           "what the link says"),
    RowOf<PushoverConfig, &PushoverConfig::device, config::StringCodec>("device",
                                                                        "one device only"),
    RowOf<PushoverConfig, &PushoverConfig::sound, config::StringCodec>("sound", "sound"),
    RowOf<PushoverConfig, &PushoverConfig::priority, config::StringCodec>("priority", "-2 to 2"),
    RowOf<PushoverConfig, &PushoverConfig::retry, GoDurationCodec>("retry",
                                                                   "time between two repetitions"),
    RowOf<PushoverConfig, &PushoverConfig::expire, GoDurationCodec>("expire",
                                                                    "how long it is repeated"),
    RowOf<PushoverConfig, &PushoverConfig::ttl, GoDurationCodec>("ttl", "when it is deleted"),
    RowOf<PushoverConfig, &PushoverConfig::html, config::BoolCodec, Show::kAlways>(
        "html", "the text is HTML"),
    RowOf<PushoverConfig, &PushoverConfig::monospace, config::BoolCodec>(
        "monospace", "the text is set in one width"),
};

constexpr std::array kSnsRows = {
    SendResolvedRow<SnsConfig>(),
    HttpRow<SnsConfig>(),
    RowOf<SnsConfig, &SnsConfig::api_url, config::StringCodec>("api_url",
                                                               "server in place of the region's"),
    RowOf<SnsConfig, &SnsConfig::sigv4, config::StructCodec<Sigv4Config>, Show::kAlways>(
        "sigv4", "who signs"),
    RowOf<SnsConfig, &SnsConfig::topic_arn, config::StringCodec>("topic_arn",
                                                                 "topic to publish to"),
    RowOf<SnsConfig, &SnsConfig::phone_number, config::StringCodec>("phone_number",
                                                                    "number to send to"),
    RowOf<SnsConfig, &SnsConfig::target_arn, config::StringCodec>("target_arn",
                                                                  "end point to send to"),
    RowOf<SnsConfig, &SnsConfig::subject, config::StringCodec>("subject", "heading"),
    RowOf<SnsConfig, &SnsConfig::message, config::StringCodec>("message", "text"),
    RowOf<SnsConfig, &SnsConfig::attributes, StringMapCodec>("attributes", "further texts"),
};

constexpr std::array kJiraRows = {
    SendResolvedRow<JiraConfig>(),
    HttpRow<JiraConfig>(),
    RowOf<JiraConfig, &JiraConfig::api_url, UrlCodec>("api_url", "server"),
    RowOf<JiraConfig, &JiraConfig::api_type, config::StringCodec>("api_type", "which API it has"),
    RowOf<JiraConfig, &JiraConfig::project, config::StringCodec, Show::kAlways>(
        "project", "project of the issues"),
    RowOf<JiraConfig, &JiraConfig::summary, JiraTextCodec>("summary", "heading"),
    RowOf<JiraConfig, &JiraConfig::description, JiraTextCodec>("description", "text"),
    RowOf<JiraConfig, &JiraConfig::labels, config::StringListCodec>("labels", "labels"),
    RowOf<JiraConfig, &JiraConfig::priority, config::StringCodec>("priority", "priority"),
    RowOf<JiraConfig, &JiraConfig::issue_type, config::StringCodec, Show::kAlways>("issue_type",
                                                                                   "kind of issue"),
    RowOf<JiraConfig, &JiraConfig::reopen_transition, config::StringCodec>(
        "reopen_transition", "how an issue is opened again"),
    RowOf<JiraConfig, &JiraConfig::resolve_transition, config::StringCodec>("resolve_transition",
                                                                            "how it is closed"),
    RowOf<JiraConfig, &JiraConfig::wont_fix_resolution, config::StringCodec>(
        "wont_fix_resolution", "resolution of issues that stay closed"),
    RowOf<JiraConfig, &JiraConfig::reopen_duration, config::DurationCodec>(
        "reopen_duration", "how long a closed issue is opened again"),
    RowOf<JiraConfig, &JiraConfig::fields, AnyMapCodec>("fields", "further fields"),
};

constexpr std::array kIncidentioRows = {
    SendResolvedRow<IncidentioConfig>(),
    HttpRow<IncidentioConfig>(),
    RowOf<IncidentioConfig, &IncidentioConfig::url, UrlCodec>("url", "where to post"),
    RowOf<IncidentioConfig, &IncidentioConfig::url_file, config::PathCodec, Show::kAlways>(
        "url_file", "file with it"),
    RowOf<IncidentioConfig, &IncidentioConfig::alert_source_token, config::SecretCodec>(
        "alert_source_token", "the source's token"),
    RowOf<IncidentioConfig, &IncidentioConfig::alert_source_token_file, config::PathCodec>(
        "alert_source_token_file", "file with it"),
    RowOf<IncidentioConfig, &IncidentioConfig::max_alerts, config::UintCodec, Show::kAlways>(
        "max_alerts", "how many alerts a message has; 0: all"),
    RowOf<IncidentioConfig, &IncidentioConfig::timeout, config::DurationCodec>(
        "timeout", "how long a request may take"),
};

}  // namespace
}  // namespace vigil::alerting

namespace vigil::config {

template <>
std::span<const Field<alerting::WebhookConfig>> FieldsOf<alerting::WebhookConfig>() {
  return alerting::kWebhookRows;
}
template <>
std::span<const Field<alerting::PagerdutyConfig>> FieldsOf<alerting::PagerdutyConfig>() {
  return alerting::kPagerdutyRows;
}
template <>
std::span<const Field<alerting::PagerdutyImage>> FieldsOf<alerting::PagerdutyImage>() {
  return alerting::kPagerdutyImageRows;
}
template <>
std::span<const Field<alerting::PagerdutyLink>> FieldsOf<alerting::PagerdutyLink>() {
  return alerting::kPagerdutyLinkRows;
}
template <>
std::span<const Field<alerting::OpsGenieConfig>> FieldsOf<alerting::OpsGenieConfig>() {
  return alerting::kOpsGenieRows;
}
template <>
std::span<const Field<alerting::OpsGenieResponder>> FieldsOf<alerting::OpsGenieResponder>() {
  return alerting::kOpsGenieResponderRows;
}
template <>
std::span<const Field<alerting::VictorOpsConfig>> FieldsOf<alerting::VictorOpsConfig>() {
  return alerting::kVictorOpsRows;
}
template <>
std::span<const Field<alerting::PushoverConfig>> FieldsOf<alerting::PushoverConfig>() {
  return alerting::kPushoverRows;
}
template <>
std::span<const Field<alerting::SnsConfig>> FieldsOf<alerting::SnsConfig>() {
  return alerting::kSnsRows;
}
template <>
std::span<const Field<alerting::JiraConfig>> FieldsOf<alerting::JiraConfig>() {
  return alerting::kJiraRows;
}
template <>
std::span<const Field<alerting::IncidentioConfig>> FieldsOf<alerting::IncidentioConfig>() {
  return alerting::kIncidentioRows;
}
template <>
std::span<const Field<alerting::EmailConfig>> FieldsOf<alerting::EmailConfig>() {
  return alerting::kEmailRows;
}
template <>
std::span<const Field<alerting::EmailConfig::Threading>>
FieldsOf<alerting::EmailConfig::Threading>() {
  return alerting::kEmailThreadingRows;
}
template <>
std::span<const Field<alerting::JiraText>> FieldsOf<alerting::JiraText>() {
  return alerting::kJiraTextRows;
}

}  // namespace vigil::config
