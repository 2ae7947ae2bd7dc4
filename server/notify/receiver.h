// SPDX-License-Identifier: Apache-2.0
// What a type of receiver is: something that says, step by step, which requests bring a message to
// its service, and judges the answers. It sends nothing itself (see http_notifier.h).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>

#include "client-lib/http/client.h"
#include "server/alerting/receiver_config.h"
#include "server/alerting/retry.h"
#include "server/notify/message.h"

namespace vigil::notify {

using alerting::SendOutcome;
using alerting::SendVerdict;
using alerting::StringMap;

// The end of a message's way, and what the integration notes for the next message of the group.
struct Finished {
  SendOutcome outcome;
  StringMap receiver_data;
};

// Work that no HTTP request is: it runs on a thread of its own, once, and gives the end. It must
// keep to the time limit and end soon after the token is stopped.
struct Blocking {
  std::function<Finished(int64_t timeout_ms, const std::stop_token& stop)> work;
};

// What happens next: a request, whose answer is brought, work that blocks, or the end. Of the
// request the receiver sets method, URL, headers and body; credentials, proxy and time limit are
// added by http_config.
using Step = std::variant<http::ClientRequest, Finished, Blocking>;

// What came back: an HTTP answer of any status, or why there is none (timeout, unavailable).
using Answer = Result<http::ClientResponse>;

// One message on its way. A step machine: Next(null) is the first step, then each answer is given
// to Next until it says Finished. It must not outlive its receiver.
// Threads: owner thread only.
class Delivery {
 public:
  virtual ~Delivery() = default;
  virtual Step Next(const Answer* answer) = 0;
};

// One integration: one block of the configuration. It may keep what its service gave it (tokens)
// between messages.
// Threads: owner thread only, one and the same for all calls.
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual std::unique_ptr<Delivery> Begin(std::shared_ptr<const Message> message) = 0;
  // For all steps of a message together; 0: until the message's deadline.
  [[nodiscard]] virtual DurationMs timeout() const { return 0; }
  // So many messages are under way at once; the others wait.
  [[nodiscard]] virtual size_t max_at_once() const { return 64; }
};

// A receiver that needs one request per message: most of them.
class SingleRequestReceiver : public Receiver {
 public:
  std::unique_ptr<Delivery> Begin(std::shared_ptr<const Message> message) final;

 protected:
  // An error ends the way: for good, but unavailable and timeout are tried again.
  virtual Result<http::ClientRequest> Build(const Message& message) = 0;
  // Without this, JudgeAnswer without further codes decides. Transport errors do not come here.
  virtual SendOutcome Judge(const http::ClientResponse& response);

 private:
  class OneRequest;
};

// --- Pieces for receivers ---

Step Fail(SendVerdict verdict, std::string error);
// A problem before anything was sent: final, but unavailable and timeout are tried again.
Step FailWith(const Error& error);
Step Sent(StringMap receiver_data = {});

// By status: 2xx is sent, 429 (with its Retry-After), 5xx and `also_retry` are tried again, the
// rest is final. The error is upstream's: "unexpected status code 400: <body>".
SendOutcome JudgeAnswer(const http::ClientResponse& response, TimestampMs now,
                        std::span<const int> also_retry = {});
// No answer came: to be tried again. URLs are not shown, for many hold secrets.
SendOutcome JudgeTransport(const Error& error);
// `Post "https://x/secret": EOF` -> `Post "<redacted>": EOF`
std::string RedactUrl(std::string_view error);

// POST with Content-Type application/json.
http::ClientRequest PostJson(std::string url, std::string body);

// The secret itself, or the text of its file without blanks around it; the file is read at each
// call. The error begins with `what` ("url_file").
Result<std::string> ReadSecret(const config::Secret& secret, const std::string& file,
                               std::string_view what);

}  // namespace vigil::notify
