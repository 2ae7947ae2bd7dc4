// SPDX-License-Identifier: Apache-2.0
// A whole mail: header and the alternatives text and HTML.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"

namespace vigil::notify {

struct MailParts {
  std::map<std::string, std::string> headers;  // names in canonical form, values as they are meant
  std::string text;                            // either may be empty
  std::string html;
  TimestampMs now = 0;
  // Letters, digits, dots: unlike that of all other mails.
  std::string unique;
  std::string host;  // behind the @ of the Message-Id
  // <...@...> of the thread; empty: none.
  std::string thread;
};

// Header lines and body with CR LF. Names and values can not break out of their line. What
// describes the body (MIME-Version, Content-...) is ours, whatever `headers` says; Message-Id, Date
// and those of a thread are taken from `headers` where they stand there. bad_data for a name that
// is none.
Result<std::string> WriteMail(const MailParts& parts);

// "Sat, 30 Aug 2015 12:36:00 +0000"
std::string MailDate(TimestampMs now);

// The Message-Id that all mails of a group answer to: of the first 16 characters of the group's
// hash and, with `by_date`, of the day (UTC). No mail has it: programs put those together that
// refer to it. It is Alertmanager's, so that threads go on.
std::string ThreadRoot(std::string_view key_hash, bool by_date, TimestampMs now);

}  // namespace vigil::notify
