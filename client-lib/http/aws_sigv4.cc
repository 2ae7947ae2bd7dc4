// SPDX-License-Identifier: Apache-2.0
// The canonical request, the text to sign, and the chain of keys.
#include "client-lib/http/aws_sigv4.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <utility>
#include <vector>

#include "client-lib/base/strings.h"
#include "client-lib/http/digest.h"

namespace vigil::http {
namespace {

constexpr const char* kAlgorithm = "AWS4-HMAC-SHA256";

struct SplitUrl {
  std::string host;  // with the port when it stands there
  std::string path;
  std::string query;
};

SplitUrl SplitOf(std::string_view url) {
  SplitUrl parts;
  const bool https = url.starts_with("https://");
  const size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find('#'));
  const size_t query = url.find('?');
  if (query != std::string_view::npos) parts.query = url.substr(query + 1);
  url = url.substr(0, query);
  const size_t slash = url.find('/');
  parts.path = slash == std::string_view::npos ? "/" : std::string(url.substr(slash));
  std::string_view host = url.substr(0, slash);
  const size_t at = host.rfind('@');
  if (at != std::string_view::npos) host.remove_prefix(at + 1);
  // As the client writes it: the scheme's own port is left out.
  const std::string_view usual = https ? ":443" : ":80";
  if (host.ends_with(usual)) host.remove_suffix(usual.size());
  parts.host = host;
  return parts;
}

// Parameters sorted by name, then value, as they are encoded.
std::string CanonicalQuery(const std::string& query) {
  std::vector<std::pair<std::string, std::string>> sorted;
  for (const std::string_view part : Split(query, '&')) {
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    sorted.emplace_back(part.substr(0, equals),
                        equals == std::string_view::npos ? "" : part.substr(equals + 1));
  }
  std::sort(sorted.begin(), sorted.end());
  std::string out;
  for (const auto& [name, value] : sorted) {
    if (!out.empty()) out += '&';
    out += name + "=" + value;
  }
  return out;
}

// Blanks around it are cut, runs of them inside are one.
std::string CanonicalValue(std::string_view value) {
  std::string out;
  for (const char c : TrimSpace(value)) {
    if (c != ' ' || !out.ends_with(' ')) out += c;
  }
  return out;
}

// 20150830T123600Z
std::string AmzDate(TimestampMs now) {
  const auto seconds = static_cast<std::time_t>(now / 1000);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  std::array<char, 32> text{};
  const size_t size = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &tm);
  return {text.data(), size};
}

}  // namespace

void SignAwsRequest(const AwsCredentials& credentials, const std::string& region,
                    const std::string& service, TimestampMs now, ClientRequest* request) {
  const SplitUrl url = SplitOf(request->url);
  const std::string date = AmzDate(now);
  request->headers.Set("X-Amz-Date", date);
  if (!credentials.session_token.empty()) {
    request->headers.Set("X-Amz-Security-Token", credentials.session_token);
  }
  std::map<std::string, std::string> headers{{"host", url.host}};
  for (const auto& [name, value] : request->headers.items()) {
    headers[AsciiLower(name)] = CanonicalValue(value);
  }
  std::string header_lines;
  std::string names;
  for (const auto& [name, value] : headers) {
    header_lines += name + ":" + value + "\n";
    if (!names.empty()) names += ';';
    names += name;
  }
  const std::string canonical = request->method + "\n" + url.path + "\n" +
                                CanonicalQuery(url.query) + "\n" + header_lines + "\n" + names +
                                "\n" + HexText(Sha256(request->body));
  const std::string day = date.substr(0, 8);
  const std::string scope = day + "/" + region + "/" + service + "/aws4_request";
  const std::string to_sign =
      std::string(kAlgorithm) + "\n" + date + "\n" + scope + "\n" + HexText(Sha256(canonical));
  std::string key = HmacSha256("AWS4" + credentials.secret_key, day);
  key = HmacSha256(key, region);
  key = HmacSha256(key, service);
  key = HmacSha256(key, "aws4_request");
  request->headers.Set("Authorization", std::string(kAlgorithm) +
                                            " Credential=" + credentials.access_key + "/" + scope +
                                            ", SignedHeaders=" + names +
                                            ", Signature=" + HexText(HmacSha256(key, to_sign)));
}

}  // namespace vigil::http
