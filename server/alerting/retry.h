// SPDX-License-Identifier: Apache-2.0
// When a notification that failed is tried again.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "client-lib/base/clock.h"
#include "client-lib/model/duration.h"

namespace vigil::alerting {

enum class SendVerdict { kSent, kRetry, kFinal };

// What a try came to.
struct SendOutcome {
  SendVerdict verdict = SendVerdict::kSent;
  // The receiver's wish, from now.
  std::optional<DurationMs> retry_after;
  // What went wrong, in one sentence; empty when it was sent.
  std::string error;
  int status = 0;  // of HTTP; 0: no answer, or no HTTP
};

// 2xx is sent; 429, 5xx and the codes of `also_retry` are tried again; the rest is final. Upstream
// takes 429 as final for most types: here its Retry-After is honoured.
SendVerdict JudgeStatus(int status, std::span<const int> also_retry);

// The value of a Retry-After header: seconds, or an HTTP date (RFC 9110). Nothing when it is
// neither; a date that has passed is 0.
std::optional<DurationMs> ParseRetryAfter(std::string_view value, TimestampMs now);

// The time of the try after `tries` tries (at least one): half a second, growing by half up to a
// minute, each spread by `jitter` in [0, 1) over half to one and a half, and not before the
// receiver's wish. Nothing when that is behind the deadline.
std::optional<TimestampMs> NextTry(size_t tries, const SendOutcome& outcome, TimestampMs now,
                                   TimestampMs deadline, double jitter);

}  // namespace vigil::alerting
