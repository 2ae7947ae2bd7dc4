// SPDX-License-Identifier: Apache-2.0
#include "server/notify/receiver.h"

#include <algorithm>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"

namespace vigil::notify {
namespace {

// Of an answer's body, what an error shows.
constexpr size_t kMaxShownBody = 1024;

}  // namespace

class SingleRequestReceiver::OneRequest final : public Delivery {
 public:
  OneRequest(SingleRequestReceiver& receiver, std::shared_ptr<const Message> message)
      : receiver_(receiver), message_(std::move(message)) {}

  Step Next(const Answer* answer) override {
    if (answer == nullptr) {
      Result<http::ClientRequest> request = receiver_.Build(*message_);
      if (!request) return FailWith(request.error());
      return std::move(request).value();
    }
    if (!answer->has_value()) return Finished{JudgeTransport(answer->error()), {}};
    return Finished{receiver_.Judge(**answer), {}};
  }

 private:
  SingleRequestReceiver& receiver_;
  const std::shared_ptr<const Message> message_;
};

std::unique_ptr<Delivery> SingleRequestReceiver::Begin(std::shared_ptr<const Message> message) {
  return std::make_unique<OneRequest>(*this, std::move(message));
}

SendOutcome SingleRequestReceiver::Judge(const http::ClientResponse& response) {
  return JudgeAnswer(response, Clock::System().Now());
}

Step Fail(SendVerdict verdict, std::string error) {
  Finished finished;
  finished.outcome.verdict = verdict;
  finished.outcome.error = std::move(error);
  return finished;
}

Step FailWith(const Error& error) {
  const bool again = error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kTimeout;
  return Fail(again ? SendVerdict::kRetry : SendVerdict::kFinal, error.message);
}

Step Sent(StringMap receiver_data) { return Finished{SendOutcome(), std::move(receiver_data)}; }

SendOutcome JudgeAnswer(const http::ClientResponse& response, TimestampMs now,
                        std::span<const int> also_retry) {
  SendOutcome outcome;
  outcome.status = response.status;
  outcome.verdict = alerting::JudgeStatus(response.status, also_retry);
  if (outcome.verdict == SendVerdict::kSent) return outcome;
  outcome.error = "unexpected status code " + std::to_string(response.status);
  if (!response.body.empty()) outcome.error += ": " + response.body.substr(0, kMaxShownBody);
  if (outcome.verdict == SendVerdict::kRetry) {
    outcome.retry_after = alerting::ParseRetryAfter(response.headers.Get("Retry-After"), now);
  }
  return outcome;
}

SendOutcome JudgeTransport(const Error& error) {
  SendOutcome outcome;
  outcome.verdict = SendVerdict::kRetry;
  outcome.error = RedactUrl(error.message);
  return outcome;
}

std::string RedactUrl(std::string_view error) {
  const size_t open = error.find('"');
  if (open == std::string_view::npos) return std::string(error);
  const size_t close = error.find("\": ", open + 1);
  const std::string_view quoted = error.substr(open, std::min(close, error.size()) - open);
  if (close == std::string_view::npos || quoted.find("://") == std::string_view::npos) {
    return std::string(error);
  }
  return std::string(error.substr(0, open + 1)) + "<redacted>" + std::string(error.substr(close));
}

http::ClientRequest PostJson(std::string url, std::string body) {
  http::ClientRequest request;
  request.method = "POST";
  request.url = std::move(url);
  request.headers.Set("Content-Type", "application/json");
  request.body = std::move(body);
  return request;
}

Result<std::string> ReadSecret(const config::Secret& secret, const std::string& file,
                               std::string_view what) {
  if (file.empty()) return secret.value;
  const std::string text = TRY_CONTEXT(ReadFile(file), "read " + std::string(what));
  return std::string(TrimSpace(text));
}

}  // namespace vigil::notify
