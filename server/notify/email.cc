// SPDX-License-Identifier: Apache-2.0
#include "server/notify/email.h"

#include <unistd.h>

#include <array>
#include <random>

#include "client-lib/base/strings.h"
#include "server/notify/mail_address.h"
#include "server/notify/mail_message.h"

namespace vigil::notify {
namespace {

// A server that hangs holds up its own mail only, and not for long.
constexpr DurationMs kMailTimeoutMs = 60'000;
constexpr size_t kMailsAtOnce = 2;

constexpr const char* kDefaultSubject = R"({{ template "email.default.subject" . }})";

int TlsVersionOf(const std::string& name, int otherwise) {
  if (name == "TLS10") return 10;
  if (name == "TLS11") return 11;
  if (name == "TLS12") return 12;
  return name == "TLS13" ? 13 : otherwise;
}

// "host:25", "[::1]:25".
Result<void> SetSmarthost(const std::string& smarthost, http::SmtpOptions* out) {
  const size_t colon = smarthost.rfind(':');
  const auto port = colon == std::string::npos ? std::optional<uint64_t>()
                                               : ParseUint(smarthost.substr(colon + 1));
  if (!port || *port == 0 || *port > 65'535) {
    return BadData("smarthost " + Quote(smarthost) + " has no port number");
  }
  out->host = smarthost.substr(0, colon);
  if (out->host.starts_with('[') && out->host.ends_with(']')) {
    out->host = out->host.substr(1, out->host.size() - 2);
  }
  out->port = static_cast<int>(*port);
  return Ok();
}

class EmailReceiver final : public Receiver {
 public:
  EmailReceiver(const alerting::EmailConfig& config, MailWorld world)
      : config_(config), world_(std::move(world)) {}

  std::unique_ptr<Delivery> Begin(std::shared_ptr<const Message> message) override {
    return std::make_unique<OneMail>(*this, std::move(message));
  }
  [[nodiscard]] DurationMs timeout() const override { return kMailTimeoutMs; }
  [[nodiscard]] size_t max_at_once() const override { return kMailsAtOnce; }

 private:
  class OneMail final : public Delivery {
   public:
    OneMail(const EmailReceiver& receiver, std::shared_ptr<const Message> message)
        : receiver_(receiver), message_(std::move(message)) {}

    Step Next(const Answer*) override {
      auto options = receiver_.Server();
      if (!options) return FailWith(options.error());
      auto mail = receiver_.Mail(*message_);
      if (!mail) return FailWith(mail.error());
      return Blocking{
          [send = receiver_.world_.send, options = std::move(options).value(),
           mail = std::move(mail).value()](int64_t timeout_ms, const std::stop_token& stop) {
            return FinishedBy(send(options, mail, timeout_ms, stop));
          }};
    }

   private:
    // Refusals are tried again, too: greylisting and full mailboxes look like them.
    static Finished FinishedBy(const http::SmtpOutcome& smtp) {
      Finished finished;
      if (smtp.result) return finished;
      const Error& error = smtp.result.error();
      finished.outcome.verdict =
          error.kind == ErrorKind::kBadData ? SendVerdict::kFinal : SendVerdict::kRetry;
      finished.outcome.error = error.message;
      return finished;
    }

    const EmailReceiver& receiver_;
    const std::shared_ptr<const Message> message_;
  };

  Result<http::SmtpOptions> Server() const {
    http::SmtpOptions out;
    TRY(SetSmarthost(config_.smarthost, &out));
    out.hello = config_.hello;
    out.implicit_tls = config_.force_implicit_tls.value_or(out.port == 465);
    out.require_starttls = config_.require_tls.value_or(true);
    const config::TlsConfig& tls = config_.tls_config;
    out.ca_file = tls.ca_file;
    out.ca_pem = tls.ca;
    out.cert_file = tls.cert_file;
    out.cert_pem = tls.cert;
    out.key_file = tls.key_file;
    out.key_pem = tls.key.value;
    out.server_name = tls.server_name;
    out.insecure_skip_verify = tls.insecure_skip_verify;
    out.min_tls_version = TlsVersionOf(tls.min_version, 12);
    out.max_tls_version = TlsVersionOf(tls.max_version, 13);
    out.username = config_.auth_username;
    out.identity = config_.auth_identity;
    out.password =
        TRY(ReadSecret(config_.auth_password, config_.auth_password_file, "auth_password_file"));
    out.secret = TRY(ReadSecret(config_.auth_secret, config_.auth_secret_file, "auth_secret_file"));
    return out;
  }

  Result<http::SmtpMail> Mail(const Message& message) const {
    Expander texts = message.Texts();
    const auto addresses = [&](const std::string& text,
                               const std::string& what) -> Result<std::vector<MailAddress>> {
      const std::string list = texts.Text(text);
      TRY_CONTEXT(texts.Check(), "execute '" + what + "' template");
      return TRY_CONTEXT(ParseAddressList(list), "parse '" + what + "' addresses");
    };
    const std::vector<MailAddress> from = TRY(addresses(config_.from, "from"));
    if (from.size() != 1) {
      return BadData("must be exactly one 'from' address (got: " + std::to_string(from.size()) +
                     ")");
    }
    http::SmtpMail mail;
    mail.from = from.front().address;
    for (MailAddress& to : TRY(addresses(config_.to, "to"))) {
      mail.recipients.push_back(std::move(to.address));
    }
    mail.message = TRY(Body(message, &texts));
    return mail;
  }

  Result<std::string> Body(const Message& message, Expander* texts) const {
    MailParts parts;
    StringMap headers = config_.headers;
    headers.emplace("Subject", kDefaultSubject);
    headers.emplace("To", config_.to);
    headers.emplace("From", config_.from);
    for (const auto& [name, text] : headers) {
      parts.headers[name] = texts->Text(text);
      TRY_CONTEXT(texts->Check(), "execute " + Quote(name) + " header template");
    }
    parts.text = texts->Text(config_.text);
    TRY_CONTEXT(texts->Check(), "execute text template");
    parts.html = texts->Html(config_.html);
    TRY_CONTEXT(texts->Check(), "execute html template");
    parts.now = world_.clock->Now();
    parts.unique = std::to_string(parts.now) + "." + std::to_string(world_.random());
    parts.host = world_.host;
    if (config_.threading.enabled) {
      parts.thread =
          ThreadRoot(message.key_hash, config_.threading.thread_by_date != "none", parts.now);
    }
    return WriteMail(parts);
  }

  const alerting::EmailConfig config_;
  const MailWorld world_;
};

std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') {
    return "localhost.localdomain";
  }
  return name.data();
}

uint64_t RandomNumber() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

}  // namespace

std::unique_ptr<Receiver> MakeEmailWith(const alerting::EmailConfig& config, MailWorld world) {
  return std::make_unique<EmailReceiver>(config, std::move(world));
}

std::unique_ptr<Receiver> MakeEmail(const alerting::EmailConfig& config,
                                    const ReceiverContext& context) {
  MailWorld world;
  world.random = RandomNumber;
  world.host = HostName();
  world.clock = &context.clock;
  return MakeEmailWith(config, std::move(world));
}

}  // namespace vigil::notify
