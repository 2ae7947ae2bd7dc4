// SPDX-License-Identifier: Apache-2.0
#include "server/notify/incident.h"

#include "client-lib/base/strings.h"

namespace vigil::notify {

Step RequestChain::Next(const Answer* answer) {
  if (answer != nullptr) {
    if (!answer->has_value()) return Finished{JudgeTransport(answer->error()), {}};
    SendOutcome outcome = JudgeAnswer(**answer, clock_.Now());
    if (outcome.verdict != SendVerdict::kSent || next_ == requests_.size()) {
      return Finished{std::move(outcome), {}};
    }
  }
  return std::move(requests_[next_++]);
}

SendOutcome JudgeWithDetails(http::ClientResponse response, std::string details, TimestampMs now,
                             std::span<const int> also_retry) {
  response.body = std::move(details);
  return JudgeAnswer(response, now, also_retry);
}

std::string JoinTexts(const JsonValue& array, std::string_view separator) {
  std::vector<std::string> texts;
  for (const JsonValue& item : array.items) texts.push_back(item.text);
  return Join(texts, separator);
}

}  // namespace vigil::notify
