// SPDX-License-Identifier: Apache-2.0
// sns: Publish of the Query API (2010-03-31), signed with Signature Version 4.
#include "client-lib/base/strings.h"
#include "server/notify/aws_credentials.h"
#include "server/notify/incident.h"
#include "server/notify/list.h"
#include "server/notify/url.h"
#include "server/template/rune.h"

namespace vigil::notify {
namespace {

constexpr size_t kMaxSnsBytes = 256 << 10;
constexpr size_t kMaxSmsBytes = 1600;

// The first whole characters.
std::string FirstBytes(const std::string& text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = 0;
  for (;;) {
    const size_t size = tmpl::DecodeRune(std::string_view(text).substr(end)).size;
    if (end + size > max_bytes) return text.substr(0, end);
    end += size;
  }
}

// AWS says in its error's code that it is asked too often, with a status that says otherwise.
bool IsThrottled(std::string_view code) {
  return code.starts_with("Throttl") || code == "TooManyRequestsException" ||
         code == "RequestLimitExceeded" || code == "SlowDown";
}

SendOutcome JudgeAws(const http::ClientResponse& response, TimestampMs now) {
  const std::string text = XmlText(response.body, "Message");
  SendOutcome outcome = JudgeWithDetails(response, text.empty() ? response.body : text, now);
  if (outcome.verdict == SendVerdict::kFinal && IsThrottled(XmlText(response.body, "Code"))) {
    outcome.verdict = SendVerdict::kRetry;
  }
  return outcome;
}

class SnsReceiver final : public Receiver {
 public:
  SnsReceiver(const alerting::SnsConfig& config, const Clock& clock)
      : config_(config), clock_(clock), source_(config.sigv4, clock) {}

  std::unique_ptr<Delivery> Begin(std::shared_ptr<const Message> message) override {
    return std::make_unique<Publish>(*this, std::move(message));
  }

 private:
  // Keys first, where they must be asked for.
  class Publish final : public Delivery {
   public:
    Publish(SnsReceiver& receiver, std::shared_ptr<const Message> message)
        : receiver_(receiver), message_(std::move(message)) {}

    Step Next(const Answer* answer) override {
      if (answer == nullptr) return AskOrSend();
      if (!answer->has_value()) return Finished{JudgeTransport(answer->error()), {}};
      SendOutcome outcome = JudgeAws(**answer, receiver_.clock_.Now());
      if (!asks_for_keys_) return Finished{std::move(outcome), {}};
      if (outcome.verdict != SendVerdict::kSent) {
        outcome.error = "failed to get AWS credentials: " + outcome.error;
        return Finished{std::move(outcome), {}};
      }
      const Result<void> taken = receiver_.source_.Take(**answer);
      return taken ? AskOrSend() : FailWith(taken.error());
    }

   private:
    Step AskOrSend() {
      auto request = receiver_.source_.Request();
      if (!request) return FailWith(request.error());
      asks_for_keys_ = request->has_value();
      if (asks_for_keys_) return **std::move(request);
      return Send();
    }

    Step Send() {
      auto request = receiver_.Request(*message_);
      if (!request) return FailWith(request.error());
      return std::move(request).value();
    }

    SnsReceiver& receiver_;
    const std::shared_ptr<const Message> message_;
    bool asks_for_keys_ = false;
  };

  Result<http::ClientRequest> Request(const Message& message) const {
    Expander texts = message.Texts();
    std::vector<std::pair<std::string, std::string>> form = TRY(Form(message, &texts));
    const std::string region = TRY(source_.Region());
    std::string url = texts.Text(config_.api_url);
    TRY_CONTEXT(texts.Check(), "execute 'api_url' template");
    if (url.empty()) url = AwsCredentialSource::Endpoint("sns", region);
    http::ClientRequest request;
    request.method = "POST";
    request.url = std::move(url);
    request.headers.Set("Content-Type", "application/x-www-form-urlencoded");
    request.body = EncodeQuery(std::move(form));
    const http::AwsCredentials keys = TRY(source_.Get());
    http::SignAwsRequest(keys, region, "sns", clock_.Now(), &request);
    return request;
  }

  Result<std::vector<std::pair<std::string, std::string>>> Form(const Message& message,
                                                                Expander* texts) const {
    std::vector<std::pair<std::string, std::string>> form = {{"Action", "Publish"},
                                                             {"Version", "2010-03-31"}};
    StringMap attributes;
    for (const auto& [name, text] : config_.attributes) {
      attributes[texts->Text(name)] = texts->Text(text);
    }
    TRY_CONTEXT(texts->Check(), "execute 'attributes' template");
    const auto add = [&](const char* key, const char* name,
                         const std::string& text) -> Result<std::string> {
      std::string value = texts->Text(text);
      TRY_CONTEXT(texts->Check(), "execute '" + std::string(name) + "' template");
      if (!text.empty()) form.emplace_back(key, value);
      return value;
    };
    const std::string topic = TRY(add("TopicArn", "topic_arn", config_.topic_arn));
    if (topic.ends_with(".fifo")) {
      form.emplace_back("MessageDeduplicationId", message.key_hash);
      form.emplace_back("MessageGroupId", message.key_hash);
    }
    TRY(add("PhoneNumber", "phone_number", config_.phone_number));
    TRY(add("TargetArn", "target_arn", config_.target_arn));
    TRY(add("Subject", "subject", config_.subject));
    const std::string text = texts->Text(config_.message);
    TRY_CONTEXT(texts->Check(), "execute 'message' template");
    if (!IsValidUtf8(text)) return BadData("non utf8 encoded message string");
    std::string sent = FirstBytes(text, config_.phone_number.empty() ? kMaxSnsBytes : kMaxSmsBytes);
    if (sent.size() < text.size()) attributes["truncated"] = "true";
    form.emplace_back("Message", std::move(sent));
    size_t number = 0;
    for (const auto& [name, value] : attributes) {
      const std::string entry = "MessageAttributes.entry." + std::to_string(++number) + ".";
      form.emplace_back(entry + "Name", name);
      form.emplace_back(entry + "Value.DataType", "String");
      form.emplace_back(entry + "Value.StringValue", value);
    }
    return form;
  }

  const alerting::SnsConfig config_;
  const Clock& clock_;
  AwsCredentialSource source_;
};

}  // namespace

std::unique_ptr<Receiver> MakeSns(const alerting::SnsConfig& config,
                                  const ReceiverContext& context) {
  return std::make_unique<SnsReceiver>(config, context.clock);
}

}  // namespace vigil::notify
