// SPDX-License-Identifier: Apache-2.0
// Texts between actions, trim markers and comments, and the tokens of actions.
#include "server/template/lexer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

constexpr std::string_view kLeft = "{{";
constexpr std::string_view kRight = "}}";
constexpr std::string_view kOpenComment = "/*";
constexpr std::string_view kCloseComment = "*/";
constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kDecimalDigits = "0123456789_";

bool IsBlank(char c) { return kBlanks.find(c) != std::string_view::npos; }

bool IsAlphaNumeric(char32_t rune) {
  return rune == '_' || IsLetterRune(rune) || IsDigitRune(rune);
}

// "{{- " and " -}}": the marker and its blank.
bool HasLeftTrim(std::string_view text) {
  return text.size() >= 2 && text[0] == '-' && IsBlank(text[1]);
}
bool HasRightTrim(std::string_view text) {
  return text.size() >= 2 && IsBlank(text[0]) && text[1] == '-';
}

struct Keyword {
  std::string_view word;
  TokenKind kind;
};
constexpr std::array kKeywords = {
    Keyword{"block", TokenKind::kBlock},
    Keyword{"break", TokenKind::kBreak},
    Keyword{"continue", TokenKind::kContinue},
    Keyword{"define", TokenKind::kDefine},
    Keyword{"else", TokenKind::kElse},
    Keyword{"end", TokenKind::kEndWord},
    Keyword{"if", TokenKind::kIf},
    Keyword{"nil", TokenKind::kNil},
    Keyword{"range", TokenKind::kRange},
    Keyword{"template", TokenKind::kTemplate},
    Keyword{"with", TokenKind::kWith},
    Keyword{"true", TokenKind::kBool},
    Keyword{"false", TokenKind::kBool},
};

}  // namespace

std::string Token::Shown() const {
  if (kind == TokenKind::kEnd) return "EOF";
  if (kind == TokenKind::kError) return text;
  // The dot counts as a keyword.
  if (kind >= TokenKind::kBlock || kind == TokenKind::kDot) return "<" + text + ">";
  size_t end = 0;
  for (int runes = 0; end < text.size() && runes < 10; ++runes) {
    end += DecodeRune(std::string_view(text).substr(end)).size;
  }
  if (text.size() > 10) return QuoteText(std::string_view(text).substr(0, end)) + "...";
  return QuoteText(text);
}

Token Lexer::Emit(TokenKind kind) {
  Token token{kind, std::string(text_.substr(start_, at_ - start_)), start_, line_};
  line_ += static_cast<int>(std::count(token.text.begin(), token.text.end(), '\n'));
  start_ = at_;
  return token;
}

Token Lexer::Fail(std::string message) {
  ended_ = true;
  return {TokenKind::kError, std::move(message), start_, line_};
}

bool Lexer::Accept(std::string_view set) {
  if (at_ == text_.size() || set.find(text_[at_]) == std::string_view::npos) return false;
  ++at_;
  return true;
}

void Lexer::AcceptRun(std::string_view set) {
  while (Accept(set)) {
  }
}

bool Lexer::AtRightDelim(bool* trim) const {
  *trim = HasRightTrim(Rest()) && Rest().substr(2).starts_with(kRight);
  return *trim || Rest().starts_with(kRight);
}

bool Lexer::AtTerminator() const {
  if (at_ == text_.size()) return true;
  return IsBlank(text_[at_]) || std::string_view(".,|:)(").find(text_[at_]) != std::string::npos ||
         Rest().starts_with(kRight);
}

Token Lexer::Next() {
  Token token;
  while (!in_action_) {
    if (ended_) return {TokenKind::kEnd, "", text_.size(), line_};
    if (NextText(&token)) return token;
  }
  if (ended_) return {TokenKind::kEnd, "", text_.size(), line_};
  return InAction();
}

bool Lexer::NextText(Token* token) {
  const size_t delim = text_.find(kLeft, at_);
  if (delim == at_) {
    if (SkipComment(token)) return token->kind == TokenKind::kError;
    *token = LeftDelim();
    return true;
  }
  if (delim == std::string_view::npos) {
    at_ = text_.size();
    if (at_ > start_) {
      *token = Emit(TokenKind::kText);
      return true;
    }
    ended_ = true;
    return false;
  }
  at_ = delim;
  if (HasLeftTrim(text_.substr(delim + kLeft.size()))) {
    while (at_ > start_ && IsBlank(text_[at_ - 1])) --at_;
  }
  const bool any = at_ > start_;
  if (any) *token = Emit(TokenKind::kText);
  at_ = delim;
  static_cast<void>(Emit(TokenKind::kText));  // what is trimmed
  return any;
}

// Whether a comment stands here; then it is behind us, or *token is an error.
bool Lexer::SkipComment(Token* token) {
  size_t open = at_ + kLeft.size();
  if (HasLeftTrim(text_.substr(open))) open += 2;
  if (!text_.substr(open).starts_with(kOpenComment)) return false;
  token->kind = TokenKind::kText;
  const size_t close = text_.find(kCloseComment, open);
  if (close == std::string_view::npos) {
    *token = Fail("unclosed comment");
    return true;
  }
  at_ = close + kCloseComment.size();
  bool trim = false;
  if (!AtRightDelim(&trim)) {
    *token = Fail("comment ends before closing delimiter");
    return true;
  }
  at_ += (trim ? 2 : 0) + kRight.size();
  if (trim) AcceptRun(kBlanks);
  static_cast<void>(Emit(TokenKind::kText));
  return true;
}

Token Lexer::LeftDelim() {
  const bool trim = HasLeftTrim(text_.substr(at_ + kLeft.size()));
  at_ += kLeft.size();
  Token token = Emit(TokenKind::kLeftDelim);
  if (trim) {
    at_ += 2;
    static_cast<void>(Emit(TokenKind::kText));
  }
  in_action_ = true;
  parens_ = 0;
  return token;
}

Token Lexer::RightDelim(bool trim) {
  if (trim) {
    at_ += 2;
    static_cast<void>(Emit(TokenKind::kText));
  }
  at_ += kRight.size();
  Token token = Emit(TokenKind::kRightDelim);
  if (trim) {
    AcceptRun(kBlanks);
    static_cast<void>(Emit(TokenKind::kText));
  }
  in_action_ = false;
  return token;
}

Token Lexer::InAction() {
  bool trim = false;
  if (AtRightDelim(&trim)) {
    return parens_ == 0 ? RightDelim(trim) : Fail("unclosed left paren");
  }
  if (at_ == text_.size()) return Fail("unclosed action");
  const char c = text_[at_];
  if (IsBlank(c)) return Space();
  if (c == '"') return Quoted('"', TokenKind::kString);
  if (c == '\'') return Quoted('\'', TokenKind::kCharConstant);
  if (c == '`') return RawString();
  const bool digit_follows =
      at_ + 1 < text_.size() && text_[at_ + 1] >= '0' && text_[at_ + 1] <= '9';
  if (c == '$') return FieldOrVariable(TokenKind::kVariable);
  if (c == '.' && at_ + 1 < text_.size() && !digit_follows) {
    return FieldOrVariable(TokenKind::kField);
  }
  if (c == '.' || c == '+' || c == '-' || (c >= '0' && c <= '9')) return Number();
  const Rune rune = DecodeRune(Rest());
  if (IsAlphaNumeric(rune.code)) return Word();
  at_ += rune.size;
  return Punctuation(rune.code);
}

Token Lexer::Punctuation(char32_t c) {
  if (c == '=') return Emit(TokenKind::kAssign);
  if (c == '|') return Emit(TokenKind::kPipe);
  if (c == ',') return Emit(TokenKind::kChar);
  if (c == ':') return Accept("=") ? Emit(TokenKind::kDeclare) : Fail("expected :=");
  if (c == '(') {
    ++parens_;
    return Emit(TokenKind::kLeftParen);
  }
  if (c == ')') {
    if (--parens_ < 0) return Fail("unexpected right paren");
    return Emit(TokenKind::kRightParen);
  }
  if (c < 0x80 && IsPrintRune(c)) return Emit(TokenKind::kChar);
  return Fail("unrecognized character in action: " + ShowRune(c));
}

Token Lexer::Space() {
  while (at_ < text_.size() && IsBlank(text_[at_])) {
    bool trim = false;
    // The blank of " -}}" belongs to the delimiter.
    if (AtRightDelim(&trim) && trim && at_ > start_) break;
    ++at_;
  }
  return Emit(TokenKind::kSpace);
}

Token Lexer::Word() {
  while (at_ < text_.size()) {
    const Rune rune = DecodeRune(Rest());
    if (!IsAlphaNumeric(rune.code)) break;
    at_ += rune.size;
  }
  if (!AtTerminator()) return Fail("bad character " + ShowRune(DecodeRune(Rest()).code));
  const std::string_view word = text_.substr(start_, at_ - start_);
  for (const Keyword& keyword : kKeywords) {
    if (keyword.word == word) return Emit(keyword.kind);
  }
  return Emit(TokenKind::kIdentifier);
}

Token Lexer::FieldOrVariable(TokenKind kind) {
  ++at_;
  if (AtTerminator()) {
    return Emit(kind == TokenKind::kVariable ? kind : TokenKind::kDot);
  }
  while (at_ < text_.size()) {
    const Rune rune = DecodeRune(Rest());
    if (!IsAlphaNumeric(rune.code)) break;
    at_ += rune.size;
  }
  if (!AtTerminator()) return Fail("bad character " + ShowRune(DecodeRune(Rest()).code));
  return Emit(kind);
}

bool Lexer::ScanNumber() {
  Accept("+-");
  std::string_view digits = kDecimalDigits;
  if (Accept("0")) {
    if (Accept("xX")) {
      digits = "0123456789abcdefABCDEF_";
    } else if (Accept("oO")) {
      digits = "01234567_";
    } else if (Accept("bB")) {
      digits = "01_";
    }
  }
  AcceptRun(digits);
  if (Accept(".")) AcceptRun(digits);
  if ((digits == kDecimalDigits && Accept("eE")) || (digits.size() == 23 && Accept("pP"))) {
    Accept("+-");
    AcceptRun(kDecimalDigits);
  }
  Accept("i");
  if (at_ == text_.size()) return true;
  const Rune rune = DecodeRune(Rest());
  if (!IsAlphaNumeric(rune.code)) return true;
  at_ += rune.size;
  return false;
}

Token Lexer::Number() {
  if (!ScanNumber()) {
    return Fail("bad number syntax: " + QuoteText(text_.substr(start_, at_ - start_)));
  }
  return Emit(TokenKind::kNumber);
}

Token Lexer::Quoted(char quote, TokenKind kind) {
  const char* const what =
      quote == '"' ? "unterminated quoted string" : "unterminated character constant";
  for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
    if (text_[at_] == quote) {
      ++at_;
      return Emit(kind);
    }
    if (text_[at_] != '\\') continue;
    ++at_;
    if (at_ == text_.size() || text_[at_] == '\n') break;
  }
  return Fail(what);
}

Token Lexer::RawString() {
  const size_t end = text_.find('`', at_ + 1);
  if (end == std::string_view::npos) return Fail("unterminated raw quoted string");
  at_ = end + 1;
  return Emit(TokenKind::kRawString);
}

}  // namespace vigil::tmpl
