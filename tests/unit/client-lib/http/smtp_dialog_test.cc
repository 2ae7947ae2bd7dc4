// SPDX-License-Identifier: Apache-2.0
// Dialogs as they are written down: C: what we say, S: what the server says.
#include "client-lib/http/smtp_dialog.h"

#include <gtest/gtest.h>

#include "client-lib/base/strings.h"

namespace vigil::http {
namespace {

SmtpMail ShortMail() { return {"a@x.org", {"b@y.org", "c@z.org"}, "Subject: hi\n\n.dot\n"}; }

// Plays the server; what we said, one line each, or the error.
std::string Play(const SmtpOptions& options, const SmtpMail& mail, std::string_view server) {
  SmtpDialog dialog(options, mail);
  SmtpReplyReader reader;
  reader.Add(server);
  std::string said;
  for (;;) {
    auto reply = reader.Next();
    if (!reply) return said + "! " + reply.error().message;
    if (!*reply) return said + "? waits";
    auto step = dialog.OnReply(**reply);
    if (!step) return said + "! " + step.error().message;
    if (step->then == SmtpDialog::Then::kDone) return said + "done";
    if (step->then == SmtpDialog::Then::kStartTls) {
      said += "<tls>\n";
      *step = dialog.OnTls();
    }
    for (const std::string_view line : Split(step->send, '\n')) {
      if (!line.empty()) said += std::string(TrimSpace(line)) + "\n";
    }
  }
}

SmtpOptions PlainServer() {
  SmtpOptions options;
  options.host = "mail.example.org";
  options.require_starttls = false;
  return options;
}

constexpr const char* kGoodEnd =
    "250 ok\r\n250 ok\r\n251 forwards\r\n354 go\r\n250 queued\r\n221 bye\r\n";
constexpr const char* kMailCommands =
    "MAIL FROM:<a@x.org>\nRCPT TO:<b@y.org>\nRCPT TO:<c@z.org>\nDATA\n"
    "Subject: hi\n\n..dot\n.\nQUIT\ndone";

TEST(SmtpDialog, SendsAMail) {
  EXPECT_EQ(Play(PlainServer(), ShortMail(),
                 std::string("220 hi\r\n250-mail\r\n250 SIZE 1000\r\n") + kGoodEnd),
            std::string("EHLO localhost\n") + kMailCommands);
}

TEST(SmtpDialog, GreetsOldServersInTheOldWay) {
  EXPECT_EQ(Play(PlainServer(), ShortMail(),
                 std::string("220-a\r\n220 b\r\n502 what\r\n250 mail\r\n") + kGoodEnd),
            std::string("EHLO localhost\nHELO localhost\n") + kMailCommands);
}

TEST(SmtpDialog, EncryptsFirstAndForgetsWhatWasSaidBefore) {
  SmtpOptions options = PlainServer();
  options.require_starttls = true;
  options.username = "u";
  options.password = "p";
  EXPECT_EQ(Play(options, ShortMail(),
                 std::string("220 hi\r\n250-m\r\n250-AUTH LOGIN\r\n250 starttls\r\n220 go\r\n"
                             "250-m\r\n250 AUTH PLAIN LOGIN\r\n235 welcome\r\n") +
                     kGoodEnd),
            "EHLO localhost\nSTARTTLS\n<tls>\nEHLO localhost\nAUTH PLAIN " +
                Base64Encode(std::string("\0u\0p", 4)) + "\n" + kMailCommands);
}

TEST(SmtpDialog, SendsNothingWithoutTheEncryptionItMustHave) {
  SmtpOptions options = PlainServer();
  options.require_starttls = true;
  EXPECT_EQ(Play(options, ShortMail(), "220 hi\r\n250 m\r\n"),
            "EHLO localhost\n! 'require_tls' is true (default) but \"mail.example.org:25\" does "
            "not advertise the STARTTLS extension");
  EXPECT_EQ(Play(options, ShortMail(), "220 hi\r\n250-m\r\n250 STARTTLS\r\n454 not now\r\n"),
            "EHLO localhost\nSTARTTLS\n! send STARTTLS command: 454 not now");
}

TEST(SmtpDialog, TakesTheFirstMechanismItHasTheSecretFor) {
  SmtpOptions options = PlainServer();
  options.implicit_tls = true;
  options.username = "tim";
  options.secret = "tanstaaftanstaaf";
  options.identity = "boss";
  // The challenge of RFC 2195 and its answer.
  const std::string challenge =
      "334 " + Base64Encode("<1896.697170952@postoffice.reston.mci.net>") + "\r\n";
  EXPECT_EQ(Play(options, ShortMail(),
                 "220 hi\r\n250-m\r\n250 AUTH PLAIN XOAUTH2 CRAM-MD5\r\n" + challenge +
                     "235 ok\r\n" + kGoodEnd),
            "EHLO localhost\nAUTH CRAM-MD5\n" +
                Base64Encode("tim b913a602c7eda7a495b4e6e7334d3890") + "\n" + kMailCommands);
  options.password = "pw";
  EXPECT_EQ(Play(options, ShortMail(),
                 std::string("220 hi\r\n250-m\r\n250 AUTH LOGIN PLAIN\r\n334 VXNlcg==\r\n"
                             "334 UGFzcw==\r\n235 ok\r\n") +
                     kGoodEnd),
            "EHLO localhost\nAUTH LOGIN\n" + Base64Encode("tim") + "\n" + Base64Encode("pw") +
                "\n" + kMailCommands);
  options.password.clear();
  options.secret.clear();
  EXPECT_EQ(Play(options, ShortMail(), "220 hi\r\n250-m\r\n250 AUTH PLAIN LOGIN CRAM-MD5 NTLM\r\n"),
            "EHLO localhost\n! find auth mechanism: missing password for PLAIN auth mechanism; "
            "missing password for LOGIN auth mechanism; missing secret for CRAM-MD5 auth "
            "mechanism; unknown auth mechanism: NTLM");
}

TEST(SmtpDialog, AGarbledChallengeIsToBeTriedAgain) {
  SmtpOptions options = PlainServer();
  options.username = "tim";
  options.secret = "s";
  const SmtpMail mail = ShortMail();
  SmtpDialog dialog(options, mail);
  ASSERT_TRUE(dialog.OnReply({220, "hi"}));
  ASSERT_TRUE(dialog.OnReply({250, "m\nAUTH CRAM-MD5"}));
  const auto step = dialog.OnReply({334, "%%%"});
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().kind, ErrorKind::kUnavailable) << step.error().message;
}

TEST(SmtpDialog, TellsNoPasswordToTheWholeNetwork) {
  SmtpOptions options = PlainServer();
  options.username = "u";
  options.password = "p";
  const std::string server = "220 hi\r\n250-m\r\n250 AUTH PLAIN\r\n";
  EXPECT_EQ(Play(options, ShortMail(), server),
            "EHLO localhost\n! *smtp.plainAuth auth: unencrypted connection");
  options.host = "127.0.0.1";
  options.identity = "i";
  EXPECT_EQ(Play(options, ShortMail(), server),
            "EHLO localhost\nAUTH PLAIN " + Base64Encode(std::string("i\0u\0p", 5)) + "\n? waits");
}

TEST(SmtpDialog, NamesTheStepThatWasRefused) {
  const std::string hello = "220 hi\r\n250 m\r\n";
  const std::string said = "EHLO localhost\nMAIL FROM:<a@x.org>\n";
  EXPECT_EQ(Play(PlainServer(), ShortMail(), "554 go away\r\n"),
            "! create SMTP client: 554 go away");
  EXPECT_EQ(Play(PlainServer(), ShortMail(), hello + "550-no\r\n550 never\r\n"),
            said + "! send MAIL command: 550 no\nnever");
  EXPECT_EQ(Play(PlainServer(), ShortMail(), hello + "250 ok\r\n550 5.1.1 who\r\n"),
            said + "RCPT TO:<b@y.org>\n! send RCPT command: 550 5.1.1 who");
  EXPECT_EQ(Play(PlainServer(), ShortMail(), hello + "nonsense\r\n"),
            said + "! no SMTP reply: \"nonsense\"");
}

TEST(SmtpDialog, AsksForUtf8WhereAnAddressNeedsIt) {
  SmtpMail mail = ShortMail();
  mail.recipients = {"jürgen@y.org"};
  EXPECT_EQ(Play(PlainServer(), mail, "220 hi\r\n250-m\r\n250 SMTPUTF8\r\n"),
            "EHLO localhost\nMAIL FROM:<a@x.org> SMTPUTF8\n? waits");
  EXPECT_EQ(Play(PlainServer(), mail, "220 hi\r\n250 m\r\n"),
            "EHLO localhost\n! send MAIL command: an address is not ASCII and the server does not "
            "offer SMTPUTF8");
}

TEST(SmtpDialog, LetsNothingBreakTheProtocol) {
  SmtpMail mail = ShortMail();
  mail.recipients[1] = "c@z.org>\r\nRCPT TO:<victim@z.org";
  const SmtpOptions options = PlainServer();
  EXPECT_EQ(SmtpDialog(options, mail).Check().error().kind, ErrorKind::kBadData);
  SmtpOptions talkative = PlainServer();
  talkative.hello = "a\r\nb";
  const SmtpMail good = ShortMail();
  EXPECT_FALSE(SmtpDialog(talkative, good).Check());
  EXPECT_TRUE(SmtpDialog(options, good).Check());
  EXPECT_EQ(DotStuffed("a\n.\nb\r.\rc"), "a\r\n..\r\nb\r\n..\r\nc\r\n.\r\n");
  EXPECT_EQ(DotStuffed(""), ".\r\n");
}

TEST(SmtpDialog, HasAnEndOfPatienceForReplies) {
  SmtpReplyReader reader;
  reader.Add(std::string(100'000, '2'));
  EXPECT_FALSE(reader.Next());
  SmtpReplyReader mixed;
  mixed.Add("250-a\r\n251 b\r\n");
  EXPECT_FALSE(mixed.Next());
}

}  // namespace
}  // namespace vigil::http
