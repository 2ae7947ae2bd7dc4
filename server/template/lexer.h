// SPDX-License-Identifier: Apache-2.0
// Cuts a template's text into tokens.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vigil::tmpl {

enum class TokenKind {
  kError,  // text is the message
  kEnd,
  kText,
  kLeftDelim,
  kRightDelim,
  kLeftParen,
  kRightParen,
  kSpace,
  kPipe,
  kDeclare,
  kAssign,
  kComma,
  kChar,
  kBool,
  kNumber,
  kCharConstant,
  kString,
  kRawString,
  kIdentifier,
  kField,
  kVariable,
  kDot,
  // Keywords
  kBlock,
  kBreak,
  kContinue,
  kDefine,
  kElse,
  kEndWord,
  kIf,
  kNil,
  kRange,
  kTemplate,
  kWith,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  size_t position = 0;  // byte in the template's text
  int line = 1;

  // As parse errors show it: "<range>", "EOF", the first ten characters in quotes.
  [[nodiscard]] std::string Shown() const;
};

// Behind an error or the end come no more tokens.
// Threads: owner thread only.
class Lexer {
 public:
  // The text must outlive the lexer.
  explicit Lexer(std::string_view text) : text_(text) {}
  Token Next();

 private:
  [[nodiscard]] std::string_view Rest() const { return text_.substr(at_); }
  [[nodiscard]] bool AtRightDelim(bool* trim) const;
  [[nodiscard]] bool AtTerminator() const;
  // Ends the token that began at start_.
  Token Emit(TokenKind kind);
  Token Fail(std::string message);
  // False when nothing came of it: a trimmed text, a comment.
  bool NextText(Token* token);
  bool SkipComment(Token* token);
  Token LeftDelim();
  Token RightDelim(bool trim);
  Token InAction();
  Token Punctuation(char32_t c);
  Token Space();
  Token Word();
  Token FieldOrVariable(TokenKind kind);
  Token Number();
  Token Quoted(char quote, TokenKind kind);
  Token RawString();
  bool ScanNumber();
  void AcceptRun(std::string_view set);
  bool Accept(std::string_view set);

  std::string_view text_;
  size_t at_ = 0;
  size_t start_ = 0;
  int line_ = 1;  // of start_
  int parens_ = 0;
  bool in_action_ = false;
  bool ended_ = false;
};

}  // namespace vigil::tmpl
