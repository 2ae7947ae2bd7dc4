// SPDX-License-Identifier: Apache-2.0
// See json_reader.h.
#include "client-lib/base/json_reader.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "client-lib/base/result.h"
#include "client-lib/base/strings.h"

namespace vigil {
namespace {

constexpr std::string_view kBeginningOfValue = "looking for beginning of value";
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool IsJsonDigit(char c) { return c >= '0' && c <= '9'; }

// How Go shows a character in an error.
std::string CharacterText(char c) {
  if (c == '\'') return R"('\'')";
  if (c == '"') return R"('"')";
  // A byte stands for the code point of its number.
  std::string text(1, c);
  if (const auto byte = static_cast<uint8_t>(c); byte >= 0x80) {
    text = {static_cast<char>(0xc0 | byte >> 6), static_cast<char>(0x80 | (byte & 0x3f))};
  }
  const std::string quoted = Quote(text);
  return "'" + quoted.substr(1, quoted.size() - 2) + "'";
}

void AppendCodePoint(unsigned code, std::string* out) {
  const auto tail = [&](unsigned shift) {
    out->push_back(static_cast<char>(0x80 | (code >> shift & 0x3f)));
  };
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xc0 | code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | code >> 12));
    tail(6);
    tail(0);
  } else {
    out->push_back(static_cast<char>(0xf0 | code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// Length of the valid character at the start, 0 when there is none.
size_t CharacterLength(std::string_view text) {
  for (size_t length = 1; length <= 4 && length <= text.size(); ++length) {
    if (IsValidUtf8(text.substr(0, length))) return length;
  }
  return 0;
}

// The high bit of each byte that is no plain text: a quote, a backslash, a control character, or
// part of something longer than ASCII.
uint64_t SpecialBytes(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101ULL;
  constexpr uint64_t kHigh = 0x8080808080808080ULL;
  const auto zero_byte = [&](uint64_t x) { return (x - kOnes) & ~x; };
  const uint64_t quotes = zero_byte(word ^ kOnes * '"');
  const uint64_t backslashes = zero_byte(word ^ kOnes * '\\');
  const uint64_t control = word - kOnes * 0x20;
  return (quotes | backslashes | control | word) & kHigh;
}

}  // namespace

void JsonReader::Fail(std::string_view where) {
  if (failed()) return;
  if (at_ >= text_.size()) {
    error_ = "unexpected EOF";
  } else {
    error_ = "invalid character " + CharacterText(text_[at_]) + " ";
    error_ += where;
  }
  at_ = text_.size();
}

void JsonReader::SkipBlanks() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
    ++at_;
  }
}

bool JsonReader::AtEnd() {
  SkipBlanks();
  return at_ >= text_.size();
}

JsonReader::Kind JsonReader::Peek() {
  SkipBlanks();
  if (failed()) return Kind::kError;
  if (at_ < text_.size()) {
    switch (text_[at_]) {
      case '{':
        return Kind::kObject;
      case '[':
        return Kind::kArray;
      case '"':
        return Kind::kString;
      case 't':
      case 'f':
        return Kind::kBool;
      case 'n':
        return Kind::kNull;
      default:
        if (text_[at_] == '-' || IsJsonDigit(text_[at_])) return Kind::kNumber;
    }
  }
  Fail(kBeginningOfValue);
  return Kind::kError;
}

void JsonReader::Enter() {
  ++at_;
  first_ = true;
}

// Whether another member or element comes; takes the comma or the closing bracket.
bool JsonReader::Separator(char close, std::string_view where) {
  SkipBlanks();
  if (failed()) return false;
  const char c = at_ < text_.size() ? text_[at_] : '\0';
  if (at_ < text_.size() && c == close) {
    ++at_;
    first_ = false;
    return false;
  }
  if (first_) {
    first_ = false;
    return true;
  }
  if (c != ',') {
    Fail(where);
    return false;
  }
  ++at_;
  return true;
}

bool JsonReader::NextKey(std::string_view* key) {
  if (!Separator('}', "after object key:value pair")) return false;
  SkipBlanks();
  if (at_ >= text_.size() || text_[at_] != '"') {
    Fail("looking for beginning of object key string");
    return false;
  }
  *key = String();
  SkipBlanks();
  if (!failed() && at_ < text_.size() && text_[at_] == ':') {
    ++at_;
    return true;
  }
  Fail("after object key");
  return false;
}

bool JsonReader::NextElement() { return Separator(']', "after array element"); }

// The first byte from there on that is no plain text.
size_t JsonReader::PlainEnd(size_t from) const {
  while (from + 8 <= text_.size()) {
    uint64_t word = 0;
    std::memcpy(&word, text_.data() + from, 8);
    if (const uint64_t special = SpecialBytes(word); special != 0) {
      // Borrows can mark bytes behind the first one wrongly, never the first.
      return from + static_cast<size_t>(std::countr_zero(special)) / 8;
    }
    from += 8;
  }
  while (from < text_.size()) {
    const auto c = static_cast<uint8_t>(text_[from]);
    if (c == '"' || c == '\\' || c < 0x20 || c >= 0x80) break;
    ++from;
  }
  return from;
}

std::string_view JsonReader::String() {
  const size_t begin = ++at_;
  bool ascii = true;
  while (true) {
    at_ = PlainEnd(at_);
    if (at_ >= text_.size()) break;
    const auto c = static_cast<uint8_t>(text_[at_]);
    if (c < 0x80) break;
    ascii = false;
    ++at_;
  }
  if (at_ < text_.size() && text_[at_] == '"') {
    const std::string_view plain = text_.substr(begin, at_ - begin);
    if (ascii || IsValidUtf8(plain)) {
      ++at_;
      return plain;
    }
  }
  at_ = begin;
  return Decode(begin);
}

// A string with escapes, or with bytes that are no UTF-8.
std::string_view JsonReader::Decode(size_t begin) {
  std::string& out = decoded_.emplace_back();
  at_ = begin;
  while (!failed()) {
    const size_t end = PlainEnd(at_);
    out.append(text_.substr(at_, end - at_));
    at_ = end;
    if (at_ >= text_.size() || static_cast<uint8_t>(text_[at_]) < 0x20) {
      Fail("in string literal");
    } else if (text_[at_] == '"') {
      ++at_;
      return out;
    } else if (text_[at_] == '\\') {
      ++at_;
      Escape(&out);
    } else {
      const size_t length = CharacterLength(text_.substr(at_));
      out.append(length == 0 ? kReplacement : text_.substr(at_, length));
      at_ += length == 0 ? 1 : length;
    }
  }
  return {};
}

// at_ is behind the backslash.
void JsonReader::Escape(std::string* out) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
  const size_t index = at_ < text_.size() ? kNames.find(text_[at_]) : std::string_view::npos;
  if (index != std::string_view::npos) {
    out->push_back(kValues[index]);
    ++at_;
    return;
  }
  if (at_ >= text_.size() || text_[at_] != 'u') {
    Fail("in string escape code");
    return;
  }
  ++at_;
  unsigned code = HexDigits();
  if (failed()) return;
  if (code >= 0xd800 && code < 0xe000) {
    const size_t behind = at_;
    unsigned low = 0;
    if (code < 0xdc00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      low = HexDigits();
      if (failed()) return;
    }
    if (low >= 0xdc00 && low < 0xe000) {
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else {
      at_ = behind;
      code = 0xfffd;
    }
  }
  AppendCodePoint(code, out);
}

unsigned JsonReader::HexDigits() {
  unsigned value = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    const char low = static_cast<char>(c | 0x20);
    if (IsJsonDigit(c)) {
      value = value << 4 | static_cast<unsigned>(c - '0');
    } else if (low >= 'a' && low <= 'f') {
      value = value << 4 | static_cast<unsigned>(low - 'a' + 10);
    } else {
      Fail("in \\u hexadecimal character escape");
      return 0;
    }
  }
  return value;
}

void JsonReader::SkipLiteral(std::string_view word) {
  for (size_t i = 0; i < word.size(); ++i, ++at_) {
    if (at_ < text_.size() && text_[at_] == word[i]) continue;
    Fail("in literal " + std::string(word) + " (expecting " + CharacterText(word[i]) + ")");
    return;
  }
}

bool JsonReader::Bool() {
  const bool value = text_[at_] == 't';
  SkipLiteral(value ? "true" : "false");
  return value && !failed();
}

std::string_view JsonReader::Number() {
  const size_t begin = at_;
  SkipNumber();
  return failed() ? std::string_view() : text_.substr(begin, at_ - begin);
}

bool JsonReader::SkipDigits(std::string_view where) {
  if (at_ >= text_.size() || !IsJsonDigit(text_[at_])) {
    Fail(where);
    return false;
  }
  while (at_ < text_.size() && IsJsonDigit(text_[at_])) ++at_;
  return true;
}

void JsonReader::SkipNumber() {
  const auto at = [&](char c) { return at_ < text_.size() && text_[at_] == c; };
  if (at('-')) ++at_;
  if (at('0')) {
    ++at_;
  } else if (!SkipDigits("in numeric literal")) {
    return;
  }
  if (at('.')) {
    ++at_;
    if (!SkipDigits("after decimal point in numeric literal")) return;
  }
  if (at('e') || at('E')) {
    ++at_;
    if (at('+') || at('-')) ++at_;
    static_cast<void>(SkipDigits("in exponent of numeric literal"));
  }
}

void JsonReader::Skip() {
  const size_t kept = decoded_.size();
  std::string open;  // the containers that are open
  do {
    const Kind kind = Peek();
    if (kind == Kind::kObject || kind == Kind::kArray) {
      open += text_[at_];
      if (open.size() > kMaxDepth && !failed()) {
        error_ = "exceeded max depth";
        at_ = text_.size();
      } else {
        Enter();
      }
    } else if (kind == Kind::kString) {
      static_cast<void>(String());
    } else if (kind == Kind::kNumber) {
      SkipNumber();
    } else if (kind == Kind::kBool) {
      static_cast<void>(Bool());
    } else if (kind == Kind::kNull) {
      SkipLiteral("null");
    }
    std::string_view key;
    while (!failed() && !open.empty()) {
      if (open.back() == '{' ? NextKey(&key) : NextElement()) break;
      open.pop_back();
    }
    decoded_.resize(kept);  // nobody has seen them
  } while (!failed() && !open.empty());
}

}  // namespace vigil
