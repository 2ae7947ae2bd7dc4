// SPDX-License-Identifier: Apache-2.0
// Building blocks of the tables of alertmanager.yml, beside those of server/config/codecs.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "server/alerting/alerting_config.h"
#include "server/config/codecs.h"
#include "server/config/field_tables.h"

// The rows of each block; the definitions stand in *_fields.cc.
namespace vigil::config {

template <>
std::span<const Field<alerting::EscalationConfig>> FieldsOf<alerting::EscalationConfig>();
template <>
std::span<const Field<alerting::WebhookConfig>> FieldsOf<alerting::WebhookConfig>();
template <>
std::span<const Field<alerting::EmailConfig>> FieldsOf<alerting::EmailConfig>();
template <>
std::span<const Field<alerting::EmailConfig::Threading>>
FieldsOf<alerting::EmailConfig::Threading>();
template <>
std::span<const Field<alerting::PagerdutyConfig>> FieldsOf<alerting::PagerdutyConfig>();
template <>
std::span<const Field<alerting::PagerdutyImage>> FieldsOf<alerting::PagerdutyImage>();
template <>
std::span<const Field<alerting::PagerdutyLink>> FieldsOf<alerting::PagerdutyLink>();
template <>
std::span<const Field<alerting::SlackConfig>> FieldsOf<alerting::SlackConfig>();
template <>
std::span<const Field<alerting::SlackAction>> FieldsOf<alerting::SlackAction>();
template <>
std::span<const Field<alerting::SlackConfirmation>> FieldsOf<alerting::SlackConfirmation>();
template <>
std::span<const Field<alerting::SlackField>> FieldsOf<alerting::SlackField>();
template <>
std::span<const Field<alerting::OpsGenieConfig>> FieldsOf<alerting::OpsGenieConfig>();
template <>
std::span<const Field<alerting::OpsGenieResponder>> FieldsOf<alerting::OpsGenieResponder>();
template <>
std::span<const Field<alerting::VictorOpsConfig>> FieldsOf<alerting::VictorOpsConfig>();
template <>
std::span<const Field<alerting::PushoverConfig>> FieldsOf<alerting::PushoverConfig>();
template <>
std::span<const Field<alerting::SnsConfig>> FieldsOf<alerting::SnsConfig>();
template <>
std::span<const Field<alerting::TelegramConfig>> FieldsOf<alerting::TelegramConfig>();
template <>
std::span<const Field<alerting::DiscordConfig>> FieldsOf<alerting::DiscordConfig>();
template <>
std::span<const Field<alerting::MsteamsConfig>> FieldsOf<alerting::MsteamsConfig>();
template <>
std::span<const Field<alerting::MsteamsV2Config>> FieldsOf<alerting::MsteamsV2Config>();
template <>
std::span<const Field<alerting::WebexConfig>> FieldsOf<alerting::WebexConfig>();
template <>
std::span<const Field<alerting::WechatConfig>> FieldsOf<alerting::WechatConfig>();
template <>
std::span<const Field<alerting::RocketchatConfig>> FieldsOf<alerting::RocketchatConfig>();
template <>
std::span<const Field<alerting::RocketchatField>> FieldsOf<alerting::RocketchatField>();
template <>
std::span<const Field<alerting::RocketchatAction>> FieldsOf<alerting::RocketchatAction>();
template <>
std::span<const Field<alerting::MattermostConfig>> FieldsOf<alerting::MattermostConfig>();
template <>
std::span<const Field<alerting::MattermostField>> FieldsOf<alerting::MattermostField>();
template <>
std::span<const Field<alerting::MattermostAttachment>> FieldsOf<alerting::MattermostAttachment>();
template <>
std::span<const Field<alerting::MattermostConfig::Props>>
FieldsOf<alerting::MattermostConfig::Props>();
template <>
std::span<const Field<alerting::MattermostConfig::Priority>>
FieldsOf<alerting::MattermostConfig::Priority>();
template <>
std::span<const Field<alerting::JiraConfig>> FieldsOf<alerting::JiraConfig>();
template <>
std::span<const Field<alerting::JiraText>> FieldsOf<alerting::JiraText>();
template <>
std::span<const Field<alerting::IncidentioConfig>> FieldsOf<alerting::IncidentioConfig>();
template <>
std::span<const Field<alerting::ReceiverConfig>> FieldsOf<alerting::ReceiverConfig>();
template <>
std::span<const Field<alerting::GlobalConfig>> FieldsOf<alerting::GlobalConfig>();
template <>
std::span<const Field<alerting::RouteConfig>> FieldsOf<alerting::RouteConfig>();
template <>
std::span<const Field<alerting::InhibitRuleConfig>> FieldsOf<alerting::InhibitRuleConfig>();
template <>
std::span<const Field<alerting::NamedTimeInterval>> FieldsOf<alerting::NamedTimeInterval>();
template <>
std::span<const Field<alerting::TimeInterval>> FieldsOf<alerting::TimeInterval>();
template <>
std::span<const Field<alerting::AlertingConfig>> FieldsOf<alerting::AlertingConfig>();

}  // namespace vigil::config

namespace vigil::alerting {

using config::BlockOf;
using config::Field;
using config::Reader;
using config::RowOf;
using config::Show;
using config::StringMapCodec;
using config::YamlNode;
using config::YamlWriter;

// A text that is written even when it is empty: its default is not.
struct TextCodec : config::StringCodec {
  static bool IsZero(const std::string&) { return false; }
};

// http://host/...; <secret> is taken, so that a configuration that was shown can be read.
struct UrlCodec : config::StringCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::string* out);
};
struct SecretUrlCodec : config::SecretCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, Secret* out);
};
// The same, but a text with {{ is a template and not looked at.
struct TemplateUrlCodec : config::SecretCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, Secret* out);
};

struct HostPortCodec : config::StringCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::string* out);
};

// Values of any shape.
struct AnyCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, AnyValue* out);
  static void Write(std::string_view name, const AnyValue& value, YamlWriter* writer);
  static bool IsZero(const AnyValue& value) { return value == nullptr; }
};
struct AnyMapCodec {
  using Map = std::map<std::string, AnyValue>;
  static Result<void> Read(Reader& reader, const YamlNode& node, Map* out);
  static void Write(std::string_view name, const Map& value, YamlWriter* writer);
  static bool IsZero(const Map& value) { return value.empty(); }
};

struct OptionalBoolCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::optional<bool>* out);
  static void Write(std::string_view name, const std::optional<bool>& value, YamlWriter* writer);
  static bool IsZero(const std::optional<bool>& value) { return !value.has_value(); }
};

struct OptionalDurationCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::optional<DurationMs>* out);
  static void Write(std::string_view name, std::optional<DurationMs> value, YamlWriter* writer);
  static bool IsZero(std::optional<DurationMs> value) { return !value.has_value(); }
};

// Go's spelling, 1m30s; kept in milliseconds.
struct GoDurationCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, DurationMs* out);
  static void Write(std::string_view name, DurationMs value, YamlWriter* writer);
  static bool IsZero(DurationMs value) { return value == 0; }
};

struct IntCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, int64_t* out);
  static void Write(std::string_view name, int64_t value, YamlWriter* writer);
  static bool IsZero(int64_t value) { return value == 0; }
};

// Checks of one element of a receiver's list, by overload (receiver_checks.cc).
Result<void> Check(const Reader& reader, const YamlNode& node, WebhookConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, EmailConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, PagerdutyConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, SlackConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, SlackAction* out);
Result<void> Check(const Reader& reader, const YamlNode& node, SlackField* out);
Result<void> Check(const Reader& reader, const YamlNode& node, OpsGenieConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, VictorOpsConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, PushoverConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, SnsConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, TelegramConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, DiscordConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, MsteamsConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, MsteamsV2Config* out);
Result<void> Check(const Reader& reader, const YamlNode& node, WebexConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, WechatConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, RocketchatConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, MattermostConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, JiraConfig* out);
Result<void> Check(const Reader& reader, const YamlNode& node, IncidentioConfig* out);
// The http_config that a block has (not one that it inherits).
Result<void> CheckHttp(Reader& reader, const YamlNode& node, HttpConfig* http);

// A list of mappings, each checked.
template <typename T>
struct CheckedListCodec : config::StructListCodec<T> {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::vector<T>* out) {
    TRY(config::ExpectList(reader, node));
    for (size_t i = 0; i < node.items.size(); ++i) {
      Reader::Scope scope(&reader, i);
      T& item = out->emplace_back();
      TRY(config::ReadStruct(reader, *node.items[i], &item));
      TRY(Check(reader, *node.items[i], &item));
    }
    return Ok();
  }
};

struct HttpConfigCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, HttpConfig* out);
};

// The rows that all receivers have.
template <typename T>
constexpr Field<T> SendResolvedRow() {
  return RowOf<T, &T::send_resolved, config::BoolCodec, Show::kAlways>("send_resolved",
                                                                       "tell when it is over");
}
template <typename T>
constexpr Field<T> HttpRow() {
  return {"http_config", "how to reach the service",
          [](Reader& reader, const YamlNode& node, T* out) -> Result<void> {
            out->has_http_config = true;
            return HttpConfigCodec::Read(reader, node, &out->http);
          },
          [](std::string_view key, const T& in, YamlWriter* writer) {
            config::StructCodec<HttpConfig>::Write(key, in.http, writer);
          }};
}

}  // namespace vigil::alerting
