// SPDX-License-Identifier: Apache-2.0
// What one receiver block must have, whatever the global block says. The words are upstream's.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "client-lib/base/strings.h"
#include "server/alerting/config_rows.h"
#include "server/config/validate.h"

namespace vigil::alerting {
namespace {

Result<void> NotBoth(const Reader& reader, const YamlNode& node, std::string_view first,
                     bool has_first, std::string_view second, bool has_second) {
  if (!has_first || !has_second) return Ok();
  return reader.FailHere(node,
                         fmt::format("at most one of {} & {} must be configured", first, second));
}

Result<void> ExactlyOne(const Reader& reader, const YamlNode& node, std::string_view first,
                        bool has_first, std::string_view second, bool has_second) {
  if (!has_first && !has_second) {
    return reader.FailHere(node, fmt::format("one of {} or {} must be configured", first, second));
  }
  return NotBoth(reader, node, first, has_first, second, has_second);
}

// Content-Type: the first letter and those behind a hyphen are large, unless the name is odd.
std::string CanonicalHeader(std::string_view name) {
  static constexpr std::string_view kToken = "!#$%&'*+-.^_`|~";
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && kToken.find(c) == std::string_view::npos) return std::string(name);
  }
  std::string out = AsciiLower(name);
  bool upper = true;
  for (char& c : out) {
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    upper = c == '-';
  }
  return out;
}

AnyValue TextValue(std::string_view text) {
  auto node = std::make_shared<YamlNode>();
  node->kind = YamlNode::Kind::kScalar;
  node->text = text;
  node->quoted = true;
  return node;
}

}  // namespace

Result<void> Check(const Reader& reader, const YamlNode& node, WebhookConfig* out) {
  return ExactlyOne(reader, node, "url", !out->url.empty(), "url_file", !out->url_file.empty());
}

Result<void> Check(const Reader& reader, const YamlNode& node, EmailConfig* out) {
  if (out->to.empty()) return reader.FailHere(node, "missing to address in email config");
  StringMap headers;
  for (const auto& [name, value] : out->headers) {
    const std::string canonical = CanonicalHeader(name);
    if (!headers.emplace(canonical, value).second) {
      return reader.FailHere(node,
                             fmt::format("duplicate header {} in email config", Quote(canonical)));
    }
  }
  out->headers = std::move(headers);
  TRY(NotBoth(reader, node, "auth_password", !out->auth_password.empty(), "auth_password_file",
              !out->auth_password_file.empty()));
  return NotBoth(reader, node, "auth_secret", !out->auth_secret.empty(), "auth_secret_file",
                 !out->auth_secret_file.empty());
}

Result<void> Check(const Reader& reader, const YamlNode& node, PagerdutyConfig* out) {
  if (out->routing_key.empty() && out->service_key.empty() && out->routing_key_file.empty() &&
      out->service_key_file.empty()) {
    return reader.FailHere(node, "missing service or routing key in PagerDuty config");
  }
  TRY(NotBoth(reader, node, "routing_key", !out->routing_key.empty(), "routing_key_file",
              !out->routing_key_file.empty()));
  TRY(NotBoth(reader, node, "service_key", !out->service_key.empty(), "service_key_file",
              !out->service_key_file.empty()));
  if (out->source.empty()) out->source = out->client;
  static constexpr std::pair<std::string_view, std::string_view> kDetails[] = {
      {"firing", "{{ .Alerts.Firing | toJson }}"},
      {"resolved", "{{ .Alerts.Resolved | toJson }}"},
      {"num_firing", "{{ .Alerts.Firing | len }}"},
      {"num_resolved", "{{ .Alerts.Resolved | len }}"}};
  for (const auto& [name, text] : kDetails) {
    out->details.emplace(std::string(name), TextValue(text));
  }
  return Ok();
}

Result<void> Check(const Reader& reader, const YamlNode& node, SlackAction* out) {
  if (out->type.empty()) {
    return reader.FailHere(node, "missing type in Slack action configuration");
  }
  if (out->text.empty()) {
    return reader.FailHere(node, "missing text in Slack action configuration");
  }
  if (out->has_confirm && out->confirm.text.empty()) {
    return reader.FailHere(node, "missing text in Slack confirmation configuration");
  }
  if (!out->url.empty()) {
    // A link button has nothing that a message button has.
    out->name.clear();
    out->value.clear();
    out->has_confirm = false;
  } else if (out->name.empty()) {
    return reader.FailHere(node, "missing name or url in Slack action configuration");
  }
  return Ok();
}

Result<void> Check(const Reader& reader, const YamlNode& node, SlackField* out) {
  if (out->title.empty()) {
    return reader.FailHere(node, "missing title in Slack field configuration");
  }
  if (out->value.empty()) {
    return reader.FailHere(node, "missing value in Slack field configuration");
  }
  return Ok();
}

Result<void> Check(const Reader& reader, const YamlNode& node, SlackConfig* out) {
  TRY(NotBoth(reader, node, "api_url", !out->api_url.empty(), "api_url_file",
              !out->api_url_file.empty()));
  return NotBoth(reader, node, "app_token", !out->app_token.empty(), "app_token_file",
                 !out->app_token_file.empty());
}

Result<void> Check(const Reader& reader, const YamlNode& node, OpsGenieConfig* out) {
  TRY(NotBoth(reader, node, "api_key", !out->api_key.empty(), "api_key_file",
              !out->api_key_file.empty()));
  static constexpr std::array<std::string_view, 5> kTypes = {"team", "teams", "user", "escalation",
                                                             "schedule"};
  for (OpsGenieResponder& who : out->responders) {
    const std::string shown = fmt::format("opsGenieConfig responder {{{} {} {} {}}}", who.id,
                                          who.name, who.username, who.type);
    if (who.id.empty() && who.username.empty() && who.name.empty()) {
      return reader.FailHere(node,
                             shown + " has to have at least one of id, username or name specified");
    }
    if (who.type.find("{{") != std::string::npos) continue;
    who.type = AsciiLower(who.type);
    if (std::find(kTypes.begin(), kTypes.end(), who.type) == kTypes.end()) {
      return reader.FailHere(node, shown +
                                       " type does not match valid options "
                                       "^(team|teams|user|escalation|schedule)$");
    }
  }
  return Ok();
}

Result<void> Check(const Reader& reader, const YamlNode& node, VictorOpsConfig* out) {
  if (out->routing_key.empty()) {
    return reader.FailHere(node, "missing Routing key in VictorOps config");
  }
  TRY(NotBoth(reader, node, "api_key", !out->api_key.empty(), "api_key_file",
              !out->api_key_file.empty()));
  for (const char* reserved :
       {"routing_key", "message_type", "state_message", "entity_display_name", "monitoring_tool",
        "entity_id", "entity_state"}) {
    if (!out->custom_fields.contains(reserved)) continue;
    return reader.FailHere(
        node, fmt::format("victorOps config contains custom field {} which cannot be used as it "
                          "conflicts with the fixed/static fields",
                          reserved));
  }
  return Ok();
}

Result<void> Check(const Reader& reader, const YamlNode& node, PushoverConfig* out) {
  TRY(ExactlyOne(reader, node, "user_key", !out->user_key.empty(), "user_key_file",
                 !out->user_key_file.empty()));
  TRY(ExactlyOne(reader, node, "token", !out->token.empty(), "token_file",
                 !out->token_file.empty()));
  return NotBoth(reader, node, "monospace", out->monospace, "html", out->html);
}

Result<void> Check(const Reader& reader, const YamlNode& node, SnsConfig* out) {
  // Upstream's exclusive or, by which all three at once pass.
  const bool odd = (out->target_arn.empty() != out->topic_arn.empty()) != out->phone_number.empty();
  if (odd) {
    return reader.FailHere(
        node, "must provide either a Target ARN, Topic ARN, or Phone Number for SNS config");
  }
  return config::CheckSigv4(reader, node, out->sigv4);
}

Result<void> Check(const Reader& reader, const YamlNode& node, TelegramConfig* out) {
  TRY(NotBoth(reader, node, "bot_token", !out->bot_token.empty(), "bot_token_file",
              !out->bot_token_file.empty()));
  if (out->chat_id == 0 && out->chat_id_file.empty()) {
    return reader.FailHere(node, "missing chat_id or chat_id_file on telegram_config");
  }
  TRY(NotBoth(reader, node, "chat_id", out->chat_id != 0, "chat_id_file",
              !out->chat_id_file.empty()));
  const std::string& mode = out->parse_mode;
  if (!mode.empty() && mode != "Markdown" && mode != "MarkdownV2" && mode != "HTML") {
    return reader.FailHere(node,
                           "unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, "
                           "HTML or empty string");
  }
  return Ok();
}

Result<void> Check(const Reader& reader, const YamlNode& node, DiscordConfig* out) {
  if (out->webhook_url.empty() && out->webhook_url_file.empty()) {
    return reader.FailHere(node, "no discord webhook URL or URLFile provided");
  }
  return NotBoth(reader, node, "webhook_url", !out->webhook_url.empty(), "webhook_url_file",
                 !out->webhook_url_file.empty());
}

Result<void> Check(const Reader& reader, const YamlNode& node, MsteamsConfig* out) {
  if (out->webhook_url.empty() && out->webhook_url_file.empty()) {
    return reader.FailHere(node, "no msteams webhook URL or URLFile provided");
  }
  return NotBoth(reader, node, "webhook_url", !out->webhook_url.empty(), "webhook_url_file",
                 !out->webhook_url_file.empty());
}

Result<void> Check(const Reader& reader, const YamlNode& node, MsteamsV2Config* out) {
  if (out->webhook_url.empty() && out->webhook_url_file.empty()) {
    return reader.FailHere(node, "no msteamsv2 webhook URL or URLFile provided");
  }
  return NotBoth(reader, node, "webhook_url", !out->webhook_url.empty(), "webhook_url_file",
                 !out->webhook_url_file.empty());
}

Result<void> Check(const Reader& reader, const YamlNode& node, WebexConfig* out) {
  if (out->room_id.empty()) return reader.FailHere(node, "missing room_id on webex_config");
  if (!out->has_http_config || !out->http.has_authorization) {
    return reader.FailHere(node, "missing webex_configs.http_config.authorization");
  }
  return Ok();
}

Result<void> Check(const Reader& reader, const YamlNode& node, WechatConfig* out) {
  TRY(NotBoth(reader, node, "api_secret", !out->api_secret.empty(), "api_secret_file",
              !out->api_secret_file.empty()));
  if (out->message_type.empty()) out->message_type = "text";
  if (out->message_type == "text" || out->message_type == "markdown") return Ok();
  return reader.FailHere(
      node, fmt::format("weChat message type {} does not match valid options ^(text|markdown)$",
                        Quote(out->message_type)));
}

Result<void> Check(const Reader& reader, const YamlNode& node, RocketchatConfig* out) {
  TRY(NotBoth(reader, node, "token", !out->token.empty(), "token_file", !out->token_file.empty()));
  return NotBoth(reader, node, "token_id", !out->token_id.empty(), "token_id_file",
                 !out->token_id_file.empty());
}

Result<void> Check(const Reader& reader, const YamlNode& node, MattermostConfig* out) {
  return NotBoth(reader, node, "webhook_url", !out->webhook_url.empty(), "webhook_url_file",
                 !out->webhook_url_file.empty());
}

Result<void> Check(const Reader& reader, const YamlNode& node, JiraConfig* out) {
  if (out->project.empty()) return reader.FailHere(node, "missing project in jira_config");
  if (out->issue_type.empty()) return reader.FailHere(node, "missing issue_type in jira_config");
  const std::string& api = out->api_type;
  if (api != "auto" && api != "cloud" && api != "datacenter") {
    return reader.FailHere(node,
                           "unknown api_type on jira_config, must be cloud, datacenter or auto");
  }
  return Ok();
}

Result<void> Check(const Reader& reader, const YamlNode& node, IncidentioConfig* out) {
  TRY(ExactlyOne(reader, node, "url", !out->url.empty(), "url_file", !out->url_file.empty()));
  TRY(NotBoth(reader, node, "alert_source_token", !out->alert_source_token.empty(),
              "alert_source_token_file", !out->alert_source_token_file.empty()));
  const bool has_header = out->has_http_config && out->http.has_authorization;
  if (out->alert_source_token.empty() && out->alert_source_token_file.empty() && !has_header) {
    return reader.FailHere(node,
                           "at least one of alert_source_token, alert_source_token_file or "
                           "http_config.authorization must be configured");
  }
  return Ok();
}

}  // namespace vigil::alerting
