// SPDX-License-Identifier: Apache-2.0
// telegram: sendMessage of the bot API. Whatever goes wrong is tried again, as upstream does it.
#include "client-lib/base/json_value.h"
#include "client-lib/base/strings.h"
#include "server/notify/json_writer.h"
#include "server/notify/list.h"
#include "server/notify/url.h"
#include "server/template/rune.h"

namespace vigil::notify {
namespace {

constexpr size_t kMaxTelegramRunes = 4096;   // of what is seen
constexpr size_t kMaxTelegramBytes = 32768;  // with its tags
constexpr const char* kTelegramTooLong =
    "Alertmanager notification could not be sent: message length exceeds Telegram limits.\n"
    "Please check the template used for producing the message content.";

// The length of the entity that the text begins with; 0 when it is none for Telegram.
size_t EntityLength(std::string_view text) {
  const size_t end = text.substr(0, 10).find(';');
  if (end == std::string_view::npos) return 0;
  const std::string_view name = text.substr(1, end - 1);
  const bool known = name == "lt" || name == "gt" || name == "amp" || name == "quot";
  const bool number = name.size() > 1 && name[0] == '#' &&
                      name.find_first_not_of("0123456789abcdefABCDEFx", 1) == name.npos;
  return known || number ? end + 1 : 0;
}

// Characters that are seen: tags are not, an entity is one.
size_t VisibleRunes(std::string_view html) {
  size_t count = 0;
  for (size_t at = 0; at < html.size();) {
    const size_t close = html[at] == '<' ? html.find('>', at) : std::string_view::npos;
    if (close != std::string_view::npos) {
      at = close + 1;
      continue;
    }
    const size_t entity = html[at] == '&' ? EntityLength(html.substr(at)) : 0;
    at += entity > 0 ? entity : tmpl::DecodeRune(html.substr(at)).size;
    ++count;
  }
  return count;
}

class TelegramReceiver final : public SingleRequestReceiver {
 public:
  TelegramReceiver(const alerting::TelegramConfig& config, const Clock& clock)
      : config_(config), clock_(clock) {}

 protected:
  Result<http::ClientRequest> Build(const Message& message) override {
    Expander texts = message.Texts();
    const std::string text = Text(&texts);
    TRY(texts.Check());
    auto token = ReadSecret(config_.bot_token, config_.bot_token_file, "bot_token_file");
    if (!token) return Unavailable(token.error().message);
    const std::string chat = TRY(ChatId());
    // The bot API takes texts for all of them.
    JsonWriter json;
    json.BeginObject().Field("chat_id", chat);
    if (config_.disable_notifications) json.Field("disable_notification", "true");
    json.Field("disable_web_page_preview", "true");
    if (config_.message_thread_id != 0) {
      json.Field("message_thread_id", std::to_string(config_.message_thread_id));
    }
    json.FieldIfAny("parse_mode", config_.parse_mode).Field("text", text).EndObject();
    return PostJson(JoinPath(config_.api_url, "bot" + *token + "/sendMessage"), json.Take());
  }

  SendOutcome Judge(const http::ClientResponse& response) override {
    SendOutcome outcome = JudgeAnswer(response, clock_.Now());
    const auto json = ParseJson(response.body);
    const bool ok = json && (*json)["ok"].text == "true";
    if (outcome.verdict == SendVerdict::kSent && ok) return outcome;
    outcome.verdict = SendVerdict::kRetry;
    if (!json) {
      if (outcome.error.empty()) outcome.error = "telegram: the answer is no JSON";
      return outcome;
    }
    outcome.error =
        "telegram: " + (*json)["description"].text + " (" + (*json)["error_code"].text + ")";
    const auto wait = ParseUint((*json)["parameters"]["retry_after"].text);
    if (wait && *wait < 86'400) outcome.retry_after = static_cast<DurationMs>(*wait) * 1000;
    return outcome;
  }

 private:
  std::string Text(Expander* texts) const {
    if (config_.parse_mode != "HTML") {
      return texts->TextInRunes(config_.message, kMaxTelegramRunes);
    }
    // Cut HTML might lack an end tag, and Telegram would refuse it.
    bool cut = false;
    std::string text = texts->StartOfHtml(config_.message, kMaxTelegramBytes + 1, &cut);
    const bool fits =
        !cut && text.size() <= kMaxTelegramBytes && VisibleRunes(text) <= kMaxTelegramRunes;
    return fits ? text : kTelegramTooLong;
  }

  [[nodiscard]] Result<std::string> ChatId() const {
    if (config_.chat_id_file.empty()) return std::to_string(config_.chat_id);
    auto text = ReadSecret({}, config_.chat_id_file, "chat_id_file");
    if (!text) return Unavailable(text.error().message);
    const std::string_view digits = std::string_view(*text).substr(text->starts_with('-') ? 1 : 0);
    if (!ParseUint(digits)) {
      return Unavailable("could not parse chat_id from " + config_.chat_id_file);
    }
    return text;
  }

  const alerting::TelegramConfig config_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<Receiver> MakeTelegram(const alerting::TelegramConfig& config,
                                       const ReceiverContext& context) {
  return std::make_unique<TelegramReceiver>(config, context.clock);
}

}  // namespace vigil::notify
