// SPDX-License-Identifier: Apache-2.0
// Rows of http_config: those of server/config, and oauth2 and proxy_connect_header in full.
#include <fmt/format.h>

#include <array>
#include <utility>

#include "server/alerting/config_rows.h"
#include "server/config/field_tables.h"
#include "server/config/validate.h"

namespace vigil::alerting {
namespace {

using config::BoolCodec;
using config::HttpClientConfig;
using config::ParamsCodec;
using config::PathCodec;
using config::SecretCodec;
using config::StringCodec;
using config::StringListCodec;

using O = OAuth2Config;

template <auto kMember, typename Codec>
constexpr Field<O> OAuthProxyRow(std::string_view name, std::string_view help) {
  return {name, help,
          [](Reader& reader, const YamlNode& node, O* out) -> Result<void> {
            return Codec::Read(reader, node, &(out->proxy.*kMember));
          },
          [](std::string_view key, const O& in, YamlWriter* writer) {
            if (!Codec::IsZero(in.proxy.*kMember)) Codec::Write(key, in.proxy.*kMember, writer);
          }};
}

constexpr std::array kOAuthRows = {
    RowOf<O, &O::client_id, StringCodec, Show::kAlways>("client_id", "who we are"),
    RowOf<O, &O::client_secret, SecretCodec>("client_secret", "proof of it"),
    RowOf<O, &O::client_secret_file, PathCodec>("client_secret_file", "file with it"),
    RowOf<O, &O::scopes, StringListCodec>("scopes", "what to ask for"),
    RowOf<O, &O::token_url, StringCodec, Show::kAlways>("token_url", "where tokens are got"),
    RowOf<O, &O::endpoint_params, StringMapCodec>("endpoint_params", "further parameters"),
    BlockOf<O, &O::tls_config, &O::has_tls_config>("tls_config", "TLS of the token server"),
    OAuthProxyRow<&ProxyConfig::proxy_url, StringCodec>("proxy_url", "HTTP proxy to use"),
    OAuthProxyRow<&ProxyConfig::no_proxy, StringCodec>("no_proxy", "hosts without the proxy"),
    OAuthProxyRow<&ProxyConfig::proxy_from_environment, BoolCodec>(
        "proxy_from_environment", "take the proxy from the environment"),
    OAuthProxyRow<&ProxyConfig::proxy_connect_header, ParamsCodec>("proxy_connect_header",
                                                                   "headers for the proxy"),
};

constexpr Field<HttpConfig> kOAuthRow =
    BlockOf<HttpConfig, &HttpConfig::oauth2, &HttpConfig::has_oauth2>("oauth2",
                                                                      "tokens of OAuth 2.0");
constexpr Field<HttpConfig> kConnectRow =
    RowOf<HttpConfig, &HttpConfig::proxy_connect_header, ParamsCodec>("proxy_connect_header",
                                                                      "headers for the proxy");

template <size_t kIndex>
Field<HttpConfig> ClientRow() {
  const Field<HttpClientConfig>& row = config::FieldsOf<HttpClientConfig>()[kIndex];
  if (row.name == kOAuthRow.name) return kOAuthRow;
  if (row.name == kConnectRow.name) return kConnectRow;
  Field<HttpConfig> out{row.name, row.help, nullptr, nullptr, row.support};
  if (row.read != nullptr) {
    out.read = [](Reader& reader, const YamlNode& node, HttpConfig* http) {
      return config::FieldsOf<HttpClientConfig>()[kIndex].read(reader, node, &http->client);
    };
  }
  if (row.write != nullptr) {
    out.write = [](std::string_view name, const HttpConfig& http, YamlWriter* writer) {
      config::FieldsOf<HttpClientConfig>()[kIndex].write(name, http.client, writer);
    };
  }
  return out;
}

template <size_t... kIndexes>
std::vector<Field<HttpConfig>> JoinClientRows(std::index_sequence<kIndexes...>) {
  return {ClientRow<kIndexes>()...};
}

Result<void> CheckOAuth2(const Reader& reader, const YamlNode& node, const OAuth2Config& oauth2) {
  if (oauth2.client_id.empty()) return reader.FailHere(node, "oauth2 client_id must be configured");
  if (!oauth2.client_secret.empty() && !oauth2.client_secret_file.empty()) {
    return reader.FailHere(
        node, "at most one of oauth2 client_secret & client_secret_file must be configured");
  }
  if (oauth2.client_secret.empty() && oauth2.client_secret_file.empty()) {
    return reader.FailHere(node,
                           "either oauth2 client_secret or client_secret_file must be configured");
  }
  if (oauth2.token_url.empty()) return reader.FailHere(node, "oauth2 token_url must be configured");
  return Ok();
}

}  // namespace

Result<void> CheckHttp(Reader& reader, const YamlNode& node, HttpConfig* http) {
  TRY(config::FinishHttp(reader, node, &http->client));
  if (!http->has_oauth2) return Ok();
  if (http->client.has_basic_auth || http->client.has_authorization) {
    return reader.FailHere(node,
                           "at most one of basic_auth, oauth2 & authorization must be configured");
  }
  return CheckOAuth2(reader, node, http->oauth2);
}

Result<void> HttpConfigCodec::Read(Reader& reader, const YamlNode& node, HttpConfig* out) {
  TRY(config::ReadStruct(reader, node, out));
  return CheckHttp(reader, node, out);
}

}  // namespace vigil::alerting

namespace vigil::config {

template <>
std::span<const Field<alerting::HttpConfig>> FieldsOf<alerting::HttpConfig>() {
  static const std::vector<Field<alerting::HttpConfig>> rows =
      alerting::JoinClientRows(std::make_index_sequence<kHttpFieldCount>());
  return rows;
}
template <>
std::span<const Field<alerting::OAuth2Config>> FieldsOf<alerting::OAuth2Config>() {
  return alerting::kOAuthRows;
}

}  // namespace vigil::config
