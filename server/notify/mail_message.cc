// SPDX-License-Identifier: Apache-2.0
#include "server/notify/mail_message.h"

#include <array>
#include <ctime>

#include "client-lib/base/strings.h"
#include "server/notify/mail_address.h"
#include "server/notify/mail_text.h"

namespace vigil::notify {
namespace {

// Written first and in this order, for those who read mails as they are.
constexpr std::array<std::string_view, 3> kFirstHeaders = {"From", "To", "Subject"};

bool HoldsAddresses(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kNames = {"From", "To",     "Cc",
                                                             "Bcc",  "Sender", "Reply-To"};
  for (const std::string_view each : kNames) {
    if (EqualsIgnoreCase(each, name)) return true;
  }
  return false;
}

bool IsOurs(std::string_view name) {
  return EqualsIgnoreCase(name, "Mime-Version") ||
         AsciiLower(name.substr(0, 8)) == std::string_view("content-");
}

// Names in encoded words; addresses cannot be encoded and stay.
std::string AddressHeader(const std::vector<MailAddress>& list) {
  std::string out;
  for (const MailAddress& each : list) {
    if (!out.empty()) out += ", ";
    if (each.name.empty()) {
      out += each.address;
      continue;
    }
    std::string name = EncodedHeader(each.name, HeaderPlace::kPhrase);
    if (name == each.name) name = Quote(name);
    out += name + " <" + each.address + ">";
  }
  return out;
}

bool IsAsciiText(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

std::string HeaderValue(std::string_view name, const std::string& value) {
  if (HoldsAddresses(name) && !IsAsciiText(value)) {
    const auto list = ParseAddressList(value);
    if (list) return AddressHeader(*list);
  }
  return EncodedHeader(value, HeaderPlace::kText);
}

std::tm UtcOf(TimestampMs now) {
  const auto seconds = static_cast<std::time_t>(now / 1000);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  return tm;
}

std::string FormatTime(const char* format, const std::tm& tm) {
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &tm)};
}

std::string PartOf(std::string_view type, std::string_view boundary, std::string_view body) {
  std::string out = "--";
  out.append(boundary).append("\r\nContent-Transfer-Encoding: quoted-printable\r\n");
  out.append("Content-Type: ").append(type).append("; charset=UTF-8\r\n\r\n");
  return out.append(QuotedPrintable(body)).append("\r\n");
}

}  // namespace

std::string MailDate(TimestampMs now) {
  // Names of days and months must not depend on the locale.
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::tm tm = UtcOf(now);
  return std::string(kDays[static_cast<size_t>(tm.tm_wday)]) + FormatTime(", %d ", tm) +
         kMonths[static_cast<size_t>(tm.tm_mon)] + FormatTime(" %Y %H:%M:%S +0000", tm);
}

std::string ThreadRoot(std::string_view key_hash, bool by_date, TimestampMs now) {
  const std::string day = by_date ? FormatTime("%Y-%m-%d", UtcOf(now)) : "";
  return "<alert-" + std::string(key_hash.substr(0, 16)) + "-" + day + "@alertmanager>";
}

Result<std::string> WriteMail(const MailParts& parts) {
  std::map<std::string, std::string> more = parts.headers;
  std::string out;
  const auto write = [&](std::string_view name, const std::string& value) {
    out += FoldedHeader(name, HeaderValue(name, value));
  };
  for (const std::string_view name : kFirstHeaders) {
    const auto found = more.find(std::string(name));
    if (found == more.end()) continue;
    write(name, found->second);
    more.erase(found);
  }
  more.emplace("Message-Id", "<" + parts.unique + "@" + parts.host + ">");
  more.emplace("Date", MailDate(parts.now));
  if (!parts.thread.empty()) {
    more.emplace("References", parts.thread);
    more.emplace("In-Reply-To", parts.thread);
  }
  for (const auto& [name, value] : more) {
    if (!IsHeaderName(name)) return BadData("header " + Quote(name) + " is no header name");
    if (!IsOurs(name)) write(name, value);
  }
  // In quoted-printable no "=" is followed by "_": the boundary is in no body.
  const std::string boundary = "=_" + parts.unique;
  out += "Content-Type: multipart/alternative;\r\n boundary=\"" + boundary +
         "\"\r\nMIME-Version: 1.0\r\n\r\n";
  // The preferred alternative comes last (RFC 2046, 5.1.4).
  if (!parts.text.empty() || parts.html.empty()) out += PartOf("text/plain", boundary, parts.text);
  if (!parts.html.empty()) out += PartOf("text/html", boundary, parts.html);
  return out + "--" + boundary + "--\r\n";
}

}  // namespace vigil::notify
