// SPDX-License-Identifier: Apache-2.0
// The client's side of SMTP (RFC 5321, STARTTLS, AUTH) without a connection: replies in, commands
// out.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/http/smtp.h"

namespace vigil::http {

// Cuts what a server sends into replies.
// Threads: owner thread only.
class SmtpReplyReader {
 public:
  void Add(std::string_view bytes) { buffer_.append(bytes); }
  // A whole reply, or nothing yet. bad_data when it is none, or has no end.
  Result<std::optional<SmtpReply>> Next();
  // What came before TLS must not count after it.
  void Clear() { buffer_.clear(); }

 private:
  std::string buffer_;
};

// One mail, from the server's greeting to its farewell.
// Threads: owner thread only. `options` and `mail` must outlive it.
class SmtpDialog {
 public:
  enum class Then { kReply, kStartTls, kDone };
  struct Step {
    std::string send;  // first
    Then then = Then::kReply;
  };

  SmtpDialog(const SmtpOptions& options, const SmtpMail& mail);

  // What the mail cannot be sent for: addresses and names that would break the protocol.
  [[nodiscard]] Result<void> Check() const;
  // The next step after a reply. An error ends the dialog: say QuitCommand() and leave.
  Result<Step> OnReply(const SmtpReply& reply);
  // After kStartTls, when TLS stands.
  Step OnTls();
  // The server has taken the mail: what follows is farewell.
  [[nodiscard]] bool delivered() const { return state_ == State::kQuit; }

  static std::string QuitCommand() { return "QUIT\r\n"; }

 private:
  enum class State { kGreeting, kEhlo, kHelo, kStartTls, kAuth, kMail, kRcpt, kData, kBody, kQuit };
  enum class Mechanism { kNone, kCramMd5, kPlain, kLogin };

  [[nodiscard]] Step Hello();
  Result<Step> OnHello(const SmtpReply& reply);
  Result<Step> BeginAuth();
  Result<Step> OnAuth(const SmtpReply& reply);
  Result<Mechanism> ChooseMechanism() const;
  Result<Step> BeginMail();
  Step NextRecipient();

  const SmtpOptions& options_;
  const SmtpMail& mail_;
  State state_ = State::kGreeting;
  bool encrypted_;
  // From the last EHLO.
  bool has_starttls_ = false;
  bool has_utf8_ = false;
  std::optional<std::string> mechanisms_;
  Mechanism mechanism_ = Mechanism::kNone;
  size_t challenges_ = 0;
  size_t recipient_ = 0;
};

// As DATA sends it: CR LF at the end of every line, a dot before a dot, and the lone dot behind it.
std::string DotStuffed(std::string_view message);

}  // namespace vigil::http
