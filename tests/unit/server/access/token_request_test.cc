// SPDX-License-Identifier: Apache-2.0
// What is asked for a token; how tokens are used is in tests/scripts/scrape/oauth2.txt and with the
// notifier.
#include "server/access/token_request.h"

#include <gtest/gtest.h>

#include "client-lib/base/json_value.h"
#include "client-lib/base/strings.h"
#include "client-lib/http/rsa_signature.h"
#include "server/access/client_options.h"
#include "tests/support/test_rsa_key.h"

namespace vigil::access {
namespace {

config::OAuth2Config SigningConfig() {
  config::OAuth2Config oauth2;
  oauth2.grant_type = config::kJwtBearerGrant;
  oauth2.client_id = "me";
  oauth2.client_certificate_key.value = testing_support::kTestRsaKey;
  oauth2.token_url = "http://auth.example/token";
  return oauth2;
}

std::string FromBase64Url(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  const auto bytes = Base64Decode(text);
  EXPECT_TRUE(bytes) << text;
  return bytes ? *bytes : std::string();
}

struct Assertion {
  std::string signed_text;
  JsonValue header;
  JsonValue claims;
  std::string signature;
};

Assertion AssertionOf(const config::OAuth2Config& oauth2) {
  const ManualClock clock(1'770'091'506'000);
  Assertion out;
  const auto request = MakeTokenRequest(oauth2, ClientProof::kPassword, clock);
  EXPECT_TRUE(request) << request.error().message;
  if (!request) return out;
  EXPECT_EQ(request->options->basic_auth_username, "");
  std::string body = request->body;
  const std::string after = "&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
  EXPECT_TRUE(body.starts_with("assertion=") && body.ends_with(after)) << body;
  body = body.substr(10, body.size() - 10 - after.size());
  const size_t first = body.find('.');
  const size_t second = body.find('.', first + 1);
  out.signed_text = body.substr(0, second);
  out.header = *ParseJson(FromBase64Url(body.substr(0, first)));
  out.claims = *ParseJson(FromBase64Url(body.substr(first + 1, second - first - 1)));
  out.signature = FromBase64Url(body.substr(second + 1));
  return out;
}

TEST(TokenRequest, SignsWhoAsks) {
  const Assertion made = AssertionOf(SigningConfig());
  EXPECT_EQ(made.header["alg"].text, "RS256");
  EXPECT_EQ(made.header["typ"].text, "JWT");
  EXPECT_EQ(made.header["kid"].kind, JsonValue::Kind::kNull);
  EXPECT_EQ(made.claims["iss"].text, "me");
  EXPECT_EQ(made.claims["sub"].text, "me");
  EXPECT_EQ(made.claims["aud"].text, "http://auth.example/token");
  EXPECT_EQ(made.claims["iat"].text, "1770091506");
  EXPECT_EQ(made.claims["exp"].text, "1770092106");
  EXPECT_EQ(made.claims["jti"].text.size(), 36U);
  EXPECT_EQ(made.claims["scope"].kind, JsonValue::Kind::kNull);
  EXPECT_EQ(made.signature,
            *http::SignRsa(testing_support::kTestRsaKey, http::RsaHash::kSha256, made.signed_text));
  EXPECT_NE(AssertionOf(SigningConfig()).claims["jti"].text, made.claims["jti"].text);
}

TEST(TokenRequest, SignsWhatTheConfigurationAdds) {
  config::OAuth2Config oauth2 = SigningConfig();
  oauth2.client_certificate_key_id = "k1";
  oauth2.signature_algorithm = "RS512";
  oauth2.iss = "somebody \"else\"";
  oauth2.audience = "them";
  oauth2.scopes = {"a", "b"};
  oauth2.claims = {{"level", "5"}, {"sub", "\"other\""}};
  const Assertion made = AssertionOf(oauth2);
  EXPECT_EQ(made.header["alg"].text, "RS512");
  EXPECT_EQ(made.header["kid"].text, "k1");
  EXPECT_EQ(made.claims["iss"].text, "somebody \"else\"");
  EXPECT_EQ(made.claims["aud"].text, "them");
  EXPECT_EQ(made.claims["scope"].text, "a b");
  EXPECT_EQ(made.claims["sub"].text, "other");
  EXPECT_EQ(made.claims["level"].kind, JsonValue::Kind::kNumber);
  EXPECT_EQ(made.signature,
            *http::SignRsa(testing_support::kTestRsaKey, http::RsaHash::kSha512, made.signed_text));
}

TEST(TokenRequest, SaysThatAKeyIsNone) {
  config::OAuth2Config oauth2 = SigningConfig();
  oauth2.client_certificate_key.value = "x";
  const auto request = MakeTokenRequest(oauth2, ClientProof::kPassword, Clock::System());
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().message,
            "oauth2: the key that signs is not a valid RSA private key in PEM");
}

TEST(TokenRequest, GoesItsOwnWay) {
  config::OAuth2Config oauth2 = SigningConfig();
  oauth2.proxy_url = "http://proxy:3128";
  oauth2.no_proxy = "a";
  oauth2.proxy_connect_header = {{"X", {{"b"}, {"c"}}}};
  oauth2.has_tls_config = true;
  oauth2.tls_config.server_name = "auth";
  oauth2.tls_config.max_version = "TLS12";
  const auto request = MakeTokenRequest(oauth2, ClientProof::kPassword, Clock::System());
  ASSERT_TRUE(request);
  const http::ClientOptions& options = *request->options;
  EXPECT_EQ(options.proxy_url, "http://proxy:3128");
  EXPECT_EQ(options.no_proxy, "a");
  EXPECT_EQ(options.proxy_headers,
            (std::vector<std::pair<std::string, std::string>>{{"X", "b"}, {"X", "c"}}));
  EXPECT_EQ(options.server_name, "auth");
  EXPECT_EQ(options.min_tls_version, 12);
  EXPECT_EQ(options.max_tls_version, 12);
}

TEST(ReadToken, KeepsTheStartOfALongRefusal) {
  http::ClientResponse answer;
  answer.status = 400;
  answer.body = "x";
  for (int i = 0; i < 5000; ++i) answer.body += "\u00e4";
  const auto token = ReadToken(answer);
  ASSERT_FALSE(token);
  const std::string prefix = "oauth2: cannot fetch token: 400 Bad Request\nResponse: ";
  EXPECT_EQ(token.error().message, prefix + answer.body.substr(0, 1023));
}

TEST(ClientOptions, HaveTheVersionsOfTls) {
  http::ClientOptions options;
  SetTls({}, &options);
  EXPECT_EQ(options.min_tls_version, 12);
  EXPECT_EQ(options.max_tls_version, 13);
  config::TlsConfig tls;
  tls.min_version = "TLS10";
  tls.max_version = "TLS11";
  SetTls(tls, &options);
  EXPECT_EQ(options.min_tls_version, 10);
  EXPECT_EQ(options.max_tls_version, 11);
}

}  // namespace
}  // namespace vigil::access
