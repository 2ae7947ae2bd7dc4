// SPDX-License-Identifier: Apache-2.0
// email: a notification as a mail.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "client-lib/http/smtp.h"
#include "server/notify/list.h"

namespace vigil::notify {

// What a mail needs of the world: the clock must outlive it.
struct MailWorld {
  std::function<http::SmtpOutcome(const http::SmtpOptions&, const http::SmtpMail&,
                                  int64_t timeout_ms, const std::stop_token&)>
      send = http::SendMail;
  std::function<uint64_t()> random;  // for Message-Ids
  std::string host;                  // behind their @
  const Clock* clock = &Clock::System();
};

std::unique_ptr<Receiver> MakeEmailWith(const alerting::EmailConfig& config, MailWorld world);

}  // namespace vigil::notify
