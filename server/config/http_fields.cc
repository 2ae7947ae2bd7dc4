// SPDX-License-Identifier: Apache-2.0
// Rows of the HTTP client keys, in the order of upstream's status page.
#include <array>

#include "client-lib/base/strings.h"
#include "server/config/codecs.h"
#include "server/config/field_tables.h"
#include "server/config/node_json.h"

namespace vigil::config {
namespace {

struct SecretListCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::vector<Secret>* out) {
    TRY(ExpectList(reader, node));
    for (const YamlPtr& item : node.items) {
      TRY(SecretCodec::Read(reader, *item, &out->emplace_back()));
    }
    return Ok();
  }
  static void Write(std::string_view name, const std::vector<Secret>& value, YamlWriter* writer) {
    std::vector<std::string> texts;
    for (const Secret& secret : value) {
      texts.push_back(writer->show_secrets() ? secret.value : "<secret>");
    }
    writer->BlockList(name, texts);
  }
  static bool IsZero(const std::vector<Secret>& value) { return value.empty(); }
};

struct PathListCodec : StringListCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, std::vector<std::string>* out) {
    TRY(ExpectList(reader, node));
    for (const YamlPtr& item : node.items) {
      TRY(PathCodec::Read(reader, *item, &out->emplace_back()));
    }
    return Ok();
  }
};

// Header names to values that are not shown.
struct ProxyHeadersCodec {
  using Map = std::map<std::string, std::vector<Secret>>;
  static Result<void> Read(Reader& reader, const YamlNode& node, Map* out) {
    TRY(ExpectMap(reader, node));
    for (const auto& [key, value] : node.entries) {
      if (!IsHeaderName(key->text)) {
        return reader.FailHere(*key, Quote(key->text) + " is not a valid header name");
      }
      Reader::Scope scope(&reader, key->text);
      TRY(SecretListCodec::Read(reader, *value, &(*out)[key->text]));
    }
    return Ok();
  }
  static void Write(std::string_view name, const Map& value, YamlWriter* writer) {
    writer->OpenMap(name);
    for (const auto& [key, values] : value) SecretListCodec::Write(key, values, writer);
    writer->CloseMap();
  }
  static bool IsZero(const Map& value) { return value.empty(); }
};

// A URL whose password is not shown.
struct ProxyUrlCodec : StringCodec {
  static void Write(std::string_view name, const std::string& value, YamlWriter* writer) {
    writer->Scalar(name, writer->show_secrets() ? value : Redacted(value));
  }
  // The path of a proxy says nothing: what is before the last "@" may all be password.
  static std::string Redacted(const std::string& url) {
    const size_t scheme = url.find("://");
    const size_t start = scheme == std::string::npos ? 0 : scheme + 3;
    const size_t at = url.rfind('@');
    const size_t colon = url.find(':', start);
    if (at == std::string::npos || at < start || colon > at) return url;
    return url.substr(0, colon + 1) + "xxxxx" + url.substr(at);
  }
};

struct ClaimsCodec {
  static Result<void> Read(Reader& reader, const YamlNode& node, Claims* out) {
    TRY(ExpectMap(reader, node));
    for (const auto& [key, value] : node.entries) (*out)[key->text] = NodeToJson(*value);
    return Ok();
  }
  static void Write(std::string_view name, const Claims& value, YamlWriter* writer) {
    writer->OpenMap(name);
    for (const auto& [key, json] : value) writer->Verbatim(key, json);
    writer->CloseMap();
  }
  static bool IsZero(const Claims& value) { return value.empty(); }
};

constexpr std::string_view kTlsVersions[] = {"TLS10", "TLS11", "TLS12", "TLS13"};
using TlsVersionCodec = WordCodec<kTlsVersions>;

template <typename T>
constexpr Field<T> ProxyUrlRow() {
  return RowOf<T, &T::proxy_url, ProxyUrlCodec>("proxy_url", "HTTP proxy to use");
}
template <typename T>
constexpr Field<T> NoProxyRow() {
  return RowOf<T, &T::no_proxy, StringCodec>("no_proxy", "hosts reached without the proxy");
}
template <typename T>
constexpr Field<T> ProxyFromEnvironmentRow() {
  return RowOf<T, &T::proxy_from_environment, BoolCodec>(
      "proxy_from_environment", "take the proxy from HTTP_PROXY, HTTPS_PROXY and NO_PROXY");
}
template <typename T>
constexpr Field<T> ProxyHeadersRow() {
  return RowOf<T, &T::proxy_connect_header, ProxyHeadersCodec>("proxy_connect_header",
                                                               "headers for the proxy");
}

constexpr std::array kHttpRows = {
    BlockRow<&HttpClientConfig::basic_auth, &HttpClientConfig::has_basic_auth, BasicAuth>(
        "basic_auth", "user name and password"),
    BlockRow<&HttpClientConfig::authorization, &HttpClientConfig::has_authorization, Authorization>(
        "authorization", "the Authorization header"),
    BlockRow<&HttpClientConfig::oauth2, &HttpClientConfig::has_oauth2, OAuth2Config>(
        "oauth2", "tokens of OAuth 2.0"),
    Row<&HttpClientConfig::bearer_token, SecretCodec>("bearer_token",
                                                      "deprecated form of authorization"),
    Row<&HttpClientConfig::bearer_token_file, PathCodec>("bearer_token_file",
                                                         "deprecated form of authorization"),
    BlockRow<&HttpClientConfig::tls_config, &HttpClientConfig::has_tls_config, TlsConfig>(
        "tls_config", "certificates and checks of TLS"),
    Row<&HttpClientConfig::follow_redirects, BoolCodec, Show::kAlways>("follow_redirects",
                                                                       "follow 3xx answers"),
    Row<&HttpClientConfig::enable_http2, BoolCodec, Show::kAlways>("enable_http2",
                                                                   "allow HTTP/2 over TLS"),
    ProxyUrlRow<HttpClientConfig>(),
    NoProxyRow<HttpClientConfig>(),
    ProxyFromEnvironmentRow<HttpClientConfig>(),
    ProxyHeadersRow<HttpClientConfig>(),
    Row<&HttpClientConfig::http_headers, HttpHeadersCodec>("http_headers", "headers to add"),
};

static_assert(kHttpRows.size() == kHttpFieldCount);

constexpr std::array kBasicAuthRows = {
    Row<&BasicAuth::username, StringCodec>("username", "user name"),
    Row<&BasicAuth::username_file, PathCodec>("username_file", "file with the user name"),
    Row<&BasicAuth::password, SecretCodec>("password", "password"),
    Row<&BasicAuth::password_file, PathCodec>("password_file", "file with the password"),
    NotYet<BasicAuth>("username_ref", "use username or username_file", Support::kFail),
    NotYet<BasicAuth>("password_ref", "use password or password_file", Support::kFail),
};

constexpr std::array kAuthorizationRows = {
    Row<&Authorization::type, StringCodec, Show::kAlways>("type", "authentication scheme"),
    Row<&Authorization::credentials, SecretCodec>("credentials", "what follows the scheme"),
    Row<&Authorization::credentials_file, PathCodec>("credentials_file", "file with it"),
    NotYet<Authorization>("credentials_ref", "use credentials or credentials_file", Support::kFail),
};

using OAuth = OAuth2Config;
constexpr std::array kOAuth2Rows = {
    Row<&OAuth::client_id, StringCodec, Show::kAlways>("client_id", "who we are"),
    Row<&OAuth::grant_type, StringCodec>("grant_type", "client_credentials, or a signed request"),
    Row<&OAuth::client_secret, SecretCodec>("client_secret", "proof of it"),
    Row<&OAuth::client_secret_file, PathCodec>("client_secret_file", "file with it"),
    NotYet<OAuth>("client_secret_ref", "use client_secret or client_secret_file", Support::kFail),
    Row<&OAuth::client_certificate_key_id, StringCodec>("client_certificate_key_id",
                                                        "name of the key that signs"),
    Row<&OAuth::client_certificate_key, SecretCodec>("client_certificate_key",
                                                     "key that signs, PEM"),
    Row<&OAuth::client_certificate_key_file, PathCodec>("client_certificate_key_file",
                                                        "file with it"),
    NotYet<OAuth>("client_certificate_key_ref",
                  "use client_certificate_key or client_certificate_key_file", Support::kFail),
    Row<&OAuth::signature_algorithm, StringCodec>("signature_algorithm", "RS256, RS384 or RS512"),
    Row<&OAuth::iss, StringCodec>("iss", "who signs, if not client_id"),
    Row<&OAuth::audience, StringCodec>("audience", "for whom it is signed, if not token_url"),
    Row<&OAuth::claims, ClaimsCodec>("claims", "what else is signed"),
    Row<&OAuth::scopes, StringListCodec>("scopes", "what to ask for"),
    Row<&OAuth::token_url, StringCodec, Show::kAlways>("token_url", "where tokens are got"),
    Row<&OAuth::endpoint_params, StringMapCodec>("endpoint_params", "further parameters"),
    BlockRow<&OAuth::tls_config, &OAuth::has_tls_config, TlsConfig>("tls_config",
                                                                    "TLS of the token server"),
    ProxyUrlRow<OAuth>(),
    NoProxyRow<OAuth>(),
    ProxyFromEnvironmentRow<OAuth>(),
    ProxyHeadersRow<OAuth>(),
};

constexpr std::array kTlsRows = {
    Row<&TlsConfig::ca, StringCodec>("ca", "certificates to trust, PEM"),
    Row<&TlsConfig::ca_file, PathCodec>("ca_file", "file with them"),
    Row<&TlsConfig::cert, StringCodec>("cert", "own certificate, PEM"),
    Row<&TlsConfig::cert_file, PathCodec>("cert_file", "file with it"),
    Row<&TlsConfig::key, SecretCodec>("key", "own private key, PEM"),
    Row<&TlsConfig::key_file, PathCodec>("key_file", "file with it"),
    NotYet<TlsConfig>("ca_ref", "use ca or ca_file", Support::kFail),
    NotYet<TlsConfig>("cert_ref", "use cert or cert_file", Support::kFail),
    NotYet<TlsConfig>("key_ref", "use key or key_file", Support::kFail),
    Row<&TlsConfig::server_name, StringCodec>("server_name", "name the certificate must have"),
    Row<&TlsConfig::insecure_skip_verify, BoolCodec, Show::kAlways>("insecure_skip_verify",
                                                                    "trust every certificate"),
    Row<&TlsConfig::min_version, TlsVersionCodec>("min_version", "oldest TLS to speak"),
    Row<&TlsConfig::max_version, TlsVersionCodec>("max_version", "newest TLS to speak"),
};

constexpr std::array kHeaderRows = {
    Row<&HttpHeader::values, StringListCodec>("values", "values as they are"),
    Row<&HttpHeader::secrets, SecretListCodec>("secrets", "values that are not shown"),
    Row<&HttpHeader::files, PathListCodec>("files", "files with values"),
};

}  // namespace

template <>
std::span<const Field<HttpClientConfig>> FieldsOf<HttpClientConfig>() {
  return kHttpRows;
}
template <>
std::span<const Field<BasicAuth>> FieldsOf<BasicAuth>() {
  return kBasicAuthRows;
}
template <>
std::span<const Field<Authorization>> FieldsOf<Authorization>() {
  return kAuthorizationRows;
}
template <>
std::span<const Field<OAuth2Config>> FieldsOf<OAuth2Config>() {
  return kOAuth2Rows;
}
template <>
std::span<const Field<TlsConfig>> FieldsOf<TlsConfig>() {
  return kTlsRows;
}
template <>
std::span<const Field<HttpHeader>> FieldsOf<HttpHeader>() {
  return kHeaderRows;
}

}  // namespace vigil::config
