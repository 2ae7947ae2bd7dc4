// SPDX-License-Identifier: Apache-2.0
// Texts of operators and of alerts on their way into mails.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/notify/aws_credentials.h"
#include "server/notify/mail_address.h"
#include "server/notify/mail_message.h"
#include "server/notify/mail_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vigil::notify;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto list = ParseAddressList(text);
  if (list) {
    std::string again;
    for (const MailAddress& each : *list) {
      if (each.address.find_first_of("\r\n") != std::string::npos) __builtin_trap();
      again += each.address + ",";
    }
    // What was read is an address to the next reader, too.
    const auto same = ParseAddressList(again);
    if (!same || same->size() != list->size()) __builtin_trap();
    for (size_t i = 0; i < list->size(); ++i) {
      if ((*same)[i].address != (*list)[i].address) __builtin_trap();
    }
  }
  MailParts parts;
  parts.headers = {{"Subject", std::string(text)}};
  parts.text = parts.html = std::string(text);
  parts.unique = "1.2";
  parts.host = "h";
  const auto mail = WriteMail(parts);
  if (!mail) __builtin_trap();
  size_t start = 0;
  for (size_t end; (end = mail->find("\r\n", start)) != std::string::npos; start = end + 2) {
    const std::string_view line(mail->data() + start, end - start);
    if (line.size() > 998 || line.find_first_of("\r\n") != std::string_view::npos) {
      __builtin_trap();
    }
    for (const char c : line) {
      if ((c < ' ' && c != '\t') || c > '~') __builtin_trap();
    }
  }
  static_cast<void>(XmlText(text, "a"));
  return 0;
}
