// SPDX-License-Identifier: Apache-2.0
// The dialog on a socket, plain or with TLS.
#include "client-lib/http/smtp.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "client-lib/http/dial.h"
#include "client-lib/http/smtp_dialog.h"
#include "client-lib/http/tls_client.h"

namespace vigil::http {
namespace {

// How long a server may take to say goodbye: the mail is delivered by then.
constexpr int64_t kFarewellMs = 2'000;

// A socket that becomes a TLS connection when it is told to.
// Threads: owner thread only.
class MailStream {
 public:
  MailStream(Descriptor socket, const WaitLimit& limit)
      : socket_(std::move(socket)), limit_(&limit) {}

  // From now on. It must live as long as the stream is used.
  void SetLimit(const WaitLimit& limit) { limit_ = &limit; }

  Result<void> StartTls(const SmtpOptions& options) {
    TlsClientOptions tls;
    tls.ca_file = options.ca_file;
    tls.ca_pem = options.ca_pem;
    tls.cert_file = options.cert_file;
    tls.cert_pem = options.cert_pem;
    tls.key_file = options.key_file;
    tls.key_pem = options.key_pem;
    tls.server_name = options.server_name.empty() ? options.host : options.server_name;
    tls.insecure_skip_verify = options.insecure_skip_verify;
    tls.min_version = options.min_tls_version;
    tls.max_version = options.max_tls_version;
    tls_ = TRY_CONTEXT(TlsClient::Create(tls), "parse TLS configuration");
    for (;;) {
      // An alert about a bad certificate is sent, too.
      Result<bool> done = tls_->Handshake();
      TRY(SendRaw(tls_->TakeOutput()));
      if (!done) return std::move(done).error();
      if (*done) return Ok();
      const std::string bytes = TRY(ReceiveRaw());
      if (bytes.empty()) return Unavailable("EOF");
      tls_->Feed(bytes);
    }
  }

  Result<void> Send(std::string_view plain) {
    if (tls_ == nullptr) return SendRaw(plain);
    TRY(tls_->Write(plain));
    return SendRaw(tls_->TakeOutput());
  }

  // Something; empty at the end.
  Result<std::string> Receive() {
    if (tls_ == nullptr) return ReceiveRaw();
    std::string plain;
    for (;;) {
      const bool open = TRY(tls_->Read(&plain));
      if (!plain.empty() || !open) return plain;
      const std::string bytes = TRY(ReceiveRaw());
      if (bytes.empty()) return std::string();
      tls_->Feed(bytes);
    }
  }

 private:
  Result<void> SendRaw(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<size_t>(sent));
      } else if (errno == EAGAIN) {
        TRY(limit_->Wait(socket_.get(), POLLOUT));
      } else if (errno != EINTR) {
        return Unavailable(std::string("write: ") + std::strerror(errno));
      }
    }
    return limit_->Check();
  }

  Result<std::string> ReceiveRaw() {
    std::array<char, 4096> piece{};
    for (;;) {
      const ssize_t count = recv(socket_.get(), piece.data(), piece.size(), 0);
      if (count >= 0) return std::string(piece.data(), static_cast<size_t>(count));
      if (errno == EAGAIN) {
        TRY(limit_->Wait(socket_.get(), POLLIN));
      } else if (errno != EINTR) {
        return Unavailable(std::string("read: ") + std::strerror(errno));
      }
    }
  }

  Descriptor socket_;
  const WaitLimit* limit_;
  std::unique_ptr<TlsClient> tls_;
};

// One try: what it says last stays in *last.
// Threads: owner thread only.
class Delivery {
 public:
  Delivery(const SmtpOptions& options, const SmtpMail& mail, const std::stop_token& stop)
      : options_(options), stop_(stop), dialog_(options, mail) {}

  Result<void> Run(int64_t timeout_ms, SmtpReply* last) {
    TRY(dialog_.Check());
    const WaitLimit limit(timeout_ms, stop_);
    const char* how = options_.implicit_tls ? "establish TLS connection to server"
                                            : "establish connection to server";
    Descriptor socket = TRY_CONTEXT(Dial(options_.host, options_.port, limit), how);
    MailStream stream(std::move(socket), limit);
    if (options_.implicit_tls) TRY_CONTEXT(stream.StartTls(options_), how);
    SmtpDialog::Step step;
    while (!dialog_.delivered()) {
      const SmtpReply reply = TRY(Await(&stream));
      *last = reply;
      Result<SmtpDialog::Step> next = dialog_.OnReply(reply);
      if (!next) {
        // The server's view of us matters little now: no waiting.
        static_cast<void>(stream.Send(SmtpDialog::QuitCommand()).has_value());
        return std::move(next).error();
      }
      step = std::move(next).value();
      if (dialog_.delivered()) break;
      if (step.then == SmtpDialog::Then::kStartTls) {
        replies_.Clear();
        TRY_CONTEXT(stream.StartTls(options_), "send STARTTLS command");
        step = dialog_.OnTls();
      }
      TRY_CONTEXT(stream.Send(step.send), "send to SMTP server");
    }
    Farewell(&stream, step.send);
    return Ok();
  }

 private:
  Result<SmtpReply> Await(MailStream* stream) {
    for (;;) {
      Result<std::optional<SmtpReply>> reply = replies_.Next();
      // What comes over the wire is nobody's fault here: the next try may read better.
      if (!reply) return Unavailable("read from SMTP server: " + reply.error().message);
      if (*reply) return **std::move(reply);
      const std::string bytes = TRY_CONTEXT(stream->Receive(), "read from SMTP server");
      if (bytes.empty()) return Unavailable("read from SMTP server: EOF");
      replies_.Add(bytes);
    }
  }

  // The mail is delivered: what happens now changes nothing.
  void Farewell(MailStream* stream, const std::string& quit) {
    const WaitLimit limit(kFarewellMs, stop_);
    stream->SetLimit(limit);
    if (stream->Send(quit)) static_cast<void>(Await(stream).has_value());
  }

  const SmtpOptions& options_;
  const std::stop_token stop_;
  SmtpDialog dialog_;
  SmtpReplyReader replies_;
};

}  // namespace

SmtpOutcome SendMail(const SmtpOptions& options, const SmtpMail& mail, int64_t timeout_ms,
                     const std::stop_token& stop) {
  SmtpOutcome outcome;
  outcome.result = Delivery(options, mail, stop).Run(timeout_ms, &outcome.last_reply);
  return outcome;
}

}  // namespace vigil::http
