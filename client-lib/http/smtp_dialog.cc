// SPDX-License-Identifier: Apache-2.0
// The commands of one mail. The words of errors are those that Alertmanager's users know.
#include "client-lib/http/smtp_dialog.h"

#include <algorithm>

#include "client-lib/base/strings.h"
#include "client-lib/http/digest.h"

namespace vigil::http {
namespace {

// RFC 5321 allows 512 bytes a line; a reply of many lines is still short.
constexpr size_t kMaxReplyBytes = 64 << 10;

std::string ReplyText(const SmtpReply& reply) {
  return std::to_string(reply.code) + (reply.text.empty() ? "" : " " + reply.text);
}

Error Refused(const std::string& step, const SmtpReply& reply) {
  return Unavailable(step + ": " + ReplyText(reply));
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
  });
}

bool IsAsciiOnly(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// A password may go to this machine without encryption.
bool IsThisMachine(std::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "::1";
}

}  // namespace

Result<std::optional<SmtpReply>> SmtpReplyReader::Next() {
  SmtpReply reply;
  size_t at = 0;
  bool first = true;
  for (;;) {
    const size_t end = buffer_.find('\n', at);
    if (end == std::string::npos) {
      if (buffer_.size() <= kMaxReplyBytes) return std::optional<SmtpReply>();
      return BadData("the server's reply is longer than 64 KiB");
    }
    std::string_view line(buffer_.data() + at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::optional<uint64_t> code =
        ParseUint(line.substr(0, std::min<size_t>(3, line.size())));
    const char mark = line.size() > 3 ? line[3] : ' ';
    if (line.size() < 3 || !code || *code < 100 || (mark != ' ' && mark != '-') ||
        (!first && static_cast<int>(*code) != reply.code)) {
      return BadData("no SMTP reply: " + Quote(line.substr(0, 100)));
    }
    reply.code = static_cast<int>(*code);
    if (!first) reply.text += '\n';
    reply.text += line.size() > 4 ? line.substr(4) : std::string_view();
    first = false;
    at = end + 1;
    if (mark == '-') continue;
    buffer_.erase(0, at);
    return std::optional<SmtpReply>(std::move(reply));
  }
}

SmtpDialog::SmtpDialog(const SmtpOptions& options, const SmtpMail& mail)
    : options_(options), mail_(mail), encrypted_(options.implicit_tls) {}

Result<void> SmtpDialog::Check() const {
  if (options_.hello.empty() || HasControl(options_.hello) ||
      options_.hello.find(' ') != std::string::npos) {
    return BadData("send EHLO command: " + Quote(options_.hello) + " is no host name");
  }
  if (mail_.from.empty() || HasControl(mail_.from)) {
    return BadData("send MAIL command: " + Quote(mail_.from) + " is no address");
  }
  if (mail_.recipients.empty()) return BadData("send RCPT command: the mail has no recipient");
  for (const std::string& address : mail_.recipients) {
    if (address.empty() || HasControl(address)) {
      return BadData("send RCPT command: " + Quote(address) + " is no address");
    }
  }
  return Ok();
}

SmtpDialog::Step SmtpDialog::Hello() {
  state_ = State::kEhlo;
  has_starttls_ = false;
  has_utf8_ = false;
  mechanisms_.reset();
  return {"EHLO " + options_.hello + "\r\n", Then::kReply};
}

Result<SmtpDialog::Step> SmtpDialog::OnReply(const SmtpReply& reply) {
  switch (state_) {
    case State::kGreeting:
      if (reply.code != 220) return Refused("create SMTP client", reply);
      return Hello();
    case State::kEhlo:
    case State::kHelo:
      return OnHello(reply);
    case State::kStartTls:
      if (reply.code != 220) return Refused("send STARTTLS command", reply);
      return Step{"", Then::kStartTls};
    case State::kAuth:
      return OnAuth(reply);
    case State::kMail:
      if (reply.code != 250) return Refused("send MAIL command", reply);
      return NextRecipient();
    case State::kRcpt:
      if (reply.code / 10 != 25) return Refused("send RCPT command", reply);
      return NextRecipient();
    case State::kData:
      if (reply.code != 354) return Refused("send DATA command", reply);
      state_ = State::kBody;
      return Step{DotStuffed(mail_.message), Then::kReply};
    case State::kBody:
      if (reply.code != 250) return Refused("delivery failure", reply);
      state_ = State::kQuit;
      return Step{QuitCommand(), Then::kReply};
    case State::kQuit:
      break;
  }
  return Step{"", Then::kDone};
}

SmtpDialog::Step SmtpDialog::OnTls() {
  encrypted_ = true;
  // Everything that was said before may be forged.
  return Hello();
}

Result<SmtpDialog::Step> SmtpDialog::OnHello(const SmtpReply& reply) {
  if (reply.code != 250) {
    if (state_ == State::kHelo) return Refused("send EHLO command", reply);
    state_ = State::kHelo;
    return Step{"HELO " + options_.hello + "\r\n", Then::kReply};
  }
  const std::vector<std::string_view> lines = Split(reply.text, '\n');
  for (size_t i = 1; state_ == State::kEhlo && i < lines.size(); ++i) {
    const size_t space = lines[i].find(' ');
    const std::string name = AsciiUpper(lines[i].substr(0, space));
    if (name == "STARTTLS") has_starttls_ = true;
    if (name == "SMTPUTF8") has_utf8_ = true;
    if (name == "AUTH") {
      mechanisms_ = space == std::string_view::npos ? "" : std::string(lines[i].substr(space + 1));
    }
  }
  if (options_.require_starttls && !encrypted_) {
    if (!has_starttls_) {
      return Unavailable("'require_tls' is true (default) but " +
                         Quote(options_.host + ":" + std::to_string(options_.port)) +
                         " does not advertise the STARTTLS extension");
    }
    state_ = State::kStartTls;
    return Step{"STARTTLS\r\n", Then::kReply};
  }
  return BeginAuth();
}

Result<SmtpDialog::Mechanism> SmtpDialog::ChooseMechanism() const {
  std::vector<std::string> problems;
  for (const std::string_view word : Fields(*mechanisms_)) {
    const std::string name = AsciiUpper(word);
    if (name == "CRAM-MD5") {
      if (!options_.secret.empty()) return Mechanism::kCramMd5;
      problems.emplace_back("missing secret for CRAM-MD5 auth mechanism");
    } else if (name == "PLAIN" || name == "LOGIN") {
      if (!options_.password.empty()) {
        return name == "PLAIN" ? Mechanism::kPlain : Mechanism::kLogin;
      }
      problems.push_back("missing password for " + name + " auth mechanism");
    } else {
      problems.push_back("unknown auth mechanism: " + std::string(word));
    }
  }
  return Unavailable("find auth mechanism: " + Join(problems, "; "));
}

Result<SmtpDialog::Step> SmtpDialog::BeginAuth() {
  if (!mechanisms_ || options_.username.empty()) return BeginMail();
  mechanism_ = TRY(ChooseMechanism());
  state_ = State::kAuth;
  switch (mechanism_) {
    case Mechanism::kCramMd5:
      return Step{"AUTH CRAM-MD5\r\n", Then::kReply};
    case Mechanism::kLogin:
      return Step{"AUTH LOGIN\r\n", Then::kReply};
    case Mechanism::kPlain:
    case Mechanism::kNone:
      break;
  }
  if (!encrypted_ && !IsThisMachine(options_.host)) {
    return Unavailable("*smtp.plainAuth auth: unencrypted connection");
  }
  const std::string zero(1, '\0');
  const std::string word = options_.identity + zero + options_.username + zero + options_.password;
  return Step{"AUTH PLAIN " + Base64Encode(word) + "\r\n", Then::kReply};
}

Result<SmtpDialog::Step> SmtpDialog::OnAuth(const SmtpReply& reply) {
  const std::string step = mechanism_ == Mechanism::kCramMd5 ? "*smtp.cramMD5Auth auth"
                           : mechanism_ == Mechanism::kLogin ? "*email.loginAuth auth"
                                                             : "*smtp.plainAuth auth";
  if (reply.code == 235) return BeginMail();
  if (reply.code != 334) return Refused(step, reply);
  ++challenges_;
  if (mechanism_ == Mechanism::kCramMd5 && challenges_ == 1) {
    const Result<std::string> challenge = Base64Decode(reply.text);
    if (!challenge) return Unavailable(step + ": " + challenge.error().message);
    const std::string proof = HexText(HmacMd5(options_.secret, *challenge));
    return Step{Base64Encode(options_.username + " " + proof) + "\r\n", Then::kReply};
  }
  // Servers ask in their own words; the order is fixed.
  if (mechanism_ == Mechanism::kLogin && challenges_ <= 2) {
    return Step{Base64Encode(challenges_ == 1 ? options_.username : options_.password) + "\r\n",
                Then::kReply};
  }
  return Unavailable(step + ": unexpected server challenge");
}

Result<SmtpDialog::Step> SmtpDialog::BeginMail() {
  state_ = State::kMail;
  bool ascii = IsAsciiOnly(mail_.from);
  for (const std::string& address : mail_.recipients) ascii = ascii && IsAsciiOnly(address);
  if (!ascii && !has_utf8_) {
    return Unavailable(
        "send MAIL command: an address is not ASCII and the server does not offer "
        "SMTPUTF8");
  }
  return Step{"MAIL FROM:<" + mail_.from + ">" + (ascii ? "" : " SMTPUTF8") + "\r\n", Then::kReply};
}

SmtpDialog::Step SmtpDialog::NextRecipient() {
  if (recipient_ == mail_.recipients.size()) {
    state_ = State::kData;
    return {"DATA\r\n", Then::kReply};
  }
  state_ = State::kRcpt;
  return {"RCPT TO:<" + mail_.recipients[recipient_++] + ">\r\n", Then::kReply};
}

std::string DotStuffed(std::string_view message) {
  std::string out;
  out.reserve(message.size() + message.size() / 32 + 8);
  bool line_start = true;
  for (size_t i = 0; i < message.size(); ++i) {
    const char c = message[i];
    if (c == '\r' || c == '\n') {
      // A lone CR would be a line end to some servers: it is one to all then.
      if (c == '\r' && i + 1 < message.size() && message[i + 1] == '\n') ++i;
      out += "\r\n";
      line_start = true;
      continue;
    }
    if (line_start && c == '.') out += '.';
    out += c;
    line_start = false;
  }
  if (!line_start) out += "\r\n";
  return out + ".\r\n";
}

}  // namespace vigil::http
