// SPDX-License-Identifier: Apache-2.0
// How the values of alertmanager.yml are read and written.
#include <fmt/format.h>

#include "client-lib/base/strings.h"
#include "server/alerting/config_rows.h"
#include "server/config/node_json.h"

namespace vigil::alerting {
namespace {

constexpr std::string_view kShownSecret = "<secret>";

// Upstream's words; nothing when the URL is good.
std::optional<std::string> UrlProblem(std::string_view url) {
  const size_t colon = url.find(':');
  const std::string scheme =
      colon == std::string_view::npos ? std::string() : AsciiLower(url.substr(0, colon));
  if (scheme != "http" && scheme != "https") {
    return fmt::format("unsupported scheme {} for URL", Quote(scheme));
  }
  std::string_view rest = url.substr(colon + 1);
  if (!rest.starts_with("//")) return "missing host for URL";
  rest = rest.substr(2);
  std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  if (const size_t at = host.rfind('@'); at != std::string_view::npos) host = host.substr(at + 1);
  if (host.empty()) return "missing host for URL";
  for (const char c : url) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return "invalid control character in URL";
    }
  }
  if (host.find_first_of(" <>\"\\^`{|}") != std::string_view::npos) {
    return "invalid character in host name";
  }
  if (!host.starts_with('[')) {
    const size_t port = host.find(':');
    if (port != std::string_view::npos &&
        host.substr(port + 1).find_first_not_of("0123456789") != std::string_view::npos) {
      return fmt::format("invalid port {} after host", Quote(host.substr(port)));
    }
  } else if (host.find(']') == std::string_view::npos) {
    return "missing ']' in host";
  }
  if (!PercentDecode(url.substr(0, url.find_first_of("?#")), false)) return "invalid URL escape";
  return std::nullopt;
}

Result<void> CheckUrl(const Reader& reader, const YamlNode& node) {
  if (std::optional<std::string> problem = UrlProblem(node.text)) {
    return reader.FailHere(node, *problem);
  }
  return Ok();
}

}  // namespace

Result<void> UrlCodec::Read(Reader& reader, const YamlNode& node, std::string* out) {
  TRY(StringCodec::Read(reader, node, out));
  return CheckUrl(reader, node);
}

Result<void> SecretUrlCodec::Read(Reader& reader, const YamlNode& node, Secret* out) {
  TRY(SecretCodec::Read(reader, node, out));
  return out->value == kShownSecret ? Ok() : CheckUrl(reader, node);
}

Result<void> TemplateUrlCodec::Read(Reader& reader, const YamlNode& node, Secret* out) {
  TRY(SecretCodec::Read(reader, node, out));
  const bool plain = out->value.find("{{") == std::string::npos;
  return out->value != kShownSecret && plain ? CheckUrl(reader, node) : Ok();
}

Result<void> HostPortCodec::Read(Reader& reader, const YamlNode& node, std::string* out) {
  TRY(StringCodec::Read(reader, node, out));
  if (out->empty()) return Ok();
  const std::string& text = *out;
  const size_t colon = text.rfind(':');
  const auto fail = [&](std::string_view what) {
    return reader.FailHere(node, fmt::format("address {}: {}", text, what));
  };
  if (colon == std::string::npos) return fail("missing port in address");
  const std::string_view host = std::string_view(text).substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return fail("missing ']' in address");
  } else if (host.find(':') != std::string_view::npos) {
    return fail("too many colons in address");
  } else if (host.find_first_of("[]") != std::string_view::npos) {
    return fail("unexpected '[' or ']' in address");
  }
  if (colon + 1 == text.size()) {
    return reader.FailHere(node, fmt::format("address {}: port cannot be empty", Quote(text)));
  }
  return Ok();
}

Result<void> AnyCodec::Read(Reader&, const YamlNode& node, AnyValue* out) {
  *out = std::make_shared<const YamlNode>(node);
  return Ok();
}
void AnyCodec::Write(std::string_view name, const AnyValue& value, YamlWriter* writer) {
  writer->Verbatim(name, config::NodeToJson(*value));
}

Result<void> AnyMapCodec::Read(Reader& reader, const YamlNode& node, Map* out) {
  TRY(config::ExpectMap(reader, node));
  for (const auto& [key, value] : node.entries) (*out)[key->text] = value;
  return Ok();
}
void AnyMapCodec::Write(std::string_view name, const Map& value, YamlWriter* writer) {
  writer->OpenMap(name);
  for (const auto& [key, any] : value) AnyCodec::Write(key, any, writer);
  writer->CloseMap();
}

Result<void> OptionalBoolCodec::Read(Reader& reader, const YamlNode& node,
                                     std::optional<bool>* out) {
  bool value = false;
  TRY(config::BoolCodec::Read(reader, node, &value));
  *out = value;
  return Ok();
}
void OptionalBoolCodec::Write(std::string_view name, const std::optional<bool>& value,
                              YamlWriter* writer) {
  config::BoolCodec::Write(name, *value, writer);
}

Result<void> OptionalDurationCodec::Read(Reader& reader, const YamlNode& node,
                                         std::optional<DurationMs>* out) {
  DurationMs value = 0;
  TRY(config::DurationCodec::Read(reader, node, &value));
  *out = value;
  return Ok();
}
void OptionalDurationCodec::Write(std::string_view name, std::optional<DurationMs> value,
                                  YamlWriter* writer) {
  config::DurationCodec::Write(name, *value, writer);
}

Result<void> GoDurationCodec::Read(Reader& reader, const YamlNode& node, DurationMs* out) {
  std::string text;
  TRY(config::StringCodec::Read(reader, node, &text));
  Result<DurationMs> value = ParseGoDuration(text);
  if (!value) return reader.FailHere(node, value.error().message + ": write it like 1m30s");
  *out = *value;
  return Ok();
}
void GoDurationCodec::Write(std::string_view name, DurationMs value, YamlWriter* writer) {
  writer->Verbatim(name, FormatGoDuration(value));
}

Result<void> IntCodec::Read(Reader& reader, const YamlNode& node, int64_t* out) {
  std::string text;
  TRY(config::StringCodec::Read(reader, node, &text));
  const std::optional<int64_t> value = ParseInt(text);
  if (!value) {
    return reader.FailHere(node, fmt::format("expected a whole number, got {}", Quote(text)));
  }
  *out = *value;
  return Ok();
}
void IntCodec::Write(std::string_view name, int64_t value, YamlWriter* writer) {
  writer->Verbatim(name, std::to_string(value));
}

}  // namespace vigil::alerting
