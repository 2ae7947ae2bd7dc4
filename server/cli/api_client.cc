// SPDX-License-Identifier: Apache-2.0
#include "server/cli/api_client.h"

#include <cctype>
#include <cstdio>

#include "client-lib/base/strings.h"
#include "server/cli/command.h"

namespace vigil::cli {
namespace {

std::string Form(const Pairs& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (value.empty()) continue;
    if (!out.empty()) out += '&';
    out += PercentEncode(name) + "=" + PercentEncode(value);
  }
  return out;
}

}  // namespace

std::string PercentEncode(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Result<JsonValue> AskApi(const Fetch& fetch, const std::string& server, const std::string& path,
                         const Pairs& pairs) {
  http::ClientRequest request;
  request.url = ServerUrl(server) + "/api/v1/" + path;
  if (path.starts_with("label/") || path.starts_with("status/")) {
    if (const std::string query = Form(pairs); !query.empty()) request.url += "?" + query;
  } else {
    request.method = "POST";
    request.headers.Set("Content-Type", "application/x-www-form-urlencoded");
    request.body = Form(pairs);
  }
  request.timeout_ms = 150'000;  // longer than queries may take
  const http::ClientResponse answer = TRY(fetch(std::move(request)));
  if (answer.status == 204) return JsonValue();
  auto document = ParseJson(answer.body);
  if (!document) {
    return Internal("HTTP " + std::to_string(answer.status) + " from " + ServerUrl(server) + ": " +
                    std::string(TrimSpace(answer.body).substr(0, 200)));
  }
  if ((*document)["status"].text != "success") {
    return BadData((*document)["errorType"].text + ": " + (*document)["error"].text);
  }
  for (const JsonValue& warning : (*document)["warnings"].items) {
    std::fprintf(stderr, "warning: %s\n", warning.text.c_str());
  }
  return document;
}

}  // namespace vigil::cli
