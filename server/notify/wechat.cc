// SPDX-License-Identifier: Apache-2.0
// wechat: fetches a token that is good for two hours, then posts with it.
#include "client-lib/base/json_value.h"
#include "server/notify/json_writer.h"
#include "server/notify/list.h"
#include "server/notify/url.h"

namespace vigil::notify {
namespace {

constexpr int64_t kWechatTokenNs = 2 * 3600 * int64_t{1'000'000'000};

struct WechatToken {
  std::string text;  // empty: none
  int64_t fetched_ns = 0;
};

// The token ran out, or is no longer known.
bool IsOldToken(std::string_view code) { return code == "42001" || code == "40014"; }

class WechatDelivery final : public Delivery {
 public:
  WechatDelivery(const alerting::WechatConfig& config, std::shared_ptr<const Message> message,
                 const Clock& clock, WechatToken* token)
      : config_(config), message_(std::move(message)), clock_(clock), token_(token) {}

  Step Next(const Answer* answer) override {
    if (answer == nullptr) {
      const bool old = clock_.MonotonicNs() - token_->fetched_ns > kWechatTokenNs;
      return token_->text.empty() || old ? AskForToken() : Post();
    }
    if (!answer->has_value()) return Finished{JudgeTransport(answer->error()), {}};
    return posted_ ? Judge(**answer) : TakeToken(**answer);
  }

 private:
  Step AskForToken() {
    const auto secret = ReadSecret(config_.api_secret, config_.api_secret_file, "api_secret_file");
    if (!secret) return FailWith(secret.error());
    Expander texts = message_->Texts();
    http::ClientRequest request;
    request.url = AddQuery(config_.api_url + "gettoken", {{"corpsecret", texts.Text(*secret)},
                                                          {"corpid", texts.Text(config_.corp_id)}});
    if (const auto checked = texts.Check(); !checked) return FailTemplate(checked.error());
    return request;
  }

  Step TakeToken(const http::ClientResponse& response) {
    SendOutcome outcome = JudgeAnswer(response, clock_.Now());
    if (outcome.verdict == SendVerdict::kRetry) return Finished{std::move(outcome), {}};
    const auto json = ParseJson(response.body);
    if (!json) return Fail(SendVerdict::kFinal, json.error().message);
    token_->text = (*json)["access_token"].text;
    token_->fetched_ns = clock_.MonotonicNs();
    if (token_->text.empty()) {
      return Fail(SendVerdict::kFinal, "invalid APISecret for CorpID: " + config_.corp_id);
    }
    return Post();
  }

  Step Post() {
    posted_ = true;
    Expander texts = message_->Texts();
    const bool markdown = config_.message_type == "markdown";
    const std::string text = texts.Text(config_.message);
    JsonWriter json;
    json.BeginObject();
    json.Key("text").BeginObject().Field("content", markdown ? "" : text).EndObject();
    json.FieldIfAny("touser", texts.Text(config_.to_user));
    json.FieldIfAny("toparty", texts.Text(config_.to_party));
    json.FieldIfAny("totag", texts.Text(config_.to_tag));
    json.FieldIfAny("agentid", texts.Text(config_.agent_id));
    json.Field("safe", "0").FieldIfAny("msgtype", config_.message_type);
    json.Key("markdown").BeginObject().Field("content", markdown ? text : "").EndObject();
    json.EndObject();
    if (const auto checked = texts.Check(); !checked) return FailTemplate(checked.error());
    return PostJson(AddQuery(config_.api_url + "message/send", {{"access_token", token_->text}}),
                    json.Take() + "\n");
  }

  Step Judge(const http::ClientResponse& response) {
    SendOutcome outcome;
    outcome.status = response.status;
    outcome.verdict = SendVerdict::kRetry;
    if (response.status != 200) {
      outcome = JudgeAnswer(response, clock_.Now());
      outcome.verdict = SendVerdict::kRetry;
      outcome.error = "unexpected status code " + std::to_string(response.status);
      return Finished{std::move(outcome), {}};
    }
    const auto json = ParseJson(response.body);
    if (!json) {
      outcome.error = json.error().message;
      return Finished{std::move(outcome), {}};
    }
    const std::string& code = (*json)["errcode"].text;
    if (code.empty() || code == "0") {
      outcome.verdict = SendVerdict::kSent;
      return Finished{std::move(outcome), {}};
    }
    if (IsOldToken(code)) {
      token_->text.clear();
    } else {
      outcome.verdict = SendVerdict::kFinal;
    }
    outcome.error = (*json)["errmsg"].text;
    return Finished{std::move(outcome), {}};
  }

  static Step FailTemplate(const Error& error) {
    return FailWith(error.Prefixed("templating error"));
  }

  const alerting::WechatConfig& config_;
  const std::shared_ptr<const Message> message_;
  const Clock& clock_;
  WechatToken* const token_;  // of the receiver
  bool posted_ = false;
};

class WechatReceiver final : public Receiver {
 public:
  WechatReceiver(const alerting::WechatConfig& config, const Clock& clock)
      : config_(config), clock_(clock) {}
  std::unique_ptr<Delivery> Begin(std::shared_ptr<const Message> message) override {
    return std::make_unique<WechatDelivery>(config_, std::move(message), clock_, &token_);
  }

 private:
  const alerting::WechatConfig config_;
  const Clock& clock_;
  WechatToken token_;
};

}  // namespace

std::unique_ptr<Receiver> MakeWechat(const alerting::WechatConfig& config,
                                     const ReceiverContext& context) {
  return std::make_unique<WechatReceiver>(config, context.clock);
}

}  // namespace vigil::notify
