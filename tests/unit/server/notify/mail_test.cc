// SPDX-License-Identifier: Apache-2.0
// Mails byte by byte; tests/e2e/email_test.py reads them with another library.
#include <gtest/gtest.h>

#include "client-lib/base/strings.h"
#include "server/notify/mail_address.h"
#include "server/notify/mail_message.h"
#include "server/notify/mail_text.h"

namespace vigil::notify {
namespace {

// name<address> of each, or the error.
std::string Addresses(std::string_view text) {
  const auto list = ParseAddressList(text);
  if (!list) return "! " + list.error().message;
  std::string out;
  for (const MailAddress& each : *list) out += each.name + "<" + each.address + ">";
  return out;
}

TEST(MailAddress, ReadsListsAsHeadersHoldThem) {
  EXPECT_EQ(Addresses("a@b"), "<a@b>");
  EXPECT_EQ(Addresses(" a@b.org , <c@d> ,, Eve Doe <e@f>,"), "<a@b.org><c@d>Eve Doe<e@f>");
  EXPECT_EQ(Addresses("\"Doe, \\\"J\\\"\" (boss (of all)) <j.doe+x@[10.0.0.1]>"),
            "Doe, \"J\"<j.doe+x@[10.0.0.1]>");
  EXPECT_EQ(Addresses("J. R. Ewing <jr@ewing.example>"), "J. R. Ewing<jr@ewing.example>");
  EXPECT_EQ(Addresses("Team: a@b, C <c@d>;, e@f"), "<a@b>C<c@d><e@f>");
  EXPECT_EQ(Addresses("\"odd local\"@b, \"plain\"@b"), "<\"odd local\"@b><plain@b>");
  EXPECT_EQ(Addresses("Jürgen <jürgen@bücher.example>"), "Jürgen<jürgen@bücher.example>");
}

TEST(MailAddress, SaysWhatIsWrong) {
  EXPECT_EQ(Addresses(""), "! mail: no address");
  EXPECT_EQ(Addresses(" , "), "! mail: no address");
  EXPECT_EQ(Addresses("somebody"), "! mail: missing '@' or angle-addr");
  EXPECT_EQ(Addresses("a@b c@d"), "! mail: expected comma");
  EXPECT_EQ(Addresses("a@"), "! mail: no domain after @");
  EXPECT_EQ(Addresses("A <a@b"), "! mail: unclosed angle-addr");
  EXPECT_EQ(Addresses("\"a"), "! mail: unclosed quoted-string");
  EXPECT_EQ(Addresses("a@b (c"), "! mail: misformatted parenthetical comment");
  EXPECT_EQ(Addresses("T: a@b"), "! mail: unclosed group");
  EXPECT_EQ(Addresses("T: U: a@b;;"), "! mail: group in a group");
  EXPECT_EQ(Addresses(std::string(100'000, '(')), "! mail: misformatted parenthetical comment");
  // Nothing gets past that would end a line of SMTP.
  for (const std::string_view bad :
       {"a@b\r\nRCPT TO:<c@d>", "\"a\r\nb\"@c", "a@[1\r\n]", "a\nb@c", "\"a\\\nb\"@c", "a@b\xff"}) {
    EXPECT_TRUE(Addresses(bad).starts_with("! ")) << Addresses(bad);
  }
}

TEST(MailText, EncodesBodies) {
  EXPECT_EQ(QuotedPrintable("a=b\nü \t\nend"), "a=3Db\r\n=C3=BC =09\r\nend");
  EXPECT_EQ(QuotedPrintable("a\r\nb\rc\n\n"), "a\r\nb\r\nc\r\n\r\n");
  const std::string lines = QuotedPrintable(std::string(200, 'x') + "\n" + std::string(80, '='));
  for (const std::string_view line : Split(lines, '\n')) EXPECT_LE(line.size(), 77U) << line;
  EXPECT_EQ(lines.substr(0, 78), std::string(75, 'x') + "=\r\n");
  EXPECT_EQ(QuotedPrintable(""), "");
}

TEST(MailText, EncodesHeadersOnlyWhereItMust) {
  EXPECT_EQ(EncodedHeader("[FIRING:1] Down (db)", HeaderPlace::kText), "[FIRING:1] Down (db)");
  EXPECT_EQ(EncodedHeader("é [a_b]?", HeaderPlace::kText), "=?utf-8?q?=C3=A9_[a=5Fb]=3F?=");
  EXPECT_EQ(EncodedHeader("é (x)", HeaderPlace::kPhrase), "=?utf-8?q?=C3=A9_=28x=29?=");
  EXPECT_EQ(EncodedHeader("a\r\nBcc: b@c", HeaderPlace::kText), "=?utf-8?q?a=0D=0ABcc:_b@c?=");
  EXPECT_EQ(EncodedHeader("=?utf-8?q?by_hand?=", HeaderPlace::kText), "=?utf-8?q?by_hand?=");
  std::string snow;
  for (int i = 0; i < 30; ++i) snow += "☃";
  const std::string words = EncodedHeader(snow, HeaderPlace::kText);
  for (const std::string_view word : Split(words, ' ')) {
    EXPECT_LE(word.size(), 75U);
    EXPECT_TRUE(word.starts_with("=?utf-8?q?=E2=98=83")) << "a character is split: " << word;
  }
}

TEST(MailText, FoldsLongHeadersAtBlanks) {
  EXPECT_EQ(FoldedHeader("Subject", "a  b"), "Subject: a  b\r\n");
  EXPECT_EQ(FoldedHeader("X", ""), "X:\r\n");
  std::string value = "start";
  for (int i = 0; i < 40; ++i) value += " word" + std::to_string(i);
  const std::string folded = FoldedHeader("Subject", value);
  std::string unfolded;
  for (const std::string_view line : Split(folded, '\n')) {
    EXPECT_LE(line.size(), 77U);
    unfolded += line.substr(0, line.empty() ? 0 : line.size() - 1);
  }
  EXPECT_EQ(unfolded, "Subject: " + value);
  EXPECT_FALSE(IsHeaderName("X\r\nBcc"));
  EXPECT_FALSE(IsHeaderName("a:b"));
  EXPECT_FALSE(IsHeaderName(""));
  EXPECT_TRUE(IsHeaderName("X-Priority"));
}

MailParts PartsOfAMail() {
  MailParts parts;
  parts.headers = {
      {"To", "Jürgen <j@x.org>, c@d"}, {"Subject", "hi"}, {"From", "a@b"}, {"X-Team", "db"}};
  parts.text = "text é";
  parts.html = "<b>html</b>\n";
  parts.now = 1'440'938'160'000;
  parts.unique = "1.2";
  parts.host = "vigil.example";
  parts.thread = ThreadRoot("0123456789abcdef0123", true, parts.now);
  return parts;
}

TEST(MailMessage, IsWrittenWhole) {
  EXPECT_EQ(WriteMail(PartsOfAMail()).value(),
            "From: a@b\r\n"
            "To: =?utf-8?q?J=C3=BCrgen?= <j@x.org>, c@d\r\n"
            "Subject: hi\r\n"
            "Date: Sun, 30 Aug 2015 12:36:00 +0000\r\n"
            "In-Reply-To: <alert-0123456789abcdef-2015-08-30@alertmanager>\r\n"
            "Message-Id: <1.2@vigil.example>\r\n"
            "References: <alert-0123456789abcdef-2015-08-30@alertmanager>\r\n"
            "X-Team: db\r\n"
            "Content-Type: multipart/alternative;\r\n boundary=\"=_1.2\"\r\n"
            "MIME-Version: 1.0\r\n\r\n"
            "--=_1.2\r\nContent-Transfer-Encoding: quoted-printable\r\n"
            "Content-Type: text/plain; charset=UTF-8\r\n\r\n"
            "text =C3=A9\r\n"
            "--=_1.2\r\nContent-Transfer-Encoding: quoted-printable\r\n"
            "Content-Type: text/html; charset=UTF-8\r\n\r\n"
            "<b>html</b>\r\n\r\n"
            "--=_1.2--\r\n");
}

TEST(MailMessage, LetsTheOperatorHaveHisWayWhereItIsSafe) {
  MailParts parts = PartsOfAMail();
  parts.headers["Message-Id"] = "<mine@x>";
  parts.headers["Date"] = "never";
  parts.headers["Content-Type"] = "text/plain";
  parts.headers["Mime-Version"] = "2.0";
  parts.html.clear();
  parts.thread.clear();
  const std::string mail = WriteMail(parts).value();
  EXPECT_NE(mail.find("\r\nMessage-Id: <mine@x>\r\n"), std::string::npos);
  EXPECT_NE(mail.find("\r\nDate: never\r\n"), std::string::npos);
  EXPECT_EQ(mail.find("Content-Type: text/plain\r\n"), std::string::npos);
  EXPECT_EQ(mail.find("Mime-Version"), std::string::npos);
  EXPECT_EQ(mail.find("text/html"), std::string::npos);
  EXPECT_EQ(mail.find("References"), std::string::npos);
  parts.headers["X\r\nBcc"] = "victim@x";
  EXPECT_EQ(WriteMail(parts).error().message, "header \"X\\r\\nBcc\" is no header name");
  EXPECT_EQ(ThreadRoot("0123456789abcdef0123", false, 0), "<alert-0123456789abcdef-@alertmanager>");
}

}  // namespace
}  // namespace vigil::notify
