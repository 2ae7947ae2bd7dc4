// SPDX-License-Identifier: Apache-2.0
// What a hostile mail server could answer.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "client-lib/http/smtp_dialog.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vigil::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  SmtpOptions options;
  options.require_starttls = size % 2 == 0;
  options.username = "user";
  options.password = size % 3 == 0 ? "password" : "";
  options.secret = "secret";
  SmtpMail mail{"a@b", {"c@d"}, std::string(text)};
  SmtpDialog dialog(options, mail);
  SmtpReplyReader reader;
  reader.Add(text);
  for (;;) {
    auto reply = reader.Next();
    if (!reply || !*reply) break;
    auto step = dialog.OnReply(**reply);
    if (!step || step->then == SmtpDialog::Then::kDone) break;
    if (step->then == SmtpDialog::Then::kStartTls) *step = dialog.OnTls();
    if (!step->send.ends_with("\r\n")) __builtin_trap();
  }
  // Nothing in a mail looks like its end.
  const std::string stuffed = DotStuffed(text);
  if (stuffed != ".\r\n" && stuffed.find("\r\n.\r\n") != stuffed.size() - 5) __builtin_trap();
  return 0;
}
