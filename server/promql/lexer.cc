// SPDX-License-Identifier: Apache-2.0
// The error texts are those of Prometheus: tools and people know them.
#include "server/promql/lexer.h"

#include <fmt/format.h>

#include <utility>

#include "client-lib/base/strings.h"

namespace vigil::promql {
namespace {

bool IsSpace(int32_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(int32_t c) { return c >= '0' && c <= '9'; }
bool IsAlpha(int32_t c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsAlphaNumeric(int32_t c) { return IsAlpha(c) || IsDigit(c); }

uint32_t DigitValue(int32_t c) {
  if (IsDigit(c)) return static_cast<uint32_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint32_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint32_t>(c - 'A' + 10);
  return 16;
}

// The tokens of one character that mean the same in statements and durations.
TokenKind SingleCharacter(int32_t c) {
  switch (c) {
    case ',':
      return TokenKind::kComma;
    case '*':
      return TokenKind::kMul;
    case '/':
      return TokenKind::kDiv;
    case '%':
      return TokenKind::kMod;
    case '+':
      return TokenKind::kAdd;
    case '-':
      return TokenKind::kSub;
    case '^':
      return TokenKind::kPow;
    default:
      return TokenKind::kError;
  }
}

constexpr std::string_view kDecimal = "0123456789";
constexpr std::string_view kHexadecimal = "0123456789abcdefABCDEF";

}  // namespace

Token Lexer::Next() {
  if (failed_) return {TokenKind::kError, start_, {}};
  SkipSpaceAndComments();
  start_ = pos_;
  switch (mode_) {
    case Mode::kBraces:
      return Braces();
    case Mode::kDuration:
      return DurationExpression();
    case Mode::kStatement:
      break;
  }
  return Statement();
}

Token Lexer::Statement() {
  const int32_t c = Read().value;
  if (const TokenKind single = SingleCharacter(c); single != TokenKind::kError) {
    return Make(single);
  }
  if (IsDigit(c) || (c == '.' && IsDigit(Peek()))) return Number();
  if (IsAlpha(c) || c == ':') return Word();
  switch (c) {
    case kEndOfText:
      return End();
    case '=':
      return Assignment();
    case '!':
      if (const int32_t next = Read().value; next != '=') {
        return Fail(fmt::format("unexpected character after '!': {}", QuoteRune(next)));
      }
      return Make(TokenKind::kNotEqual);
    case '<':
      return Angle(true);
    case '>':
      return Angle(false);
    case '"':
    case '\'':
      return QuotedString(c);
    case '`':
      return RawString();
    case '(':
      return OpenParen();
    case ')':
      return CloseParen();
    case '{':
      mode_ = Mode::kBraces;
      return Make(TokenKind::kLeftBrace);
    case '[':
      mode_ = Mode::kDuration;
      got_colon_ = false;
      got_number_ = false;
      got_keyword_ = false;
      return Make(TokenKind::kLeftBracket);
    case ']':
      return Fail(fmt::format("unexpected right bracket {}", QuoteRune(c)));
    case '@':
      return Make(TokenKind::kAt);
    default:
      return Fail(fmt::format("unexpected character: {}", QuoteRune(c)));
  }
}

Token Lexer::Braces() {
  const int32_t c = Read().value;
  if (IsAlpha(c)) return LabelName();
  switch (c) {
    case kEndOfText:
      return Fail("unexpected end of input inside braces");
    case ',':
      return Make(TokenKind::kComma);
    case '"':
    case '\'':
      return QuotedString(c);
    case '`':
      return RawString();
    case '=':
      return Make(Accept("~") ? TokenKind::kMatchRegexp : TokenKind::kAssign);
    case '!': {
      const int32_t next = Read().value;
      if (next == '~') return Make(TokenKind::kMatchNotRegexp);
      if (next == '=') return Make(TokenKind::kNotEqual);
      return Fail(fmt::format("unexpected character after '!' inside braces: {}", QuoteRune(next)));
    }
    case '{':
      return Fail(fmt::format("unexpected left brace {}", QuoteRune(c)));
    case '}':
      mode_ = Mode::kStatement;
      return Make(TokenKind::kRightBrace);
    default:
      return Fail(fmt::format("unexpected character inside braces: {}", QuoteRune(c)));
  }
}

// Up to the first number nothing but arithmetic is known here; behind it any token is, and the
// parser finds what does not fit.
Token Lexer::DurationExpression() {
  const int32_t c = Read().value;
  if (const TokenKind single = SingleCharacter(c); single != TokenKind::kError) {
    return Make(single);
  }
  if (IsDigit(c) || (c == '.' && IsDigit(Peek()))) {
    got_number_ = true;
    return Number();
  }
  if (IsAlpha(c)) return DurationKeyword(c);
  switch (c) {
    case kEndOfText:
      if (!got_number_) return Fail("unexpected end of input in duration expression");
      return Fail(paren_depth_ != 0 ? "unclosed left parenthesis" : "unclosed left bracket");
    case ']':
      mode_ = Mode::kStatement;
      return Make(TokenKind::kRightBracket);
    case ':':
      return DurationColon();
    case '(':
      return OpenParen();
    case ')':
      return CloseParen();
    default:
      if (!got_number_) {
        return Fail(fmt::format("unexpected character in duration expression: {}", QuoteRune(c)));
      }
      if (c == '[') return Fail("unexpected left bracket '['");
      pos_ = start_;
      return Statement();
  }
}

Token Lexer::End() {
  if (paren_depth_ != 0) return Fail("unclosed left parenthesis");
  return Make(TokenKind::kEnd);
}

Token Lexer::Assignment() {
  if (Accept("=")) return Make(TokenKind::kEqual);
  if (Is("~")) return Fail("unexpected character after '=': '~'");
  return Make(TokenKind::kAssign);
}

Token Lexer::Angle(bool less) {
  if (Accept("=")) return Make(less ? TokenKind::kLessEqual : TokenKind::kGreaterEqual);
  if (Accept("/")) return Make(less ? TokenKind::kTrimUpper : TokenKind::kTrimLower);
  return Make(less ? TokenKind::kLess : TokenKind::kGreater);
}

Token Lexer::OpenParen() {
  ++paren_depth_;
  return Make(TokenKind::kLeftParen);
}

Token Lexer::CloseParen() {
  if (--paren_depth_ < 0) {
    start_ = pos_;  // upstream reports the position behind it
    return Fail("unexpected right parenthesis ')'");
  }
  return Make(TokenKind::kRightParen);
}

Token Lexer::DurationColon() {
  if (got_colon_) return Fail("unexpected colon ':'");
  if (!got_number_ && !got_keyword_) {
    start_ = pos_;
    return Fail("unexpected colon before duration in duration expression");
  }
  got_colon_ = true;
  return Make(TokenKind::kColon);
}

Token Lexer::Number() {
  pos_ = start_;
  if (ScanNumber()) return Make(TokenKind::kNumber);
  if (ScanDurationRest()) return Make(TokenKind::kDuration);
  return Fail(
      fmt::format("bad number or duration syntax: {}", Quote(text_.substr(start_, pos_ - start_))));
}

// Whether the characters are a number by and large; the parser converts it and has the last word.
bool Lexer::ScanNumber() {
  std::string_view digits = kDecimal;
  if (Accept("0") && Accept("xX")) {
    Accept("_");
    digits = kHexadecimal;
  }
  bool dot = false;
  bool exponent = false;
  Accept(".");
  Accept(digits);
  while (Is(digits) || Is("._eE")) {
    if (digits.size() > kDecimal.size() ? Accept(digits) : Accept(kDecimal)) continue;
    if (Accept("_")) {
      if (Accept("._eE") || Peek() == kEndOfText) return false;
    } else if (Accept(".")) {
      const bool again = std::exchange(dot, true);
      if (again || Accept("_.") || digits.size() > kDecimal.size()) return false;
    } else {
      Accept("eE");
      if (std::exchange(exponent, true)) return false;
      Accept("+-");
      if (Accept("._eE") || Peek() == kEndOfText) return false;
    }
  }
  return !IsAlphaNumeric(Peek());
}

// Behind the first digits of a duration. Wrong orders and units are left to the parser.
bool Lexer::ScanDurationRest() {
  if (!Accept("smhdwy")) return false;
  Accept("s");
  while (Accept(kDecimal)) {
    while (Accept(kDecimal)) {
    }
    if (!Accept("smhdw")) return false;
    Accept("s");
  }
  if (!IsAlphaNumeric(Peek())) return true;
  Read();
  return false;
}

Token Lexer::Word() {
  while (IsAlphaNumeric(Peek()) || Peek() == ':') Read();
  const TokenKind kind = WordKind(text_.substr(start_, pos_ - start_));
  // Metrics may be called fill: the modifier is known by its parenthesis.
  if (kind >= TokenKind::kFill && kind <= TokenKind::kFillRight && !FollowedByParen()) {
    return Make(TokenKind::kIdentifier);
  }
  return Make(kind);
}

bool Lexer::FollowedByParen() const {
  size_t i = pos_;
  while (i < text_.size() && IsSpace(text_[i])) ++i;
  return i < text_.size() && text_[i] == '(';
}

Token Lexer::LabelName() {
  while (IsAlphaNumeric(Peek())) Read();
  return Make(TokenKind::kIdentifier);
}

Token Lexer::DurationKeyword(int32_t first) {
  while (IsAlpha(Peek())) Read();
  const TokenKind kind = WordKind(text_.substr(start_, pos_ - start_));
  switch (kind) {
    case TokenKind::kStep:
    case TokenKind::kRange:
    case TokenKind::kMinOf:
    case TokenKind::kMaxOf:
      got_keyword_ = true;
      return Make(kind);
    default:
      if (got_number_) {
        return Fail(fmt::format("unexpected character: {}, expected ':'", QuoteRune(first)));
      }
      return Fail(fmt::format("unexpected character in duration expression: {}", QuoteRune(first)));
  }
}

Token Lexer::QuotedString(int32_t quote) {
  for (;;) {
    const Rune rune = Read();
    if (!rune.valid) return Fail("invalid UTF-8 rune");
    if (rune.value == quote) return Make(TokenKind::kString);
    if (rune.value == kEndOfText || rune.value == '\n') return Fail("unterminated quoted string");
    if (rune.value == '\\' && !Escape(quote)) return Fail(std::move(error_));
  }
}

Token Lexer::RawString() {
  for (;;) {
    const Rune rune = Read();
    if (!rune.valid) return Fail("invalid UTF-8 rune");
    if (rune.value == '`') return Make(TokenKind::kString);
    if (rune.value == kEndOfText) return Fail("unterminated raw string");
  }
}

bool Lexer::Escape(int32_t quote) {
  if (Is("01234567")) return EscapeDigits(3, 8, 255);
  const int32_t c = Read().value;
  if (c == quote) return true;
  switch (c) {
    case 'a':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
    case 'v':
    case '\\':
      return true;
    case 'x':
      return EscapeDigits(2, 16, 255);
    case 'u':
      return EscapeDigits(4, 16, 0x10ffff);
    case 'U':
      return EscapeDigits(8, 16, 0x10ffff);
    case kEndOfText:
      error_ = "escape sequence not terminated";
      return false;
    default:
      error_ = fmt::format("unknown escape sequence {}", NumberedRune(c));
      return false;
  }
}

bool Lexer::EscapeDigits(int digits, uint32_t base, uint32_t max) {
  uint32_t value = 0;
  for (int i = 0; i < digits; ++i) {
    const int32_t c = Read().value;
    const uint32_t digit = DigitValue(c);
    if (digit >= base) {
      error_ = c == kEndOfText
                   ? "escape sequence not terminated"
                   : fmt::format("illegal character {} in escape sequence", NumberedRune(c));
      return false;
    }
    value = value * base + digit;
  }
  if (value > max || (value >= 0xd800 && value < 0xe000)) {
    error_ = "escape sequence is an invalid Unicode code point";
    return false;
  }
  return true;
}

Rune Lexer::Read() {
  const Rune rune = DecodeRune(text_.substr(pos_));
  pos_ += rune.size;
  return rune;
}

bool Lexer::Is(std::string_view set) const {
  return pos_ < text_.size() && set.find(text_[pos_]) != std::string_view::npos;
}

bool Lexer::Accept(std::string_view set) {
  if (!Is(set)) return false;
  ++pos_;
  return true;
}

void Lexer::SkipSpaceAndComments() {
  for (;;) {
    while (pos_ < text_.size() && IsSpace(text_[pos_])) ++pos_;
    if (mode_ == Mode::kDuration && !got_number_) return;
    if (pos_ >= text_.size() || text_[pos_] != '#') return;
    while (pos_ < text_.size() && text_[pos_] != '\n' && text_[pos_] != '\r') ++pos_;
  }
}

Token Lexer::Make(TokenKind kind) { return {kind, start_, text_.substr(start_, pos_ - start_)}; }

Token Lexer::Fail(std::string message) {
  error_ = std::move(message);
  failed_ = true;
  return {TokenKind::kError, start_, {}};
}

}  // namespace vigil::promql
