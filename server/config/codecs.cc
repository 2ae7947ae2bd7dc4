// SPDX-License-Identifier: Apache-2.0
#include "server/config/codecs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "server/config/words.h"

namespace vigil::config {
namespace {

Result<void> ExpectScalar(const Reader& reader, const YamlNode& node, std::string_view what) {
  if (node.kind == YamlNode::Kind::kScalar) return Ok();
  return reader.FailHere(node, fmt::format("expected {}", what));
}

Error Unexpected(const Reader& reader, const YamlNode& node, std::string_view what) {
  return reader.FailHere(node, fmt::format("expected {}, got {}", what, Quote(node.text)));
}

}  // namespace

Result<void> ExpectList(const Reader& reader, const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kList) return Ok();
  return reader.FailHere(node, "expected a list");
}

Result<void> StringCodec::Read(Reader& reader, const YamlNode& node, std::string* out) {
  TRY(ExpectScalar(reader, node, "a text"));
  *out = node.text;
  return Ok();
}
void StringCodec::Write(std::string_view name, const std::string& value, YamlWriter* writer) {
  writer->Scalar(name, value);
}

Result<void> PathCodec::Read(Reader& reader, const YamlNode& node, std::string* out) {
  TRY(ExpectScalar(reader, node, "a path"));
  *out = node.text.empty() ? "" : ResolvePath(reader.base_dir(), node.text);
  return Ok();
}

Result<void> SecretCodec::Read(Reader& reader, const YamlNode& node, Secret* out) {
  TRY(ExpectScalar(reader, node, "a text"));
  out->value = node.text;
  return Ok();
}
void SecretCodec::Write(std::string_view name, const Secret& value, YamlWriter* writer) {
  writer->Secret(name, value.value);
}

Result<void> BoolCodec::Read(Reader& reader, const YamlNode& node, bool* out) {
  TRY(ExpectScalar(reader, node, "true or false"));
  static constexpr std::array<std::string_view, 4> kTrue = {"true", "yes", "on", "y"};
  static constexpr std::array<std::string_view, 4> kFalse = {"false", "no", "off", "n"};
  std::string lower = AsciiLower(node.text);
  bool is_true = std::find(kTrue.begin(), kTrue.end(), lower) != kTrue.end();
  if (!is_true && std::find(kFalse.begin(), kFalse.end(), lower) == kFalse.end()) {
    return Unexpected(reader, node, "true or false");
  }
  *out = is_true;
  return Ok();
}
void BoolCodec::Write(std::string_view name, bool value, YamlWriter* writer) {
  writer->Verbatim(name, value ? "true" : "false");
}

Result<void> UintCodec::Read(Reader& reader, const YamlNode& node, uint64_t* out) {
  TRY(ExpectScalar(reader, node, "a whole number"));
  std::optional<uint64_t> value = ParseUint(node.text);
  if (!value) return Unexpected(reader, node, "a whole number not below 0");
  *out = *value;
  return Ok();
}
void UintCodec::Write(std::string_view name, uint64_t value, YamlWriter* writer) {
  writer->Verbatim(name, std::to_string(value));
}

Result<void> FloatCodec::Read(Reader& reader, const YamlNode& node, double* out) {
  TRY(ExpectScalar(reader, node, "a number"));
  std::optional<double> value = ParseFloat(node.text);
  if (!value) return Unexpected(reader, node, "a number");
  *out = *value;
  return Ok();
}
void FloatCodec::Write(std::string_view name, double value, YamlWriter* writer) {
  writer->Verbatim(name, FormatFloatG(value));
}

Result<void> DurationCodec::Read(Reader& reader, const YamlNode& node, DurationMs* out) {
  TRY(ExpectScalar(reader, node, "a duration like 30s or 1h30m"));
  auto value = ParseDuration(node.text);
  if (!value) {
    return reader.FailHere(node, value.error().message + ": write it like 30s or 1h30m");
  }
  *out = *value;
  return Ok();
}
void DurationCodec::Write(std::string_view name, DurationMs value, YamlWriter* writer) {
  writer->Verbatim(name, FormatDuration(value));
}

Result<void> ByteSizeCodec::Read(Reader& reader, const YamlNode& node, uint64_t* out) {
  TRY(ExpectScalar(reader, node, "a size like 10MB"));
  auto value = ParseByteSize(node.text);
  if (!value) return Unexpected(reader, node, "a size like 512KB or 10MB");
  *out = *value;
  return Ok();
}
void ByteSizeCodec::Write(std::string_view name, uint64_t value, YamlWriter* writer) {
  static constexpr std::array<std::string_view, 6> kUnits = {"B",   "KiB", "MiB",
                                                             "GiB", "TiB", "PiB"};
  size_t unit = 0;
  while (unit + 1 < kUnits.size() && value != 0 && value % 1024 == 0) {
    value /= 1024;
    ++unit;
  }
  writer->Verbatim(name, fmt::format("{}{}", value, kUnits[unit]));
}

Result<void> StringListCodec::Read(Reader& reader, const YamlNode& node,
                                   std::vector<std::string>* out) {
  TRY(ExpectList(reader, node));
  out->clear();
  for (size_t i = 0; i < node.items.size(); ++i) {
    Reader::Scope scope(&reader, i);
    TRY(StringCodec::Read(reader, *node.items[i], &out->emplace_back()));
  }
  return Ok();
}
void StringListCodec::Write(std::string_view name, const std::vector<std::string>& value,
                            YamlWriter* writer) {
  writer->BlockList(name, value);
}

Result<void> GlobListCodec::Read(Reader& reader, const YamlNode& node,
                                 std::vector<std::string>* out) {
  TRY(StringListCodec::Read(reader, node, out));
  for (size_t i = 0; i < out->size(); ++i) {
    std::string& path = (*out)[i];
    Reader::Scope scope(&reader, i);
    if (path.empty()) return reader.FailHere(*node.items[i], "expected a path, got \"\"");
    size_t slash = path.rfind('/');
    if (slash != std::string::npos && path.find_first_of("*?[") < slash) {
      return reader.FailHere(*node.items[i],
                             "wildcards are allowed in the last part of the path only");
    }
    path = ResolvePath(reader.base_dir(), path);
  }
  return Ok();
}

Result<void> ProtocolListCodec::Read(Reader& reader, const YamlNode& node,
                                     std::vector<std::string>* out) {
  TRY(StringListCodec::Read(reader, node, out));
  if (out->empty()) return reader.FailHere(node, "expected at least one protocol");
  for (size_t i = 0; i < out->size(); ++i) {
    Reader::Scope scope(&reader, i);
    std::string word;
    TRY(ReadWord(reader, *node.items[i], kProtocols, &word));
    if (std::find(out->begin(), out->begin() + static_cast<ptrdiff_t>(i), word) !=
        out->begin() + static_cast<ptrdiff_t>(i)) {
      return reader.FailHere(*node.items[i], fmt::format("duplicate protocol \"{}\"", word));
    }
  }
  return Ok();
}

Result<void> LabelsCodec::Read(Reader& reader, const YamlNode& node, Labels* out) {
  TRY(ExpectMap(reader, node));
  LabelsBuilder builder;
  for (const auto& [key, value] : node.entries) {
    if (!IsUtf8Name(key->text) || key->text == kMetricName) {
      return reader.FailHere(*key, Quote(key->text) + " is not a valid label name");
    }
    Reader::Scope scope(&reader, key->text);
    std::string text;
    if (value->kind != YamlNode::Kind::kNull) TRY(StringCodec::Read(reader, *value, &text));
    if (!IsValidUtf8(text)) {
      return reader.FailHere(*value, Quote(text) + " is not a valid label value");
    }
    builder.Set(key->text, text);
  }
  *out = builder.Build();
  return Ok();
}
void LabelsCodec::Write(std::string_view name, const Labels& value, YamlWriter* writer) {
  writer->OpenMap(name);
  for (LabelView label : value) writer->Scalar(label.name, label.value);
  writer->CloseMap();
}

Result<void> ParamsCodec::Read(Reader& reader, const YamlNode& node, Map* out) {
  TRY(ExpectMap(reader, node));
  for (const auto& [key, value] : node.entries) {
    Reader::Scope scope(&reader, key->text);
    TRY(StringListCodec::Read(reader, *value, &(*out)[key->text]));
  }
  return Ok();
}
void ParamsCodec::Write(std::string_view name, const Map& value, YamlWriter* writer) {
  writer->OpenMap(name);
  for (const auto& [key, values] : value) writer->BlockList(key, values);
  writer->CloseMap();
}

Result<void> StringMapCodec::Read(Reader& reader, const YamlNode& node, Map* out) {
  TRY(ExpectMap(reader, node));
  for (const auto& [key, value] : node.entries) {
    Reader::Scope scope(&reader, key->text);
    std::string text;
    if (value->kind != YamlNode::Kind::kNull) {
      TRY(StringCodec::Read(reader, *value, &text));
    }
    (*out)[key->text] = std::move(text);
  }
  return Ok();
}
void StringMapCodec::Write(std::string_view name, const Map& value, YamlWriter* writer) {
  writer->OpenMap(name);
  for (const auto& [key, text] : value) writer->Scalar(key, text);
  writer->CloseMap();
}

bool IsHeaderName(std::string_view name) {
  return !name.empty() && name.find_first_of(" :\r\n") == std::string_view::npos;
}

Result<void> HttpHeadersCodec::Read(Reader& reader, const YamlNode& node, Map* out) {
  // What the request itself sets; upstream refuses them, too.
  static constexpr std::array<std::string_view, 12> kReserved = {
      "authorization",      "host",
      "content-encoding",   "content-length",
      "content-type",       "user-agent",
      "connection",         "keep-alive",
      "proxy-authenticate", "proxy-authorization",
      "www-authenticate",   "accept-encoding"};
  TRY(ExpectMap(reader, node));
  for (const auto& [key, value] : node.entries) {
    if (std::find(kReserved.begin(), kReserved.end(), AsciiLower(key->text)) != kReserved.end()) {
      return reader.FailHere(*key, fmt::format("setting header \"{}\" is not allowed", key->text));
    }
    if (!IsHeaderName(key->text)) {
      return reader.FailHere(*key, Quote(key->text) + " is not a valid header name");
    }
    Reader::Scope scope(&reader, key->text);
    TRY(ReadStruct(reader, *value, &(*out)[key->text]));
  }
  return Ok();
}
void HttpHeadersCodec::Write(std::string_view name, const Map& value, YamlWriter* writer) {
  writer->OpenMap(name);
  for (const auto& [key, header] : value) StructCodec<HttpHeader>::Write(key, header, writer);
  writer->CloseMap();
}

Result<void> ReadWord(Reader& reader, const YamlNode& node, std::span<const std::string_view> words,
                      std::string* out) {
  TRY(StringCodec::Read(reader, node, out));
  if (std::find(words.begin(), words.end(), *out) != words.end()) return Ok();
  return Unexpected(reader, node, fmt::format("one of {}", fmt::join(words, ", ")));
}

}  // namespace vigil::config
