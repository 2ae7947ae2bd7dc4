// SPDX-License-Identifier: Apache-2.0
// Depth first; depth is bounded by the values' own.
#include "server/template/json_text.h"

#include <cmath>

#include "client-lib/model/float_text.h"
#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

constexpr std::string_view kJsonHex = "0123456789abcdef";

// Threads: owner thread only.
class JsonValueWriter {
 public:
  explicit JsonValueWriter(size_t max_bytes) : max_bytes_(max_bytes) {}
  std::string& out() { return out_; }

  Result<void> Write(const Value& value) {
    if (out_.size() > max_bytes_) {
      return ExecutionError("a text is longer than " + std::to_string(max_bytes_) +
                            " bytes; shorten it");
    }
    switch (value.Base().kind()) {
      case Kind::kNil:
        out_ += "null";
        break;
      case Kind::kBool:
        out_ += value.bool_value() ? "true" : "false";
        break;
      case Kind::kInt:
        out_ += std::to_string(value.int_value());
        break;
      case Kind::kUint:
        out_ += std::to_string(value.uint_value());
        break;
      case Kind::kFloat:
        return WriteFloat(value.float_value());
      case Kind::kString:
        AppendJsonString(value.string_value(), &out_);
        break;
      case Kind::kTime:
        AppendJsonString(FormatTimeJson(value.time_value()), &out_);
        break;
      case Kind::kList:
        return WriteList(value.Base().list());
      case Kind::kMap:
        return WriteMap(value.Base().map());
      case Kind::kObject:
        return WriteObject(value.object());
      case Kind::kFunction:
        return BadData("json: unsupported type: " + value.TypeName());
    }
    return Ok();
  }

 private:
  Result<void> WriteFloat(double value) {
    if (!std::isfinite(value)) {
      return BadData("json: unsupported value: " + FormatFloatG(value));
    }
    std::string text = FormatFloatJson(value);
    // 1e-09 is written 1e-9.
    const size_t size = text.size();
    if (size >= 4 && text[size - 4] == 'e' && text[size - 3] == '-' && text[size - 2] == '0') {
      text.erase(size - 2, 1);
    }
    out_ += text;
    return Ok();
  }

  Result<void> WriteList(const List& list) {
    out_ += '[';
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) out_ += ',';
      TRY(Write(list.items[i]));
    }
    out_ += ']';
    return Ok();
  }

  Result<void> WriteMap(const Map& map) {
    out_ += '{';
    bool first = true;
    for (const auto& [key, value] : map.entries) {
      if (!std::exchange(first, false)) out_ += ',';
      AppendJsonString(key, &out_);
      out_ += ':';
      TRY(Write(value));
    }
    out_ += '}';
    return Ok();
  }

  Result<void> WriteObject(const Object& object) {
    out_ += '{';
    const std::span<const std::string_view> names = object.JsonNames();
    for (size_t i = 0; i < names.size(); ++i) {
      if (i > 0) out_ += ',';
      AppendJsonString(names[i], &out_);
      out_ += ':';
      TRY(Write(object.Field(i)));
    }
    out_ += '}';
    return Ok();
  }

  const size_t max_bytes_;
  std::string out_;
};

}  // namespace

void AppendJsonString(std::string_view text, std::string* out) {
  *out += '"';
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    const char32_t c = rune.code;
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += static_cast<char>(c);
    } else if (c == '\n') {
      *out += "\\n";
    } else if (c == '\r') {
      *out += "\\r";
    } else if (c == '\t') {
      *out += "\\t";
    } else if (c < ' ' || c == '<' || c == '>' || c == '&') {
      *out += "\\u00";
      *out += kJsonHex[c >> 4];
      *out += kJsonHex[c & 15];
    } else if (c == 0x2028 || c == 0x2029) {
      *out += c == 0x2028 ? "\\u2028" : "\\u2029";
    } else if (c == kBadRune && rune.size == 1) {
      *out += "\\ufffd";
    } else {
      out->append(text.substr(0, rune.size));
    }
    text.remove_prefix(rune.size);
  }
  *out += '"';
}

Result<std::string> ToJson(const Value& value, size_t max_bytes) {
  JsonValueWriter writer(max_bytes);
  TRY(writer.Write(value));
  return std::move(writer.out());
}

}  // namespace vigil::tmpl
