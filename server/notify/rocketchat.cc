// SPDX-License-Identifier: Apache-2.0
// rocketchat: chat.postMessage with one attachment.
#include "client-lib/base/json_value.h"
#include "client-lib/base/strings.h"
#include "server/notify/json_writer.h"
#include "server/notify/list.h"
#include "server/notify/url.h"

namespace vigil::notify {
namespace {

using alerting::RocketchatConfig;

constexpr size_t kMaxRocketchatTitle = 1024;

void WriteRocketchatAction(const alerting::RocketchatAction& action, Expander* texts,
                           JsonWriter* json) {
  json->BeginObject();
  json->Field("type", "button");  // there is no other
  json->FieldIfAny("text", texts->Text(action.text));
  json->FieldIfAny("url", texts->Text(action.url));
  json->FieldIfAny("image_url", texts->Text(action.image_url));
  json->Flag("is_webview", action.is_webview);
  json->FieldIfAny("webview_height_ratio", action.webview_height_ratio);
  json->FieldIfAny("msg", texts->Text(action.msg));
  json->Flag("msg_in_chat_window", action.msg_in_chat_window);
  json->FieldIfAny("msg_processing_type", action.msg_processing_type);
  json->EndObject();
}

void WriteRocketchatAttachment(const RocketchatConfig& config, Expander* texts, JsonWriter* json) {
  json->BeginObject();
  json->FieldIfAny("title", texts->TextInRunes(config.title, kMaxRocketchatTitle));
  json->FieldIfAny("title_link", texts->Text(config.title_link));
  json->FieldIfAny("text", texts->Text(config.text));
  json->FieldIfAny("image_url", texts->Text(config.image_url));
  json->FieldIfAny("thumb_url", texts->Text(config.thumb_url));
  json->FieldIfAny("color", texts->Text(config.color));
  if (!config.fields.empty()) {
    json->Key("fields").BeginArray();
    for (const alerting::RocketchatField& field : config.fields) {
      json->BeginObject().Flag("short", field.is_short.value_or(config.short_fields));
      json->FieldIfAny("title", texts->Text(field.title));
      json->FieldIfAny("value", texts->Text(field.value)).EndObject();
    }
    json->EndArray();
  }
  if (!config.actions.empty()) {
    json->Key("actions").BeginArray();
    for (const auto& action : config.actions) WriteRocketchatAction(action, texts, json);
    json->EndArray();
  }
  json->EndObject();
}

class RocketchatDelivery final : public Delivery {
 public:
  RocketchatDelivery(const RocketchatConfig& config, std::shared_ptr<const Message> message,
                     const Clock& clock)
      : config_(config), message_(std::move(message)), clock_(clock) {}

  Step Next(const Answer* answer) override {
    if (answer == nullptr) {
      auto request = Build();
      if (!request) return FailWith(request.error());
      return std::move(request).value();
    }
    if (!answer->has_value()) return Finished{JudgeTransport(answer->error()), {}};
    SendOutcome outcome = Judge(**answer);
    if (!outcome.error.empty()) outcome.error = "channel " + Quote(channel_) + ": " + outcome.error;
    return Finished{std::move(outcome), {}};
  }

 private:
  Result<http::ClientRequest> Build() {
    Expander texts = message_->Texts();
    channel_ = texts.Text(config_.channel);
    JsonWriter json;
    json.BeginObject().FieldIfAny("channel", channel_);
    json.FieldIfAny("emoji", texts.Text(config_.emoji));
    json.FieldIfAny("avatar", texts.Text(config_.icon_url));
    json.Key("attachments").BeginArray();
    WriteRocketchatAttachment(config_, &texts, &json);
    json.EndArray().EndObject();
    TRY(texts.Check());
    std::string token = TRY(ReadSecret(config_.token, config_.token_file, "token_file"));
    std::string user = TRY(ReadSecret(config_.token_id, config_.token_id_file, "token_id_file"));
    http::ClientRequest request =
        PostJson(JoinPath(config_.api_url, "api/v1/chat.postMessage"), json.Take() + "\n");
    request.headers.Set("X-Auth-Token", std::move(token));
    request.headers.Set("X-User-Id", std::move(user));
    return request;
  }

  // Errors come with status 200, too.
  [[nodiscard]] SendOutcome Judge(const http::ClientResponse& response) const {
    SendOutcome outcome = JudgeAnswer(response, clock_.Now());
    if (outcome.verdict != SendVerdict::kSent) return outcome;
    const auto json = ParseJson(response.body);
    if (!json) {
      outcome.verdict = SendVerdict::kRetry;
      outcome.error =
          "could not unmarshal JSON response " + Quote(response.body) + ": " + json.error().message;
    } else if ((*json)["success"].text != "true") {
      outcome.verdict = SendVerdict::kFinal;
      outcome.error = "error response from Rocketchat: " + (*json)["error"].text;
    }
    return outcome;
  }

  const RocketchatConfig& config_;
  const std::shared_ptr<const Message> message_;
  const Clock& clock_;
  std::string channel_;
};

class RocketchatReceiver final : public Receiver {
 public:
  RocketchatReceiver(const RocketchatConfig& config, const Clock& clock)
      : config_(config), clock_(clock) {}
  std::unique_ptr<Delivery> Begin(std::shared_ptr<const Message> message) override {
    return std::make_unique<RocketchatDelivery>(config_, std::move(message), clock_);
  }

 private:
  const RocketchatConfig config_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<Receiver> MakeRocketchat(const RocketchatConfig& config,
                                         const ReceiverContext& context) {
  return std::make_unique<RocketchatReceiver>(config, context.clock);
}

}  // namespace vigil::notify
