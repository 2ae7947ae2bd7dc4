// SPDX-License-Identifier: Apache-2.0
#include "client-lib/base/json_value.h"

#include <algorithm>
#include <cstdint>

namespace vigil {
namespace {

constexpr int kMaxDepth = 64;

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

void AppendUtf8(uint32_t c, std::string* out) {
  if (c < 0x80) {
    out->push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out->push_back(static_cast<char>(0xC0 | c >> 6));
    out->push_back(static_cast<char>(0x80 | (c & 63)));
  } else if (c < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | c >> 12));
    out->push_back(static_cast<char>(0x80 | (c >> 6 & 63)));
    out->push_back(static_cast<char>(0x80 | (c & 63)));
  } else {
    out->push_back(static_cast<char>(0xF0 | c >> 18));
    out->push_back(static_cast<char>(0x80 | (c >> 12 & 63)));
    out->push_back(static_cast<char>(0x80 | (c >> 6 & 63)));
    out->push_back(static_cast<char>(0x80 | (c & 63)));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<JsonValue> Document() {
    JsonValue value;
    TRY(Value(0, &value));
    SkipBlanks();
    if (at_ != text_.size()) return Fail("more behind the document");
    return value;
  }

 private:
  Error Fail(std::string_view what) const {
    return BadData("the answer is no JSON: " + std::string(what) + " at byte " +
                   std::to_string(at_));
  }
  void SkipBlanks() {
    while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
  }
  bool Take(char c) {
    SkipBlanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Result<void> Value(int depth, JsonValue* out) {
    if (depth > kMaxDepth) return Fail("too many levels");
    SkipBlanks();
    if (at_ >= text_.size()) return Fail("the end");
    switch (text_[at_]) {
      case '{':
        return Object(depth, out);
      case '[':
        return Array(depth, out);
      case '"':
        out->kind = JsonValue::Kind::kString;
        return String(&out->text);
      default:
        return Word(out);
    }
  }

  Result<void> Object(int depth, JsonValue* out) {
    out->kind = JsonValue::Kind::kObject;
    ++at_;
    if (Take('}')) return Ok();
    do {
      SkipBlanks();
      auto& [name, value] = out->members.emplace_back();
      TRY(String(&name));
      if (!Take(':')) return Fail("no colon");
      TRY(Value(depth + 1, &value));
    } while (Take(','));
    return Take('}') ? Ok() : Result<void>(Fail("an open object"));
  }

  Result<void> Array(int depth, JsonValue* out) {
    out->kind = JsonValue::Kind::kArray;
    ++at_;
    if (Take(']')) return Ok();
    do {
      TRY(Value(depth + 1, &out->items.emplace_back()));
    } while (Take(','));
    return Take(']') ? Ok() : Result<void>(Fail("an open array"));
  }

  // A number, true, false or null.
  Result<void> Word(JsonValue* out) {
    const size_t end = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    const std::string_view word = text_.substr(at_, end - at_);
    if (word == "true" || word == "false") {
      out->kind = JsonValue::Kind::kBool;
    } else if (word != "null") {
      if (word.empty() || word.find_first_not_of("0123456789+-.eE") != std::string_view::npos) {
        return Fail("an unknown word");
      }
      out->kind = JsonValue::Kind::kNumber;
    }
    out->text = word;
    at_ = end;
    return Ok();
  }

  Result<void> String(std::string* out) {
    if (at_ >= text_.size() || text_[at_] != '"') return Fail("no string");
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return Ok();
      }
      if (c != '\\') {
        out->push_back(c);
        continue;
      }
      if (++at_ >= text_.size()) break;
      TRY(Escape(out));
    }
    return Fail("an open string");
  }

  // at_ is on the character behind the backslash, and stays on the last one of the escape.
  Result<void> Escape(std::string* out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    const size_t index = kNames.find(text_[at_]);
    if (index != std::string_view::npos) {
      out->push_back(kValues[index]);
      return Ok();
    }
    if (text_[at_] != 'u') return Fail("an unknown escape");
    uint32_t c = TRY(Hex());
    if (c >= 0xD800 && c < 0xDC00 && text_.substr(at_ + 1, 2) == "\\u") {
      at_ += 2;
      const uint32_t low = TRY(Hex());
      c = low >= 0xDC00 && low < 0xE000 ? 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
    } else if (c >= 0xD800 && c < 0xE000) {
      c = 0xFFFD;
    }
    AppendUtf8(c, out);
    return Ok();
  }

  // at_ is on the u, then on the last digit.
  Result<uint32_t> Hex() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      if (++at_ >= text_.size()) return Fail("an open escape");
      const char c = text_[at_];
      const bool digit = c >= '0' && c <= '9';
      const char low = static_cast<char>(c | 0x20);
      if (!digit && (low < 'a' || low > 'f')) return Fail("an unknown escape");
      value = value << 4 | static_cast<uint32_t>(digit ? c - '0' : low - 'a' + 10);
    }
    return value;
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

const JsonValue& JsonValue::operator[](std::string_view name) const {
  static const JsonValue kNone;
  for (const auto& [key, value] : members) {
    if (key == name) return value;
  }
  return kNone;
}

Result<JsonValue> ParseJson(std::string_view text) { return Parser(text).Document(); }

}  // namespace vigil
