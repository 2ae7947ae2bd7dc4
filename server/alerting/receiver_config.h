// SPDX-License-Identifier: Apache-2.0
// What alertmanager.yml says about receivers: one struct per type, with upstream's defaults. Texts
// are templates unless said otherwise; an empty URL or file means "not set".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client-lib/model/duration.h"
#include "server/alerting/http_config.h"
#include "server/config/sigv4_config.h"
#include "server/config/yaml_node.h"

namespace vigil::alerting {

using config::Secret;
using StringMap = std::map<std::string, std::string>;
// A value of any shape; null is "not set".
using AnyValue = config::YamlPtr;

// What all types have. `http` holds the global block when the receiver has none of its own.
struct IntegrationConfig {
  explicit IntegrationConfig(bool resolved) : send_resolved(resolved) {}
  bool send_resolved;
  bool has_http_config = false;
  HttpConfig http;
};

struct WebhookConfig : IntegrationConfig {
  WebhookConfig() : IntegrationConfig(true) {}
  Secret url;
  std::string url_file;
  uint64_t max_alerts = 0;
  DurationMs timeout = 0;
  AnyValue payload;
};

struct EmailConfig : IntegrationConfig {
  EmailConfig() : IntegrationConfig(false) {}
  std::string to;
  std::string from;
  std::string hello;
  std::string smarthost;  // host:port
  std::string auth_username;
  Secret auth_password;
  std::string auth_password_file;
  Secret auth_secret;
  std::string auth_secret_file;
  std::string auth_identity;
  StringMap headers;  // names in canonical form
  std::string html = R"({{ template "email.default.html" . }})";
  std::string text;
  std::optional<bool> require_tls;
  bool has_tls_config = false;
  config::TlsConfig tls_config;
  std::optional<bool> force_implicit_tls;
  bool has_threading = false;
  struct Threading {
    bool enabled = false;
    std::string thread_by_date;
  } threading;
};

struct PagerdutyImage {
  std::string src, alt, href;
};
struct PagerdutyLink {
  std::string href, text;
};
struct PagerdutyConfig : IntegrationConfig {
  PagerdutyConfig() : IntegrationConfig(true) {}
  Secret service_key;
  std::string service_key_file;
  Secret routing_key;
  std::string routing_key_file;
  std::string url;
  std::string client = R"({{ template "pagerduty.default.client" . }})";
  std::string client_url = R"({{ template "pagerduty.default.clientURL" . }})";
  std::string description = R"({{ template "pagerduty.default.description" .}})";
  std::map<std::string, AnyValue> details;  // with the default entries
  std::vector<PagerdutyImage> images;
  std::vector<PagerdutyLink> links;
  std::string source;
  std::string severity;
  std::string class_name;
  std::string component;
  std::string group;
  DurationMs timeout = 0;
};

struct SlackConfirmation {
  std::string text, title, ok_text, dismiss_text;
};
struct SlackAction {
  std::string type, text, url, style, name, value;
  bool has_confirm = false;
  SlackConfirmation confirm;
};
struct SlackField {
  std::string title, value;
  std::optional<bool> is_short;
};
struct SlackConfig : IntegrationConfig {
  SlackConfig() : IntegrationConfig(false) {}
  Secret api_url;
  std::string api_url_file;
  Secret app_token;
  std::string app_token_file;
  std::string app_url;
  std::string channel;
  std::string username = R"({{ template "slack.default.username" . }})";
  std::string color = R"({{ if eq .Status "firing" }}danger{{ else }}good{{ end }})";
  std::string title = R"({{ template "slack.default.title" . }})";
  std::string title_link = R"({{ template "slack.default.titlelink" . }})";
  std::string pretext = R"({{ template "slack.default.pretext" . }})";
  std::string text = R"({{ template "slack.default.text" . }})";
  std::vector<SlackField> fields;
  bool short_fields = false;
  std::string footer = R"({{ template "slack.default.footer" . }})";
  std::string fallback = R"({{ template "slack.default.fallback" . }})";
  std::string callback_id = R"({{ template "slack.default.callbackid" . }})";
  std::string icon_emoji = R"({{ template "slack.default.iconemoji" . }})";
  std::string icon_url = R"({{ template "slack.default.iconurl" . }})";
  std::string image_url;
  std::string thumb_url;
  bool link_names = false;
  std::vector<std::string> mrkdwn_in;
  std::vector<SlackAction> actions;
  DurationMs timeout = 0;
  std::string message_text;
  bool update_message = false;
};

struct OpsGenieResponder {
  std::string id, name, username, type;
};
struct OpsGenieConfig : IntegrationConfig {
  OpsGenieConfig() : IntegrationConfig(true) {}
  Secret api_key;
  std::string api_key_file;
  std::string api_url;
  std::string message = R"({{ template "opsgenie.default.message" . }})";
  std::string description = R"({{ template "opsgenie.default.description" . }})";
  std::string source = R"({{ template "opsgenie.default.source" . }})";
  StringMap details;
  std::string entity;
  std::vector<OpsGenieResponder> responders;
  std::string actions;
  std::string tags;
  std::string note;
  std::string priority;
  bool update_alerts = false;
};

struct VictorOpsConfig : IntegrationConfig {
  VictorOpsConfig() : IntegrationConfig(true) {}
  Secret api_key;
  std::string api_key_file;
  std::string api_url;
  std::string routing_key;
  std::string message_type = "CRITICAL";
  std::string state_message = R"({{ template "victorops.default.state_message" . }})";
  std::string entity_display_name = R"({{ template "victorops.default.entity_display_name" . }})";
  std::string monitoring_tool = R"({{ template "victorops.default.monitoring_tool" . }})";
  StringMap custom_fields;
};

struct PushoverConfig : IntegrationConfig {
  PushoverConfig() : IntegrationConfig(true) {}
  Secret user_key;
  std::string user_key_file;
  Secret token;
  std::string token_file;
  std::string title = R"({{ template "pushover.default.title" . }})";
  std::string message = R"({{ template "pushover.default.message" . }})";
  std::string url = R"({{ template "pushover.default.url" . }})";
  std::string url_title;
  std::string device;
  std::string sound;
  std::string priority = R"({{ if eq .Status "firing" }}2{{ else }}0{{ end }})";
  DurationMs retry = 60'000;
  DurationMs expire = 3'600'000;
  DurationMs ttl = 0;
  bool html = false;
  bool monospace = false;
};

using config::Sigv4Config;
struct SnsConfig : IntegrationConfig {
  SnsConfig() : IntegrationConfig(true) {}
  std::string api_url;
  Sigv4Config sigv4;
  std::string topic_arn;
  std::string phone_number;
  std::string target_arn;
  std::string subject = R"({{ template "sns.default.subject" . }})";
  std::string message = R"({{ template "sns.default.message" . }})";
  StringMap attributes;
};

struct TelegramConfig : IntegrationConfig {
  TelegramConfig() : IntegrationConfig(true) {}
  std::string api_url;
  Secret bot_token;
  std::string bot_token_file;
  int64_t chat_id = 0;
  std::string chat_id_file;
  int64_t message_thread_id = 0;
  std::string message = R"({{ template "telegram.default.message" . }})";
  bool disable_notifications = false;
  std::string parse_mode = "HTML";
};

struct DiscordConfig : IntegrationConfig {
  DiscordConfig() : IntegrationConfig(true) {}
  Secret webhook_url;
  std::string webhook_url_file;
  std::string content = R"({{ template "discord.default.content" . }})";
  std::string title = R"({{ template "discord.default.title" . }})";
  std::string message = R"({{ template "discord.default.message" . }})";
  std::string username;
  std::string avatar_url;
};

struct MsteamsConfig : IntegrationConfig {
  MsteamsConfig() : IntegrationConfig(true) {}
  Secret webhook_url;
  std::string webhook_url_file;
  std::string title = R"({{ template "msteams.default.title" . }})";
  std::string summary = R"({{ template "msteams.default.summary" . }})";
  std::string text = R"({{ template "msteams.default.text" . }})";
};

struct MsteamsV2Config : IntegrationConfig {
  MsteamsV2Config() : IntegrationConfig(true) {}
  Secret webhook_url;
  std::string webhook_url_file;
  std::string title = R"({{ template "msteamsv2.default.title" . }})";
  std::string text = R"({{ template "msteamsv2.default.text" . }})";
};

struct WebexConfig : IntegrationConfig {
  WebexConfig() : IntegrationConfig(true) {}
  std::string api_url;
  std::string message = R"({{ template "webex.default.message" . }})";
  std::string room_id;
};

struct WechatConfig : IntegrationConfig {
  WechatConfig() : IntegrationConfig(false) {}
  Secret api_secret;
  std::string api_secret_file;
  std::string corp_id;
  std::string message = R"({{ template "wechat.default.message" . }})";
  std::string api_url;
  std::string to_user = R"({{ template "wechat.default.to_user" . }})";
  std::string to_party = R"({{ template "wechat.default.to_party" . }})";
  std::string to_tag = R"({{ template "wechat.default.to_tag" . }})";
  std::string agent_id = R"({{ template "wechat.default.agent_id" . }})";
  std::string message_type = "text";
};

struct RocketchatField {
  std::string title, value;
  std::optional<bool> is_short;
};
struct RocketchatAction {
  std::string type, text, url, image_url, webview_height_ratio, msg, msg_processing_type;
  bool is_webview = false;
  bool msg_in_chat_window = false;
};
struct RocketchatConfig : IntegrationConfig {
  RocketchatConfig() : IntegrationConfig(false) {}
  std::string api_url;
  Secret token_id;
  std::string token_id_file;
  Secret token;
  std::string token_file;
  std::string channel;
  std::string color = R"({{ if eq .Status "firing" }}red{{ else }}green{{ end }})";
  std::string title = R"({{ template "rocketchat.default.title" . }})";
  std::string title_link = R"({{ template "rocketchat.default.titlelink" . }})";
  std::string text = R"({{ template "rocketchat.default.text" . }})";
  std::vector<RocketchatField> fields;
  bool short_fields = false;
  std::string emoji = R"({{ template "rocketchat.default.emoji" . }})";
  std::string icon_url = R"({{ template "rocketchat.default.iconurl" . }})";
  std::string image_url;
  std::string thumb_url;
  bool link_names = false;
  std::vector<RocketchatAction> actions;
};

struct MattermostField {
  std::string title, value;
  std::optional<bool> is_short;
};
struct MattermostAttachment {
  std::string fallback, color, pretext, text, author_name, author_link, author_icon, title,
      title_link, thumb_url, footer, footer_icon, image_url;
  std::vector<MattermostField> fields;
};
struct MattermostConfig : IntegrationConfig {
  MattermostConfig() : IntegrationConfig(true) {}
  Secret webhook_url;
  std::string webhook_url_file;
  std::string channel;
  std::string username = R"({{ template "mattermost.default.username" . }})";
  std::string text = R"({{ template "mattermost.default.text" . }})";
  std::string icon_url;
  std::string icon_emoji;
  std::vector<MattermostAttachment> attachments;
  std::string type;
  bool has_props = false;
  struct Props {
    std::string card;
  } props;
  bool has_priority = false;
  struct Priority {
    std::string priority;
    bool requested_ack = false;
    bool persistent_notifications = false;
  } priority;
};

struct JiraText {
  std::string text;
  std::optional<bool> enable_update;
};
struct JiraConfig : IntegrationConfig {
  JiraConfig() : IntegrationConfig(true) {}
  std::string api_url;
  std::string api_type = "auto";
  std::string project;
  JiraText summary{R"({{ template "jira.default.summary" . }})", std::nullopt};
  JiraText description{R"({{ template "jira.default.description" . }})", std::nullopt};
  std::vector<std::string> labels;
  std::string priority = R"({{ template "jira.default.priority" . }})";
  std::string issue_type;
  std::string reopen_transition;
  std::string resolve_transition;
  std::string wont_fix_resolution;
  DurationMs reopen_duration = 0;
  std::map<std::string, AnyValue> fields;
};

struct IncidentioConfig : IntegrationConfig {
  IncidentioConfig() : IntegrationConfig(true) {}
  std::string url;
  std::string url_file;
  Secret alert_source_token;
  std::string alert_source_token_file;
  uint64_t max_alerts = 0;
  DurationMs timeout = 0;
};

// A named group of them: a notification goes to each.
struct ReceiverConfig {
  std::string name;
  StringMap labels;  // with `name`
  std::vector<DiscordConfig> discord;
  std::vector<EmailConfig> email;
  std::vector<IncidentioConfig> incidentio;
  std::vector<PagerdutyConfig> pagerduty;
  std::vector<SlackConfig> slack;
  std::vector<WebhookConfig> webhook;
  std::vector<OpsGenieConfig> opsgenie;
  std::vector<WechatConfig> wechat;
  std::vector<PushoverConfig> pushover;
  std::vector<VictorOpsConfig> victorops;
  std::vector<SnsConfig> sns;
  std::vector<TelegramConfig> telegram;
  std::vector<WebexConfig> webex;
  std::vector<MsteamsConfig> msteams;
  std::vector<MsteamsV2Config> msteamsv2;
  std::vector<JiraConfig> jira;
  std::vector<RocketchatConfig> rocketchat;
  std::vector<MattermostConfig> mattermost;
};

}  // namespace vigil::alerting
