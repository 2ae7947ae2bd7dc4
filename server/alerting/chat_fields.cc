// SPDX-License-Identifier: Apache-2.0
// Rows of the receivers that write into chats.
#include <array>

#include "server/alerting/config_rows.h"

namespace vigil::alerting {
namespace {

constexpr std::array kSlackRows = {
    SendResolvedRow<SlackConfig>(),
    HttpRow<SlackConfig>(),
    RowOf<SlackConfig, &SlackConfig::api_url, SecretUrlCodec>("api_url", "webhook of the channel"),
    RowOf<SlackConfig, &SlackConfig::api_url_file, config::PathCodec>("api_url_file",
                                                                      "file with it"),
    RowOf<SlackConfig, &SlackConfig::app_token, config::SecretCodec>("app_token",
                                                                     "token of a Slack app"),
    RowOf<SlackConfig, &SlackConfig::app_token_file, config::PathCodec>("app_token_file",
                                                                        "file with it"),
    RowOf<SlackConfig, &SlackConfig::app_url, UrlCodec>("app_url", "where a Slack app posts"),
    RowOf<SlackConfig, &SlackConfig::channel, config::StringCodec>("channel",
                                                                   "channel or user to write to"),
    RowOf<SlackConfig, &SlackConfig::username, config::StringCodec>("username",
                                                                    "name of the writer"),
    RowOf<SlackConfig, &SlackConfig::color, config::StringCodec>("color", "colour of the edge"),
    RowOf<SlackConfig, &SlackConfig::title, config::StringCodec>("title", "first line"),
    RowOf<SlackConfig, &SlackConfig::title_link, config::StringCodec>("title_link",
                                                                      "where it leads"),
    RowOf<SlackConfig, &SlackConfig::pretext, config::StringCodec>("pretext", "text above"),
    RowOf<SlackConfig, &SlackConfig::text, config::StringCodec>("text", "text"),
    RowOf<SlackConfig, &SlackConfig::fields, CheckedListCodec<SlackField>>("fields",
                                                                           "table of texts"),
    RowOf<SlackConfig, &SlackConfig::short_fields, config::BoolCodec, Show::kAlways>(
        "short_fields", "two fields beside each other"),
    RowOf<SlackConfig, &SlackConfig::footer, config::StringCodec>("footer", "text below"),
    RowOf<SlackConfig, &SlackConfig::fallback, config::StringCodec>("fallback",
                                                                    "text for plain clients"),
    RowOf<SlackConfig, &SlackConfig::callback_id, config::StringCodec>("callback_id",
                                                                       "identifier of the message"),
    RowOf<SlackConfig, &SlackConfig::icon_emoji, config::StringCodec>("icon_emoji",
                                                                      "picture of the writer"),
    RowOf<SlackConfig, &SlackConfig::icon_url, config::StringCodec>("icon_url",
                                                                    "picture of the writer"),
    RowOf<SlackConfig, &SlackConfig::image_url, config::StringCodec>("image_url", "picture"),
    RowOf<SlackConfig, &SlackConfig::thumb_url, config::StringCodec>("thumb_url", "small picture"),
    RowOf<SlackConfig, &SlackConfig::link_names, config::BoolCodec, Show::kAlways>(
        "link_names", "find names and channels in the text"),
    RowOf<SlackConfig, &SlackConfig::mrkdwn_in, config::StringListCodec>("mrkdwn_in",
                                                                         "texts that are markdown"),
    RowOf<SlackConfig, &SlackConfig::actions, CheckedListCodec<SlackAction>>("actions", "buttons"),
    RowOf<SlackConfig, &SlackConfig::timeout, config::DurationCodec>("timeout",
                                                                     "how long a request may take"),
    RowOf<SlackConfig, &SlackConfig::message_text, config::StringCodec>(
        "message_text", "text beside the attachment"),
    RowOf<SlackConfig, &SlackConfig::update_message, config::BoolCodec>(
        "update_message", "edit the message that was sent"),
};

constexpr std::array kSlackFieldRows = {
    RowOf<SlackField, &SlackField::title, config::StringCodec>("title", "heading"),
    RowOf<SlackField, &SlackField::value, config::StringCodec>("value", "text"),
    RowOf<SlackField, &SlackField::is_short, OptionalBoolCodec>("short", "beside another"),
};

constexpr std::array kSlackActionRows = {
    RowOf<SlackAction, &SlackAction::type, config::StringCodec>("type", "kind of button"),
    RowOf<SlackAction, &SlackAction::text, config::StringCodec>("text", "what it says"),
    RowOf<SlackAction, &SlackAction::url, config::StringCodec>("url", "where it leads"),
    RowOf<SlackAction, &SlackAction::style, config::StringCodec>("style", "how it looks"),
    RowOf<SlackAction, &SlackAction::name, config::StringCodec>("name", "what it is called"),
    RowOf<SlackAction, &SlackAction::value, config::StringCodec>("value", "what it sends"),
    BlockOf<SlackAction, &SlackAction::confirm, &SlackAction::has_confirm>("confirm",
                                                                           "question before"),
};

constexpr std::array kSlackConfirmationRows = {
    RowOf<SlackConfirmation, &SlackConfirmation::text, config::StringCodec>("text", "question"),
    RowOf<SlackConfirmation, &SlackConfirmation::title, config::StringCodec>("title", "heading"),
    RowOf<SlackConfirmation, &SlackConfirmation::ok_text, config::StringCodec>("ok_text", "yes"),
    RowOf<SlackConfirmation, &SlackConfirmation::dismiss_text, config::StringCodec>("dismiss_text",
                                                                                    "no"),
};

constexpr std::array kTelegramRows = {
    SendResolvedRow<TelegramConfig>(),
    HttpRow<TelegramConfig>(),
    RowOf<TelegramConfig, &TelegramConfig::api_url, UrlCodec>("api_url", "server of the bot"),
    RowOf<TelegramConfig, &TelegramConfig::bot_token, config::SecretCodec>("bot_token",
                                                                           "the bot's secret"),
    RowOf<TelegramConfig, &TelegramConfig::bot_token_file, config::PathCodec>("bot_token_file",
                                                                              "file with it"),
    RowOf<TelegramConfig, &TelegramConfig::chat_id, IntCodec>("chat_id", "where to write"),
    RowOf<TelegramConfig, &TelegramConfig::chat_id_file, config::PathCodec>("chat_id_file",
                                                                            "file with it"),
    RowOf<TelegramConfig, &TelegramConfig::message_thread_id, IntCodec>("message_thread_id",
                                                                        "topic of a group"),
    RowOf<TelegramConfig, &TelegramConfig::message, TextCodec>("message", "text"),
    RowOf<TelegramConfig, &TelegramConfig::disable_notifications, config::BoolCodec, Show::kAlways>(
        "disable_notifications", "without a sound"),
    RowOf<TelegramConfig, &TelegramConfig::parse_mode, TextCodec>("parse_mode",
                                                                  "how the text is marked up"),
};

constexpr std::array kDiscordRows = {
    SendResolvedRow<DiscordConfig>(),
    HttpRow<DiscordConfig>(),
    RowOf<DiscordConfig, &DiscordConfig::webhook_url, SecretUrlCodec>("webhook_url",
                                                                      "webhook of the channel"),
    RowOf<DiscordConfig, &DiscordConfig::webhook_url_file, config::PathCodec>("webhook_url_file",
                                                                              "file with it"),
    RowOf<DiscordConfig, &DiscordConfig::content, config::StringCodec>("content", "text above"),
    RowOf<DiscordConfig, &DiscordConfig::title, config::StringCodec>("title", "heading"),
    RowOf<DiscordConfig, &DiscordConfig::message, config::StringCodec>("message", "text"),
    RowOf<DiscordConfig, &DiscordConfig::username, config::StringCodec>("username",
                                                                        "name of the writer"),
    RowOf<DiscordConfig, &DiscordConfig::avatar_url, config::StringCodec>("avatar_url",
                                                                          "picture of the writer"),
};

constexpr std::array kMsteamsRows = {
    SendResolvedRow<MsteamsConfig>(),
    HttpRow<MsteamsConfig>(),
    RowOf<MsteamsConfig, &MsteamsConfig::webhook_url, SecretUrlCodec>("webhook_url",
                                                                      "webhook of the channel"),
    RowOf<MsteamsConfig, &MsteamsConfig::webhook_url_file, config::PathCodec>("webhook_url_file",
                                                                              "file with it"),
    RowOf<MsteamsConfig, &MsteamsConfig::title, config::StringCodec>("title", "heading"),
    RowOf<MsteamsConfig, &MsteamsConfig::summary, config::StringCodec>("summary",
                                                                       "text of the notice"),
    RowOf<MsteamsConfig, &MsteamsConfig::text, config::StringCodec>("text", "text"),
};

constexpr std::array kMsteamsV2Rows = {
    SendResolvedRow<MsteamsV2Config>(),
    HttpRow<MsteamsV2Config>(),
    RowOf<MsteamsV2Config, &MsteamsV2Config::webhook_url, SecretUrlCodec>("webhook_url",
                                                                          "webhook of the flow"),
    RowOf<MsteamsV2Config, &MsteamsV2Config::webhook_url_file, config::PathCodec>(
        "webhook_url_file", "file with it"),
    RowOf<MsteamsV2Config, &MsteamsV2Config::title, config::StringCodec>("title", "heading"),
    RowOf<MsteamsV2Config, &MsteamsV2Config::text, config::StringCodec>("text", "text"),
};

constexpr std::array kWebexRows = {
    SendResolvedRow<WebexConfig>(),
    HttpRow<WebexConfig>(),
    RowOf<WebexConfig, &WebexConfig::api_url, UrlCodec>("api_url", "where messages are posted"),
    RowOf<WebexConfig, &WebexConfig::message, config::StringCodec>("message", "text"),
    RowOf<WebexConfig, &WebexConfig::room_id, config::StringCodec, Show::kAlways>(
        "room_id", "room to write to"),
};

constexpr std::array kWechatRows = {
    SendResolvedRow<WechatConfig>(),
    HttpRow<WechatConfig>(),
    RowOf<WechatConfig, &WechatConfig::api_secret, config::SecretCodec>(
        "api_secret", "secret of the application"),
    RowOf<WechatConfig, &WechatConfig::api_secret_file, config::PathCodec>("api_secret_file",
                                                                           "file with it"),
    RowOf<WechatConfig, &WechatConfig::corp_id, config::StringCodec>("corp_id", "the company"),
    RowOf<WechatConfig, &WechatConfig::message, config::StringCodec>("message", "text"),
    RowOf<WechatConfig, &WechatConfig::api_url, UrlCodec>("api_url", "server"),
    RowOf<WechatConfig, &WechatConfig::to_user, config::StringCodec>("to_user",
                                                                     "users to write to"),
    RowOf<WechatConfig, &WechatConfig::to_party, config::StringCodec>("to_party",
                                                                      "departments to write to"),
    RowOf<WechatConfig, &WechatConfig::to_tag, config::StringCodec>("to_tag", "tags to write to"),
    RowOf<WechatConfig, &WechatConfig::agent_id, config::StringCodec>("agent_id",
                                                                      "the application"),
    RowOf<WechatConfig, &WechatConfig::message_type, config::StringCodec>("message_type",
                                                                          "text or markdown"),
};

constexpr std::array kRocketchatRows = {
    SendResolvedRow<RocketchatConfig>(),
    HttpRow<RocketchatConfig>(),
    RowOf<RocketchatConfig, &RocketchatConfig::api_url, UrlCodec>("api_url", "server"),
    RowOf<RocketchatConfig, &RocketchatConfig::token_id, config::SecretCodec>("token_id",
                                                                              "the user's id"),
    RowOf<RocketchatConfig, &RocketchatConfig::token_id_file, config::PathCodec>("token_id_file",
                                                                                 "file with it"),
    RowOf<RocketchatConfig, &RocketchatConfig::token, config::SecretCodec>("token",
                                                                           "the user's token"),
    RowOf<RocketchatConfig, &RocketchatConfig::token_file, config::PathCodec>("token_file",
                                                                              "file with it"),
    RowOf<RocketchatConfig, &RocketchatConfig::channel, config::StringCodec>("channel",
                                                                             "channel to write to"),
    RowOf<RocketchatConfig, &RocketchatConfig::color, config::StringCodec>("color",
                                                                           "colour of the edge"),
    RowOf<RocketchatConfig, &RocketchatConfig::title, config::StringCodec>("title", "heading"),
    RowOf<RocketchatConfig, &RocketchatConfig::title_link, config::StringCodec>("title_link",
                                                                                "where it leads"),
    RowOf<RocketchatConfig, &RocketchatConfig::text, config::StringCodec>("text", "text"),
    RowOf<RocketchatConfig, &RocketchatConfig::fields, config::StructListCodec<RocketchatField>>(
        "fields", "table of texts"),
    RowOf<RocketchatConfig, &RocketchatConfig::short_fields, config::BoolCodec, Show::kAlways>(
        "short_fields", "two fields beside each other"),
    RowOf<RocketchatConfig, &RocketchatConfig::emoji, config::StringCodec>("emoji",
                                                                           "picture of the writer"),
    RowOf<RocketchatConfig, &RocketchatConfig::icon_url, config::StringCodec>(
        "icon_url", "picture of the writer"),
    RowOf<RocketchatConfig, &RocketchatConfig::image_url, config::StringCodec>("image_url",
                                                                               "picture"),
    RowOf<RocketchatConfig, &RocketchatConfig::thumb_url, config::StringCodec>("thumb_url",
                                                                               "small picture"),
    RowOf<RocketchatConfig, &RocketchatConfig::link_names, config::BoolCodec, Show::kAlways>(
        "link_names", "find names in the text"),
    RowOf<RocketchatConfig, &RocketchatConfig::actions, config::StructListCodec<RocketchatAction>>(
        "actions", "buttons"),
};

constexpr std::array kRocketchatFieldRows = {
    RowOf<RocketchatField, &RocketchatField::title, config::StringCodec>("title", "heading"),
    RowOf<RocketchatField, &RocketchatField::value, config::StringCodec>("value", "text"),
    RowOf<RocketchatField, &RocketchatField::is_short, OptionalBoolCodec>("short",
                                                                          "beside another"),
};

constexpr std::array kRocketchatActionRows = {
    RowOf<RocketchatAction, &RocketchatAction::type, config::StringCodec>("type", "kind of button"),
    RowOf<RocketchatAction, &RocketchatAction::text, config::StringCodec>("text", "what it says"),
    RowOf<RocketchatAction, &RocketchatAction::url, config::StringCodec>("url", "where it leads"),
    RowOf<RocketchatAction, &RocketchatAction::image_url, config::StringCodec>("image_url",
                                                                               "its picture"),
    RowOf<RocketchatAction, &RocketchatAction::is_webview, config::BoolCodec, Show::kAlways>(
        "is_webview", "opens within the client"),
    RowOf<RocketchatAction, &RocketchatAction::webview_height_ratio, config::StringCodec>(
        "webview_height_ratio", "how high"),
    RowOf<RocketchatAction, &RocketchatAction::msg, config::StringCodec>("msg", "message it sends"),
    RowOf<RocketchatAction, &RocketchatAction::msg_in_chat_window, config::BoolCodec,
          Show::kAlways>("msg_in_chat_window", "into the window"),
    RowOf<RocketchatAction, &RocketchatAction::msg_processing_type, config::StringCodec>(
        "msg_processing_type", "how it is sent"),
};

constexpr std::array kMattermostRows = {
    SendResolvedRow<MattermostConfig>(),
    HttpRow<MattermostConfig>(),
    RowOf<MattermostConfig, &MattermostConfig::webhook_url, SecretUrlCodec>("webhook_url",
                                                                            "webhook"),
    RowOf<MattermostConfig, &MattermostConfig::webhook_url_file, config::PathCodec>(
        "webhook_url_file", "file with it"),
    RowOf<MattermostConfig, &MattermostConfig::channel, config::StringCodec>("channel",
                                                                             "channel to write to"),
    RowOf<MattermostConfig, &MattermostConfig::username, config::StringCodec>("username",
                                                                              "name of the writer"),
    RowOf<MattermostConfig, &MattermostConfig::text, config::StringCodec>("text", "text"),
    RowOf<MattermostConfig, &MattermostConfig::icon_url, config::StringCodec>(
        "icon_url", "picture of the writer"),
    RowOf<MattermostConfig, &MattermostConfig::icon_emoji, config::StringCodec>(
        "icon_emoji", "picture of the writer"),
    RowOf<MattermostConfig, &MattermostConfig::attachments,
          config::StructListCodec<MattermostAttachment>>("attachments", "boxes below the text"),
    RowOf<MattermostConfig, &MattermostConfig::type, config::StringCodec>("type",
                                                                          "type of the post"),
    BlockOf<MattermostConfig, &MattermostConfig::props, &MattermostConfig::has_props>(
        "props", "further properties"),
    BlockOf<MattermostConfig, &MattermostConfig::priority, &MattermostConfig::has_priority>(
        "priority", "how urgent it is"),
};

constexpr std::array kMattermostFieldRows = {
    RowOf<MattermostField, &MattermostField::title, config::StringCodec>("title", "heading"),
    RowOf<MattermostField, &MattermostField::value, config::StringCodec>("value", "text"),
    RowOf<MattermostField, &MattermostField::is_short, OptionalBoolCodec>("short",
                                                                          "beside another"),
};

constexpr std::array kMattermostAttachmentRows = {
    RowOf<MattermostAttachment, &MattermostAttachment::fallback, config::StringCodec>(
        "fallback", "text for plain clients"),
    RowOf<MattermostAttachment, &MattermostAttachment::color, config::StringCodec>(
        "color", "colour of the edge"),
    RowOf<MattermostAttachment, &MattermostAttachment::pretext, config::StringCodec>("pretext",
                                                                                     "text above"),
    RowOf<MattermostAttachment, &MattermostAttachment::text, config::StringCodec>("text", "text"),
    RowOf<MattermostAttachment, &MattermostAttachment::author_name, config::StringCodec>(
        "author_name", "author"),
    RowOf<MattermostAttachment, &MattermostAttachment::author_link, config::StringCodec>(
        "author_link", "where the name leads"),
    RowOf<MattermostAttachment, &MattermostAttachment::author_icon, config::StringCodec>(
        "author_icon", "the author's picture"),
    RowOf<MattermostAttachment, &MattermostAttachment::title, config::StringCodec>("title",
                                                                                   "heading"),
    RowOf<MattermostAttachment, &MattermostAttachment::title_link, config::StringCodec>(
        "title_link", "where it leads"),
    RowOf<MattermostAttachment, &MattermostAttachment::fields,
          config::StructListCodec<MattermostField>>("fields", "table of texts"),
    RowOf<MattermostAttachment, &MattermostAttachment::thumb_url, config::StringCodec>(
        "thumb_url", "small picture"),
    RowOf<MattermostAttachment, &MattermostAttachment::footer, config::StringCodec>("footer",
                                                                                    "text below"),
    RowOf<MattermostAttachment, &MattermostAttachment::footer_icon, config::StringCodec>(
        "footer_icon", "its picture"),
    RowOf<MattermostAttachment, &MattermostAttachment::image_url, config::StringCodec>("image_url",
                                                                                       "picture"),
};

constexpr std::array kMattermostPropsRows = {
    RowOf<MattermostConfig::Props, &MattermostConfig::Props::card, config::StringCodec>(
        "card", "text of the side bar"),
};

constexpr std::array kMattermostPriorityRows = {
    RowOf<MattermostConfig::Priority, &MattermostConfig::Priority::priority, config::StringCodec>(
        "priority", "urgent, important or standard"),
    RowOf<MattermostConfig::Priority, &MattermostConfig::Priority::requested_ack,
          config::BoolCodec>("requested_ack", "ask for an acknowledgement"),
    RowOf<MattermostConfig::Priority, &MattermostConfig::Priority::persistent_notifications,
          config::BoolCodec>("persistent_notifications", "repeat until then"),
};

}  // namespace
}  // namespace vigil::alerting

namespace vigil::config {

template <>
std::span<const Field<alerting::SlackConfig>> FieldsOf<alerting::SlackConfig>() {
  return alerting::kSlackRows;
}
template <>
std::span<const Field<alerting::SlackField>> FieldsOf<alerting::SlackField>() {
  return alerting::kSlackFieldRows;
}
template <>
std::span<const Field<alerting::SlackAction>> FieldsOf<alerting::SlackAction>() {
  return alerting::kSlackActionRows;
}
template <>
std::span<const Field<alerting::SlackConfirmation>> FieldsOf<alerting::SlackConfirmation>() {
  return alerting::kSlackConfirmationRows;
}
template <>
std::span<const Field<alerting::TelegramConfig>> FieldsOf<alerting::TelegramConfig>() {
  return alerting::kTelegramRows;
}
template <>
std::span<const Field<alerting::DiscordConfig>> FieldsOf<alerting::DiscordConfig>() {
  return alerting::kDiscordRows;
}
template <>
std::span<const Field<alerting::MsteamsConfig>> FieldsOf<alerting::MsteamsConfig>() {
  return alerting::kMsteamsRows;
}
template <>
std::span<const Field<alerting::MsteamsV2Config>> FieldsOf<alerting::MsteamsV2Config>() {
  return alerting::kMsteamsV2Rows;
}
template <>
std::span<const Field<alerting::WebexConfig>> FieldsOf<alerting::WebexConfig>() {
  return alerting::kWebexRows;
}
template <>
std::span<const Field<alerting::WechatConfig>> FieldsOf<alerting::WechatConfig>() {
  return alerting::kWechatRows;
}
template <>
std::span<const Field<alerting::RocketchatConfig>> FieldsOf<alerting::RocketchatConfig>() {
  return alerting::kRocketchatRows;
}
template <>
std::span<const Field<alerting::RocketchatField>> FieldsOf<alerting::RocketchatField>() {
  return alerting::kRocketchatFieldRows;
}
template <>
std::span<const Field<alerting::RocketchatAction>> FieldsOf<alerting::RocketchatAction>() {
  return alerting::kRocketchatActionRows;
}
template <>
std::span<const Field<alerting::MattermostConfig>> FieldsOf<alerting::MattermostConfig>() {
  return alerting::kMattermostRows;
}
template <>
std::span<const Field<alerting::MattermostField>> FieldsOf<alerting::MattermostField>() {
  return alerting::kMattermostFieldRows;
}
template <>
std::span<const Field<alerting::MattermostAttachment>> FieldsOf<alerting::MattermostAttachment>() {
  return alerting::kMattermostAttachmentRows;
}
template <>
std::span<const Field<alerting::MattermostConfig::Props>>
FieldsOf<alerting::MattermostConfig::Props>() {
  return alerting::kMattermostPropsRows;
}
template <>
std::span<const Field<alerting::MattermostConfig::Priority>>
FieldsOf<alerting::MattermostConfig::Priority>() {
  return alerting::kMattermostPriorityRows;
}

}  // namespace vigil::config
