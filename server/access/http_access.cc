// SPDX-License-Identifier: Apache-2.0
#include "server/access/http_access.h"

#include <utility>

#include "server/access/client_options.h"

namespace vigil::access {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
// A token is not used in its last seconds: it might run out on the way.
constexpr int64_t kTokenMarginSeconds = 10;
constexpr int64_t kForeverNs = INT64_MAX;

// The server understood the request and does not take it.
bool IsRefusal(const Result<http::ClientResponse>& answer) {
  return answer && answer->status / 100 == 4 && answer->status != 429;
}

}  // namespace

HttpAccess::HttpAccess(config::HttpClientConfig config, const Clock& clock, int64_t secrets_age_ns)
    : config_(std::move(config)),
      clock_(clock),
      secrets_age_ns_(secrets_age_ns),
      has_secret_files_(HasSecretFiles(config_)) {}

bool HttpAccess::NeedsToken() const {
  return config_.has_oauth2 && (token_.empty() || clock_.MonotonicNs() >= token_until_ns_);
}

Result<HttpAccess::Wanted> HttpAccess::TokenRequest() {
  if (!NeedsToken()) return Wanted();
  return Wanted(TRY(MakeTokenRequest(config_.oauth2, proof_, clock_)));
}

Result<HttpAccess::Wanted> HttpAccess::TakeToken(const Result<http::ClientResponse>& answer) {
  Result<Token> token = ReadToken(answer);
  const bool signs = config_.oauth2.grant_type == config::kJwtBearerGrant;
  if (!token) {
    const bool other_form = proof_ == ClientProof::kPassword && !proof_known_ && !signs;
    proof_ = proof_known_ ? proof_ : ClientProof::kPassword;
    if (!other_form || !IsRefusal(answer)) return token.error();
    proof_ = ClientProof::kForm;
    return Wanted(TRY(MakeTokenRequest(config_.oauth2, proof_, clock_)));
  }
  proof_known_ = true;
  token_ = std::move(token->header);
  token_since_ns_ = clock_.MonotonicNs();
  token_until_ns_ = token->seconds == 0
                        ? kForeverNs
                        : token_since_ns_ + (token->seconds - kTokenMarginSeconds) * kNsPerSecond;
  options_ = nullptr;
  return Wanted();
}

void HttpAccess::DropToken() {
  if (clock_.MonotonicNs() - token_since_ns_ >= kRefusedTokenAgeNs) token_.clear();
}

void HttpAccess::DropToken(const std::string& refused) {
  if (refused == token_) DropToken();
}

Result<HttpAccess::Options> HttpAccess::GetOptions() {
  if (options_ != nullptr && !has_secret_files_) return options_;
  const int64_t now_ns = clock_.MonotonicNs();
  if (options_ != nullptr && now_ns - options_made_ns_ < secrets_age_ns_) return options_;
  http::ClientOptions options = TRY(MakeClientOptions(config_));
  if (config_.has_oauth2) options.authorization = token_;
  options_ = std::make_shared<const http::ClientOptions>(std::move(options));
  options_made_ns_ = now_ns;
  return options_;
}

}  // namespace vigil::access
