// SPDX-License-Identifier: Apache-2.0
// Sending one mail to an SMTP server.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::http {

// The server, how to trust it, and who we are. Secret files are already read.
struct SmtpOptions {
  std::string host;
  int port = 25;
  std::string hello = "localhost";
  bool implicit_tls = false;     // TLS from the first byte, as on port 465
  bool require_starttls = true;  // false: STARTTLS is not used at all
  // Of each file and its text one is set; empty: the system's CAs, no certificate of our own.
  std::string ca_file, ca_pem, cert_file, cert_pem, key_file, key_pem;
  std::string server_name;  // empty: the host
  bool insecure_skip_verify = false;
  int min_tls_version = 12;  // TLS10 = 10 ... TLS13 = 13
  int max_tls_version = 13;
  // Empty: no authentication. The first mechanism of the server's list that we have what it needs
  // for is taken: CRAM-MD5 needs the secret, PLAIN and LOGIN the password.
  std::string username, password, secret, identity;
};

struct SmtpMail {
  std::string from;  // bare addresses: a@b
  std::vector<std::string> recipients;
  std::string message;  // header and body; line ends become CR LF on the way
};

struct SmtpReply {
  int code = 0;      // 0: the server said nothing
  std::string text;  // lines joined by LF, without the code
};

struct SmtpOutcome {
  Result<void> result;
  SmtpReply last_reply;  // before the farewell
};

// Blocks until the server has taken the mail, or not. Errors say at which step and with which reply
// (`send RCPT command: 550 5.1.1 no such user`); bad_data is what no second try can heal (a CA file
// that cannot be read, an address with control characters), timeout the deadline, canceled the stop
// token. All recipients must be accepted. Threads: any.
SmtpOutcome SendMail(const SmtpOptions& options, const SmtpMail& mail, int64_t timeout_ms,
                     const std::stop_token& stop = {});

}  // namespace vigil::http
