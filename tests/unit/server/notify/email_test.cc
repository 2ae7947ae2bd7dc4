// SPDX-License-Identifier: Apache-2.0
#include "server/notify/email.h"

#include <gtest/gtest.h>

#include "server/alerting/config_loader.h"
#include "tests/unit/server/notify/notify_rig.h"

namespace vigil::notify {
namespace {

// An e-mail block at work, with a post office that keeps what it is given.
class EmailRig {
 public:
  void Configure(const std::string& block) {
    const std::string text =
        "global: {smtp_smarthost: 'mail.example:587', smtp_from: 'Vigil <vigil@x.org>'}\n"
        "route: {receiver: team.a}\nreceivers: [{name: team.a, email_configs: [" +
        block + "]}]\n";
    auto config = alerting::LoadAlertingText(text, "alertmanager.yml");
    ASSERT_TRUE(config) << config.error().message;
    MailWorld world;
    world.send = [this](const http::SmtpOptions& to, const http::SmtpMail& what, int64_t timeout_ms,
                        const std::stop_token&) {
      options = to;
      mail = what;
      timeout = timeout_ms;
      return outcome;
    };
    world.random = [] { return uint64_t{42}; };
    world.host = "vigil.example";
    world.clock = &clock;
    receiver_ = MakeEmailWith(config->receivers[0].email[0], std::move(world));
  }

  Finished Send(bool firing = true) {
    auto templates = Templates::Load({}, "http://vigil.example", clock);
    auto message = MakeMessage(NotifyRig::Group(NotifyRig::TwoAlerts(firing, firing), "email"),
                               std::move(templates).value());
    const auto delivery = receiver_->Begin(std::move(message).value());
    Step step = delivery->Next(nullptr);
    if (auto* finished = std::get_if<Finished>(&step)) return *finished;
    return std::get<Blocking>(step).work(1'234, {});
  }

  [[nodiscard]] const Receiver& receiver() const { return *receiver_; }

  ManualClock clock{kRigNow};
  http::SmtpOutcome outcome;
  http::SmtpOptions options;
  http::SmtpMail mail;
  int64_t timeout = 0;

 private:
  std::unique_ptr<Receiver> receiver_;
};

// Lines of quoted-printable that go on are one again.
std::string WithoutSoftBreaks(std::string text) {
  for (size_t at; (at = text.find("=\r\n")) != std::string::npos;) text.erase(at, 3);
  return text;
}

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Email, AServerThatHangsHoldsUpLittle) {
  EmailRig rig;
  rig.Configure("{to: 'a@x.org'}");
  EXPECT_EQ(rig.receiver().timeout(), 60'000);
  EXPECT_EQ(rig.receiver().max_at_once(), 2U);
}

TEST(Email, SendsTheDefaultMail) {
  EmailRig rig;
  rig.Configure("{to: 'a@x.org, B <b@x.org>'}");
  EXPECT_EQ(rig.Send().outcome.verdict, SendVerdict::kSent);
  EXPECT_EQ(rig.timeout, 1'234);
  EXPECT_EQ(rig.options.host, "mail.example");
  EXPECT_EQ(rig.options.port, 587);
  EXPECT_TRUE(rig.options.require_starttls);
  EXPECT_FALSE(rig.options.implicit_tls);
  EXPECT_EQ(rig.mail.from, "vigil@x.org");
  EXPECT_EQ(rig.mail.recipients, (std::vector<std::string>{"a@x.org", "b@x.org"}));
  const std::string text = WithoutSoftBreaks(rig.mail.message);
  EXPECT_TRUE(Has(text,
                  "From: Vigil <vigil@x.org>\r\nTo: a@x.org, B <b@x.org>\r\n"
                  "Subject: [FIRING:2] Down (db)\r\n"))
      << text;
  EXPECT_TRUE(Has(text, "Message-Id: <1770091506000.42@vigil.example>\r\n")) << text;
  EXPECT_TRUE(Has(text, "Date: Tue, 03 Feb 2026 04:05:06 +0000\r\n")) << text;
  EXPECT_FALSE(Has(text, "References"));
  EXPECT_FALSE(Has(text, "text/plain"));
  EXPECT_TRUE(Has(text, "a &lt;b&gt; &amp; &#34;c&#34;")) << text;
  EXPECT_TRUE(Has(text, "[2] Firing")) << text;
  EXPECT_TRUE(Has(text, "#c4302b")) << text;
}

TEST(Email, GoesByItsConfiguration) {
  EmailRig rig;
  rig.Configure(
      "{to: '{{ .CommonLabels.job }}@x.org', from: v@x.org, smarthost: '[::1]:465', hello: me,"
      " auth_username: u, auth_password: p, auth_secret: s, auth_identity: i, require_tls: false,"
      " tls_config: {insecure_skip_verify: true, server_name: n, min_version: TLS13},"
      " headers: {subject: 'é {{ .Status }}', x-job: '{{ .CommonLabels.job }}'},"
      " html: '', text: '{{ len .Alerts }} <alerts>', threading: {enabled: true}}");
  EXPECT_EQ(rig.Send(false).outcome.error, "");
  EXPECT_EQ(rig.options.host, "::1");
  EXPECT_TRUE(rig.options.implicit_tls);
  EXPECT_FALSE(rig.options.require_starttls);
  EXPECT_EQ(rig.options.hello, "me");
  EXPECT_EQ(rig.options.username + rig.options.password + rig.options.secret + rig.options.identity,
            "upsi");
  EXPECT_TRUE(rig.options.insecure_skip_verify);
  EXPECT_EQ(rig.options.server_name, "n");
  EXPECT_EQ(rig.options.min_tls_version, 13);
  EXPECT_EQ(rig.mail.recipients, std::vector<std::string>{"db@x.org"});
  const std::string& text = rig.mail.message;
  EXPECT_TRUE(Has(text, "Subject: =?utf-8?q?=C3=A9_resolved?=\r\n")) << text;
  EXPECT_TRUE(Has(text, "X-Job: db\r\n")) << text;
  EXPECT_TRUE(Has(text, "References: <alert-")) << text;
  EXPECT_TRUE(Has(text, "-2026-02-03@alertmanager>\r\n")) << text;
  EXPECT_TRUE(Has(text, "\r\n\r\n2 <alerts>\r\n--")) << text;
  EXPECT_FALSE(Has(text, "text/html"));
}

TEST(Email, TriesAgainWhatTheServerRefused) {
  EmailRig rig;
  rig.Configure("{to: a@x.org}");
  rig.outcome.result = Unavailable("send RCPT command: 550 5.1.1 no such user");
  Finished finished = rig.Send();
  EXPECT_EQ(finished.outcome.verdict, SendVerdict::kRetry);
  EXPECT_EQ(finished.outcome.error, "send RCPT command: 550 5.1.1 no such user");
  rig.outcome.result = BadData("parse TLS configuration: ca_file: no such file");
  EXPECT_EQ(rig.Send().outcome.verdict, SendVerdict::kFinal);
}

TEST(Email, TriesNothingWithBadTexts) {
  const std::pair<const char*, const char*> kRows[] = {
      {"{to: '{{ .Nothing }}'}", "execute 'to' template: "},
      {"{to: nobody}", "parse 'to' addresses: mail: missing '@' or angle-addr"},
      {"{to: a@b, from: 'c@d, e@f'}", "must be exactly one 'from' address (got: 2)"},
      {"{to: a@b, html: '{{ .Nothing }}'}", "execute html template: "},
      {"{to: a@b, headers: {Subject: '{{ nofunc }}'}}", "execute \"Subject\" header template: "},
      {"{to: a@b, auth_password_file: /nonexistent/x}", "read auth_password_file: "},
  };
  for (const auto& [block, error] : kRows) {
    EmailRig rig;
    rig.Configure(block);
    const Finished finished = rig.Send();
    EXPECT_EQ(finished.outcome.verdict, SendVerdict::kFinal) << block;
    EXPECT_TRUE(finished.outcome.error.starts_with(error)) << finished.outcome.error;
    EXPECT_EQ(rig.timeout, 0) << "it was sent: " << block;
  }
}

}  // namespace
}  // namespace vigil::notify
