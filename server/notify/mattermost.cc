// SPDX-License-Identifier: Apache-2.0
// mattermost: a message with Slack-like attachments, a card and a priority, to a webhook.
#include "client-lib/base/strings.h"
#include "server/notify/json_writer.h"
#include "server/notify/list.h"

namespace vigil::notify {
namespace {

using alerting::MattermostConfig;

constexpr size_t kMaxMattermostText = 16383;

void WriteMattermostAttachment(const alerting::MattermostAttachment& attachment, Expander* texts,
                               JsonWriter* json) {
  json->BeginObject();
  const auto field = [&](std::string_view name, const std::string& text) {
    json->FieldIfAny(name, texts->Text(text));
  };
  field("fallback", attachment.fallback);
  field("color", attachment.color);
  field("pretext", attachment.pretext);
  field("text", attachment.text);
  field("author_name", attachment.author_name);
  field("author_link", attachment.author_link);
  field("author_icon", attachment.author_icon);
  field("title", attachment.title);
  field("title_link", attachment.title_link);
  if (!attachment.fields.empty()) {
    json->Key("fields").BeginArray();
    for (const alerting::MattermostField& one : attachment.fields) {
      json->BeginObject();
      field("title", one.title);
      field("value", one.value);
      if (one.is_short) json->Flag("short", *one.is_short);
      json->EndObject();
    }
    json->EndArray();
  }
  field("thumb_url", attachment.thumb_url);
  field("footer", attachment.footer);
  field("footer_icon", attachment.footer_icon);
  field("image_url", attachment.image_url);
  json->EndObject();
}

// What Mattermost would refuse is put right: only urgent messages are persistent, standard ones are
// not acknowledged, and there are three priorities.
void WritePriority(const MattermostConfig::Priority& priority, Expander* texts, JsonWriter* json) {
  std::string name = AsciiLower(texts->Text(priority.priority));
  if (name != "urgent" && name != "important") name = "standard";
  json->Key("priority").BeginObject();
  json->Field("priority", name);
  json->FlagIfSet("requested_ack", priority.requested_ack && name != "standard");
  json->FlagIfSet("persistent_notifications",
                  priority.persistent_notifications && name == "urgent");
  json->EndObject();
}

class MattermostReceiver final : public SingleRequestReceiver {
 public:
  explicit MattermostReceiver(const MattermostConfig& config) : config_(config) {}

 protected:
  Result<http::ClientRequest> Build(const Message& message) override {
    std::string url =
        TRY(ReadSecret(config_.webhook_url, config_.webhook_url_file, "webhook_url_file"));
    if (url.empty()) return BadData("webhook url missing");
    Expander texts = message.Texts();
    JsonWriter json;
    json.BeginObject();
    json.Field("text", texts.TextInRunes(config_.text, kMaxMattermostText));
    json.FieldIfAny("channel", texts.Text(config_.channel));
    json.FieldIfAny("username", texts.Text(config_.username));
    json.FieldIfAny("icon_url", texts.Text(config_.icon_url));
    json.FieldIfAny("icon_emoji", texts.Text(config_.icon_emoji));
    if (!config_.attachments.empty()) {
      json.Key("attachments").BeginArray();
      for (const auto& one : config_.attachments) WriteMattermostAttachment(one, &texts, &json);
      json.EndArray();
    }
    json.FieldIfAny("type", texts.Text(config_.type));
    if (config_.has_props && !config_.props.card.empty()) {
      json.Key("props").BeginObject();
      json.FieldIfAny("card", texts.Text(config_.props.card)).EndObject();
    }
    if (config_.has_priority && !config_.priority.priority.empty()) {
      WritePriority(config_.priority, &texts, &json);
    }
    json.EndObject();
    TRY(texts.Check());
    return PostJson(std::move(url), json.Take() + "\n");
  }

 private:
  const MattermostConfig config_;
};

}  // namespace

std::unique_ptr<Receiver> MakeMattermost(const MattermostConfig& config, const ReceiverContext&) {
  return std::make_unique<MattermostReceiver>(config);
}

}  // namespace vigil::notify
