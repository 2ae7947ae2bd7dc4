// SPDX-License-Identifier: Apache-2.0
// Media types by the grammar of RFC 9110: type/subtype; name=value; name="quoted value".
#include "client-lib/exposition/content_type.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "client-lib/base/strings.h"

namespace vigil::exposition {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

bool IsToken(std::string_view text) {
  constexpr std::string_view kSeparators = "()<>@,;:\\\"/[]?={} \t";
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f || kSeparators.find(c) != std::string_view::npos) return false;
  }
  return !text.empty();
}

// Takes a quoted string off the text. REQUIRES: text begins with a quote.
std::optional<std::string> TakeQuoted(std::string_view* text) {
  std::string value;
  for (size_t i = 1; i < text->size(); ++i) {
    if ((*text)[i] == '"') {
      text->remove_prefix(i + 1);
      return value;
    }
    if ((*text)[i] == '\\' && i + 1 < text->size()) ++i;
    value += (*text)[i];
  }
  return std::nullopt;
}

// "; a=b; c="d"", with an empty parameter allowed between semicolons. Nothing when malformed.
std::optional<Parameters> ParseParameters(std::string_view text) {
  Parameters parameters;
  for (;;) {
    text = TrimSpace(text);
    if (text.empty()) return parameters;
    if (text.front() != ';') return std::nullopt;
    text = TrimSpace(text.substr(1));
    if (text.empty() || text.front() == ';') continue;
    const size_t equal = text.find('=');
    if (equal == std::string_view::npos) return std::nullopt;
    const std::string_view name = TrimSpace(text.substr(0, equal));
    text = TrimSpace(text.substr(equal + 1));
    std::optional<std::string> value;
    if (text.starts_with('"')) {
      value = TakeQuoted(&text);
    } else {
      const size_t end = std::min(text.find(';'), text.size());
      const std::string_view token = TrimSpace(text.substr(0, end));
      if (IsToken(token)) value = token;
      text.remove_prefix(end);
    }
    if (!IsToken(name) || !value) return std::nullopt;
    parameters.emplace_back(AsciiLower(name), *std::move(value));
  }
}

std::string Find(const Parameters& parameters, std::string_view name) {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

Format FormatOf(std::string_view media_type, const Parameters& parameters) {
  if (media_type == "text/plain") return Format::kText;
  if (media_type == "application/openmetrics-text") return Format::kOpenMetrics;
  const bool families = Find(parameters, "proto") == "io.prometheus.client.MetricFamily" &&
                        Find(parameters, "encoding") == "delimited";
  if (media_type == "application/vnd.google.protobuf" && families) return Format::kProtobuf;
  return Format::kUnknown;
}

}  // namespace

ContentType ParseContentType(std::string_view header) {
  ContentType type;
  const size_t end = std::min(header.find(';'), header.size());
  type.media_type = AsciiLower(TrimSpace(header.substr(0, end)));
  const std::optional<Parameters> parameters = ParseParameters(header.substr(end));
  if (!parameters) return type;
  type.format = FormatOf(type.media_type, *parameters);
  type.version = Find(*parameters, "version");
  type.escaping = Find(*parameters, "escaping");
  type.charset = Find(*parameters, "charset");
  return type;
}

}  // namespace vigil::exposition
