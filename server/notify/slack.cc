// SPDX-License-Identifier: Apache-2.0
// slack: a message with one attachment, posted to a webhook or with a bot's token; with
// update_message the message of the group is changed instead of posting another.
#include "client-lib/base/json_value.h"
#include "client-lib/base/strings.h"
#include "server/notify/json_writer.h"
#include "server/notify/list.h"

namespace vigil::notify {
namespace {

using alerting::SlackAction;
using alerting::SlackConfig;

constexpr size_t kMaxSlackTitleRunes = 1024;
// What the integration notes of the message it posted; the names are upstream's.
constexpr const char* kNoteTimestamp = "threadTs";
constexpr const char* kNoteChannel = "channelId";

void WriteAction(const SlackAction& action, Expander* texts, JsonWriter* json) {
  json->BeginObject();
  json->Field("type", texts->Text(action.type)).Field("text", texts->Text(action.text));
  json->FieldIfAny("url", texts->Text(action.url));
  json->FieldIfAny("style", texts->Text(action.style));
  json->FieldIfAny("name", texts->Text(action.name));
  json->FieldIfAny("value", texts->Text(action.value));
  if (action.has_confirm) {
    json->Key("confirm").BeginObject();
    json->Field("text", texts->Text(action.confirm.text));
    json->FieldIfAny("title", texts->Text(action.confirm.title));
    json->FieldIfAny("ok_text", texts->Text(action.confirm.ok_text));
    json->FieldIfAny("dismiss_text", texts->Text(action.confirm.dismiss_text));
    json->EndObject();
  }
  json->EndObject();
}

void WriteFields(const SlackConfig& config, Expander* texts, JsonWriter* json) {
  if (config.fields.empty()) return;
  json->Key("fields").BeginArray();
  for (const alerting::SlackField& field : config.fields) {
    json->BeginObject();
    json->FieldIfAny("title", texts->Text(field.title));
    json->FieldIfAny("value", texts->Text(field.value));
    json->Flag("short", field.is_short.value_or(config.short_fields)).EndObject();
  }
  json->EndArray();
}

void WriteAttachment(const SlackConfig& config, Expander* texts, JsonWriter* json) {
  json->BeginObject();
  json->FieldIfAny("title", texts->TextInRunes(config.title, kMaxSlackTitleRunes));
  json->FieldIfAny("title_link", texts->Text(config.title_link));
  json->FieldIfAny("pretext", texts->Text(config.pretext));
  json->Field("text", texts->Text(config.text));
  json->Field("fallback", texts->Text(config.fallback));
  json->Field("callback_id", texts->Text(config.callback_id));
  WriteFields(config, texts, json);
  if (!config.actions.empty()) {
    json->Key("actions").BeginArray();
    for (const SlackAction& action : config.actions) WriteAction(action, texts, json);
    json->EndArray();
  }
  json->FieldIfAny("image_url", texts->Text(config.image_url));
  json->FieldIfAny("thumb_url", texts->Text(config.thumb_url));
  json->Field("footer", texts->Text(config.footer));
  json->FieldIfAny("color", texts->Text(config.color));
  json->Key("mrkdwn_in").BeginArray();
  static const std::vector<std::string> kUsual = {"fallback", "pretext", "text"};
  for (const std::string& part : config.mrkdwn_in.empty() ? kUsual : config.mrkdwn_in) {
    json->String(part);
  }
  json->EndArray().EndObject();
}

// The answer has status 2xx. Slack says what it thinks of a message in the body.
SendOutcome JudgeBody(const http::ClientResponse& response, JsonValue* json) {
  SendOutcome outcome;
  outcome.status = response.status;
  outcome.verdict = SendVerdict::kFinal;
  if (!response.content_type.starts_with("application/json")) {
    if (response.body == "ok") outcome.verdict = SendVerdict::kSent;
    if (response.body != "ok") {
      outcome.error = "received an error response from Slack: " + response.body;
    }
    return outcome;
  }
  auto parsed = ParseJson(response.body);
  if (!parsed) {
    outcome.verdict = SendVerdict::kRetry;
    outcome.error =
        "could not unmarshal JSON response " + Quote(response.body) + ": " + parsed.error().message;
    return outcome;
  }
  *json = std::move(parsed).value();
  if ((*json)["ok"].text == "true") {
    outcome.verdict = SendVerdict::kSent;
  } else {
    outcome.error = "error response from Slack: " + (*json)["error"].text;
  }
  return outcome;
}

class SlackDelivery final : public Delivery {
 public:
  SlackDelivery(const SlackConfig& config, std::shared_ptr<const Message> message,
                const Clock& clock)
      : config_(config), message_(std::move(message)), clock_(clock) {}

  Step Next(const Answer* answer) override {
    if (answer == nullptr) return Begin();
    if (!answer->has_value()) return Finished{JudgeTransport(answer->error()), {}};
    SendOutcome outcome = JudgeAnswer(**answer, clock_.Now());
    JsonValue json;
    if (outcome.verdict == SendVerdict::kSent) outcome = JudgeBody(**answer, &json);
    if (updating_ && IsGone(json["error"].text)) {
      // Somebody deleted the message: the group gets another.
      updating_ = false;
      return Post();
    }
    if (outcome.verdict != SendVerdict::kSent) {
      outcome.error = "channel " + Quote(Channel()) + ": " + outcome.error;
      return Finished{std::move(outcome), {}};
    }
    return Finished{std::move(outcome), Notes(json)};
  }

 private:
  static bool IsGone(std::string_view error) {
    return error == "message_not_found" || error == "cant_update_message" ||
           error == "edit_window_closed";
  }

  Step Begin() {
    const StringMap& notes = message_->out.receiver_data;
    const auto timestamp = notes.find(kNoteTimestamp);
    const auto channel = notes.find(kNoteChannel);
    // A group that fires after everything was over is news: it gets a message of its own.
    if (config_.update_message && message_->out.reason != alerting::NotifyReason::kFirst &&
        timestamp != notes.end() && channel != notes.end() && !timestamp->second.empty()) {
      updating_ = true;
      timestamp_ = timestamp->second;
      update_channel_ = channel->second;
    }
    auto url = ReadSecret(config_.api_url, config_.api_url_file, "api_url_file");
    if (!url) return FailWith(url.error());
    url_ = std::move(url).value();
    Expander texts = message_->Texts();
    channel_ = texts.Text(config_.channel);
    WriteRest(&texts);
    if (const auto checked = texts.Check(); !checked) return FailWith(checked.error());
    return Post();
  }

  // What stands behind the channel, in a post and in an update alike.
  void WriteRest(Expander* texts) {
    JsonWriter json;
    json.BeginObject();
    json.FieldIfAny("username", texts->Text(config_.username));
    json.FieldIfAny("icon_emoji", texts->Text(config_.icon_emoji));
    json.FieldIfAny("icon_url", texts->Text(config_.icon_url));
    json.FlagIfSet("link_names", config_.link_names);
    json.FieldIfAny("text", texts->Text(config_.message_text));
    json.Key("attachments").BeginArray();
    WriteAttachment(config_, texts, &json);
    json.EndArray().EndObject();
    rest_ = json.Take().substr(1);
  }

  [[nodiscard]] const std::string& Channel() const {
    return updating_ ? update_channel_ : channel_;
  }

  Step Post() const {
    JsonWriter head;
    head.BeginObject();
    head.FieldIfAny("channel", Channel());
    if (updating_) head.Field("ts", timestamp_);
    std::string body = head.Take();
    if (body.size() > 1) body += ',';
    return PostJson(updating_ ? UpdateUrl() : url_, body + rest_ + "\n");
  }

  // https://slack.com/api/chat.postMessage -> https://slack.com/api/chat.update
  [[nodiscard]] std::string UpdateUrl() const {
    return url_.substr(0, url_.rfind('/') + 1) + "chat.update";
  }

  [[nodiscard]] StringMap Notes(const JsonValue& answer) const {
    if (!config_.update_message) return {};
    const std::string& timestamp = answer["ts"].text;
    const std::string& channel = answer["channel"].text;
    if (timestamp.empty() || channel.empty()) return message_->out.receiver_data;
    return {{kNoteTimestamp, timestamp}, {kNoteChannel, channel}};
  }

  const SlackConfig& config_;
  const std::shared_ptr<const Message> message_;
  const Clock& clock_;
  std::string url_;
  std::string channel_;
  std::string rest_;  // of the payload
  bool updating_ = false;
  std::string timestamp_;
  std::string update_channel_;
};

class SlackReceiver final : public Receiver {
 public:
  SlackReceiver(const SlackConfig& config, const Clock& clock) : config_(config), clock_(clock) {}
  std::unique_ptr<Delivery> Begin(std::shared_ptr<const Message> message) override {
    return std::make_unique<SlackDelivery>(config_, std::move(message), clock_);
  }
  [[nodiscard]] DurationMs timeout() const override { return config_.timeout; }

 private:
  const SlackConfig config_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<Receiver> MakeSlack(const SlackConfig& config, const ReceiverContext& context) {
  return std::make_unique<SlackReceiver>(config, context.clock);
}

}  // namespace vigil::notify
