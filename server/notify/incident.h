// SPDX-License-Identifier: Apache-2.0
// What the receivers of incident services have in common.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/json_value.h"
#include "server/notify/receiver.h"

namespace vigil::notify {

// Requests one after the other: the first that is not taken ends the way.
class RequestChain final : public Delivery {
 public:
  // The clock must outlive it.
  RequestChain(std::vector<http::ClientRequest> requests, const Clock& clock)
      : requests_(std::move(requests)), clock_(clock) {}

  Step Next(const Answer* answer) override;

 private:
  std::vector<http::ClientRequest> requests_;
  const Clock& clock_;
  size_t next_ = 0;
};

// A delivery that is over before it begins: a template or a secret file is wrong.
class NoDelivery final : public Delivery {
 public:
  explicit NoDelivery(Error error) : error_(std::move(error)) {}
  Step Next(const Answer*) override { return FailWith(error_); }

 private:
  const Error error_;
};

// JudgeAnswer, but what an error shows of the body is `details`: nothing when it is empty.
SendOutcome JudgeWithDetails(http::ClientResponse response, std::string details, TimestampMs now,
                             std::span<const int> also_retry = {});

// The texts of an array, joined.
std::string JoinTexts(const JsonValue& array, std::string_view separator);

}  // namespace vigil::notify
