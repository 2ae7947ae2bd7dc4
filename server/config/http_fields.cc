// SPDX-License-Identifier: Apache-2.0
// Rows of the HTTP client keys, in the order of upstream's status page.
#include <array>

#include "server/config/codecs.h"
#include "server/config/field_tables.h"

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

constexpr std::string_view kTlsVersions[] = {"TLS10", "TLS11", "TLS12", "TLS13"};
using TlsVersionCodec = WordCodec<kTlsVersions>;

constexpr std::array kHttpRows = {
    BlockRow<&HttpClientConfig::basic_auth, &HttpClientConfig::has_basic_auth, BasicAuth>(
        "basic_auth", "user name and password"),
    BlockRow<&HttpClientConfig::authorization, &HttpClientConfig::has_authorization, Authorization>(
        "authorization", "the Authorization header"),
    NotYet<HttpClientConfig>("oauth2", "use authorization or basic_auth", Support::kFail),
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
    Row<&HttpClientConfig::proxy_url, StringCodec>("proxy_url", "HTTP proxy to use"),
    Row<&HttpClientConfig::no_proxy, StringCodec>("no_proxy", "hosts reached without the proxy"),
    Row<&HttpClientConfig::proxy_from_environment, BoolCodec>(
        "proxy_from_environment", "take the proxy from HTTP_PROXY, HTTPS_PROXY and NO_PROXY"),
    NotYet<HttpClientConfig>("proxy_connect_header", "no header is sent to the proxy",
                             Support::kFail),
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
    Row<&TlsConfig::max_version, TlsVersionCodec>("max_version", "newer versions are not refused",
                                                  Support::kWarn),
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
std::span<const Field<TlsConfig>> FieldsOf<TlsConfig>() {
  return kTlsRows;
}
template <>
std::span<const Field<HttpHeader>> FieldsOf<HttpHeader>() {
  return kHeaderRows;
}

}  // namespace vigil::config
