// SPDX-License-Identifier: Apache-2.0
#include "server/access/token_request.h"

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "client-lib/base/json_value.h"
#include "client-lib/base/strings.h"
#include "client-lib/http/digest.h"
#include "client-lib/http/message.h"
#include "client-lib/http/rsa_signature.h"
#include "server/access/client_options.h"
#include "server/access/escape.h"
#include "server/config/node_json.h"

namespace vigil::access {
namespace {

constexpr size_t kMaxTokenAnswer = 1 << 20;
constexpr size_t kMaxShownAnswer = 1024;
constexpr int64_t kAssertionSeconds = 600;
constexpr int64_t kMaxTokenSeconds = 1'000'000'000;

using Form = std::vector<std::pair<std::string, std::string>>;

std::string Base64Url(std::string_view bytes) {
  std::string text = Base64Encode(bytes);
  while (text.ends_with('=')) text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

std::string JsonObject(const config::Claims& members) {
  std::string out = "{";
  for (const auto& [name, json] : members) {
    if (out.size() > 1) out += ',';
    out += config::JsonString(name) + ":" + json;
  }
  return out + "}";
}

// A version 4 UUID: no two assertions are the same.
std::string RandomId() {
  std::random_device random;
  std::string bytes;
  for (int i = 0; i < 16; ++i) bytes += static_cast<char>(random() & 0xff);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  std::string text = http::HexText(bytes);
  for (const size_t at : {8U, 13U, 18U, 23U}) text.insert(at, "-");
  return text;
}

Result<std::string> MakeAssertion(const config::OAuth2Config& oauth2, const Clock& clock) {
  const std::string key =
      TRY(TextOrFile(oauth2.client_certificate_key.value, oauth2.client_certificate_key_file));
  const std::string& named = oauth2.signature_algorithm;
  const std::string algorithm = named.empty() ? "RS256" : named;
  config::Claims header = {{"alg", config::JsonString(algorithm)}, {"typ", "\"JWT\""}};
  if (!oauth2.client_certificate_key_id.empty()) {
    header["kid"] = config::JsonString(oauth2.client_certificate_key_id);
  }
  const int64_t now = clock.Now() / 1000;
  config::Claims claims = {
      {"iss", config::JsonString(oauth2.iss.empty() ? oauth2.client_id : oauth2.iss)},
      {"sub", config::JsonString(oauth2.client_id)},
      {"jti", config::JsonString(RandomId())},
      {"aud", config::JsonString(oauth2.audience.empty() ? oauth2.token_url : oauth2.audience)},
      {"iat", std::to_string(now)},
      {"exp", std::to_string(now + kAssertionSeconds)}};
  if (!oauth2.scopes.empty()) claims["scope"] = config::JsonString(Join(oauth2.scopes, " "));
  for (const auto& [name, json] : oauth2.claims) claims[name] = json;

  const std::string text = Base64Url(JsonObject(header)) + "." + Base64Url(JsonObject(claims));
  const http::RsaHash hash = algorithm == "RS384"   ? http::RsaHash::kSha384
                             : algorithm == "RS512" ? http::RsaHash::kSha512
                                                    : http::RsaHash::kSha256;
  const std::string signature = TRY_CONTEXT(http::SignRsa(key, hash, text), "oauth2");
  return text + "." + Base64Url(signature);
}

// endpoint_params may name another grant, for servers that know the password grant only.
void SetField(std::string name, std::string value, Form* form) {
  for (auto& [known, old] : *form) {
    if (known == name) {
      old = std::move(value);
      return;
    }
  }
  form->emplace_back(std::move(name), std::move(value));
}

Result<Form> MakeForm(const config::OAuth2Config& oauth2, ClientProof proof, const Clock& clock,
                      http::ClientOptions* options) {
  Form form;
  if (oauth2.grant_type == config::kJwtBearerGrant) {
    form.emplace_back("grant_type", std::string(config::kJwtBearerGrant));
    form.emplace_back("assertion", TRY(MakeAssertion(oauth2, clock)));
  } else {
    std::string secret = TRY(TextOrFile(oauth2.client_secret.value, oauth2.client_secret_file));
    form.emplace_back("grant_type", "client_credentials");
    if (!oauth2.scopes.empty()) form.emplace_back("scope", Join(oauth2.scopes, " "));
    if (proof == ClientProof::kForm) {
      form.emplace_back("client_id", oauth2.client_id);
      if (!secret.empty()) form.emplace_back("client_secret", std::move(secret));
    } else {
      // As the RFC wants it: both are form-encoded before they become a password.
      options->basic_auth_username = QueryEscape(oauth2.client_id);
      options->basic_auth_password = QueryEscape(secret);
    }
  }
  for (const auto& [name, value] : oauth2.endpoint_params) SetField(name, value, &form);
  return form;
}

// What an error keeps of an answer: whole characters.
std::string StartOf(const std::string& body) {
  if (body.size() <= kMaxShownAnswer) return body;
  size_t end = kMaxShownAnswer;
  const auto inside = [&] { return (static_cast<unsigned char>(body[end]) & 0xC0) == 0x80; };
  while (end > kMaxShownAnswer - 4 && inside()) --end;
  return body.substr(0, end);
}

}  // namespace

Result<http::ClientRequest> MakeTokenRequest(const config::OAuth2Config& oauth2, ClientProof proof,
                                             const Clock& clock) {
  auto options = std::make_shared<http::ClientOptions>();
  if (oauth2.has_tls_config) SetTls(oauth2.tls_config, options.get());
  SetProxy(oauth2, options.get());
  Form form = TRY(MakeForm(oauth2, proof, clock, options.get()));

  http::ClientRequest request;
  request.method = "POST";
  request.url = oauth2.token_url;
  request.headers.Set("Content-Type", "application/x-www-form-urlencoded");
  request.headers.Set("Accept", "application/json");
  request.body = EncodeQuery(std::move(form));
  request.options = std::move(options);
  request.max_body_bytes = kMaxTokenAnswer;
  return request;
}

Result<Token> ReadToken(const Result<http::ClientResponse>& answer) {
  static const std::string kContext = "oauth2: cannot fetch token";
  if (!answer) {
    if (answer.error().kind == ErrorKind::kCanceled) return answer.error();
    return Unavailable(kContext + ": " + answer.error().message);
  }
  if (answer->status / 100 != 2) {
    std::string text = kContext + ": " + std::to_string(answer->status) + " " +
                       std::string(http::StatusText(answer->status)) +
                       "\nResponse: " + StartOf(answer->body);
    // A server in trouble may recover; credentials it refuses will not.
    const bool later = answer->status / 100 == 5 || answer->status == 429;
    return later ? Unavailable(std::move(text)) : BadData(std::move(text));
  }
  const auto parsed = ParseJson(answer->body);
  if (!parsed) return Unavailable(kContext + ": " + parsed.error().message);
  const JsonValue& json = *parsed;
  const std::string& text = json["access_token"].text;
  if (text.empty()) return BadData("oauth2: server response missing access_token");
  std::string type = json["token_type"].text;
  if (type.empty() || EqualsIgnoreCase(type, "bearer")) type = "Bearer";
  Token token;
  token.header = type + " " + text;
  const std::optional<int64_t> seconds = ParseInt(json["expires_in"].text);
  if (seconds && *seconds > 0 && *seconds < kMaxTokenSeconds) token.seconds = *seconds;
  return token;
}

}  // namespace vigil::access
