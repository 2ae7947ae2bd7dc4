// SPDX-License-Identifier: Apache-2.0
// Headers, parameters and bodies as values; nothing here knows a socket.
#include "client-lib/http/message.h"

#include <array>

#include "client-lib/base/strings.h"
#include "client-lib/http/compression.h"

namespace vigil::http {

void Headers::Add(std::string name, std::string value) {
  items_.emplace_back(std::move(name), std::move(value));
}

void Headers::Set(std::string name, std::string value) {
  std::erase_if(items_, [&](const auto& item) { return EqualsIgnoreCase(item.first, name); });
  Add(std::move(name), std::move(value));
}

std::string_view Headers::Get(std::string_view name) const {
  for (const auto& [key, value] : items_) {
    if (EqualsIgnoreCase(key, name)) return value;
  }
  return {};
}

bool Headers::Has(std::string_view name) const {
  for (const auto& [key, value] : items_) {
    if (EqualsIgnoreCase(key, name)) return true;
  }
  return false;
}

Result<Params> Params::Parse(std::string_view text) {
  Params params;
  while (!text.empty()) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (pair.empty()) continue;
    const size_t equal = pair.find('=');
    const std::string_view value =
        equal == std::string_view::npos ? std::string_view() : pair.substr(equal + 1);
    std::string name = TRY(PercentDecode(pair.substr(0, equal), true));
    params.Add(std::move(name), TRY(PercentDecode(value, true)));
  }
  return params;
}

bool Params::Has(std::string_view name) const {
  for (const auto& [key, value] : items_) {
    if (key == name) return true;
  }
  return false;
}

const std::string& Params::Get(std::string_view name) const {
  static const std::string kNone;
  for (const auto& [key, value] : items_) {
    if (key == name) return value;
  }
  return kNone;
}

std::vector<std::string> Params::All(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : items_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

std::string_view Request::PathValue(std::string_view name) const {
  for (const auto& [key, value] : path_values) {
    if (key == name) return value;
  }
  return {};
}

Result<Params> Request::FormParams() const {
  Params params;
  std::string_view type = headers.Get("Content-Type");
  type = TrimSpace(type.substr(0, type.find(';')));
  if (EqualsIgnoreCase(type, "application/x-www-form-urlencoded")) {
    params = TRY_CONTEXT(Params::Parse(body), "form parameters");
  }
  const Params behind = TRY_CONTEXT(Params::Parse(query), "query parameters");
  for (const auto& [name, value] : behind.items()) params.Add(name, value);
  return params;
}

Result<std::string> DecodeBody(const Headers& headers, std::string_view body, size_t max_bytes) {
  const std::string encoding = AsciiLower(TrimSpace(headers.Get("Content-Encoding")));
  std::string out;
  if (encoding.empty() || encoding == "identity") {
    if (body.size() > max_bytes) {
      return BadData("the body is larger than the limit of " + std::to_string(max_bytes) +
                     " bytes");
    }
    out.assign(body);
    return out;
  }
  if (encoding != "gzip" && encoding != "x-gzip" && encoding != "deflate") {
    return BadData("content encoding " + Quote(encoding) +
                   " is not supported; send gzip, deflate or identity");
  }
  Inflater inflater;
  TRY(inflater.Inflate(encoding == "deflate" ? Inflater::Format::kDeflate : Inflater::Format::kGzip,
                       body, max_bytes, &out));
  return out;
}

Response Response::Text(int status, std::string body) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

Response Response::Html(std::string body) {
  Response response;
  response.content_type = "text/html; charset=utf-8";
  response.body = std::move(body);
  return response;
}

std::string_view StatusText(int status) {
  struct Row {
    int status;
    std::string_view text;
  };
  static constexpr std::array<Row, 35> kRows = {{
      {100, "Continue"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Request Entity Too Large"},
      {414, "Request URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Requested Range Not Satisfiable"},
      {422, "Unprocessable Entity"},
      {429, "Too Many Requests"},
      {499, "Client Closed Request"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
  }};
  for (const Row& row : kRows) {
    if (row.status == status) return row.text;
  }
  return "Unknown";
}

}  // namespace vigil::http
