// SPDX-License-Identifier: Apache-2.0
// Splits a PromQL expression into tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/promql/token.h"
#include "server/promql/utf8.h"

namespace vigil::promql {

// What a character means depends on where it stands: inside braces words are label names, inside
// brackets only arithmetic on durations is allowed.
// Threads: owner thread only. The text must outlive the lexer and its tokens.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  // Comments and space are skipped. After kEnd or kError the same kind comes again.
  Token Next();
  // Why the last token is kError. Its pos is where the trouble began.
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  enum class Mode { kStatement, kBraces, kDuration };

  Token Statement();
  Token Braces();
  Token DurationExpression();
  Token End();
  Token Number();
  Token Word();
  Token LabelName();
  Token DurationKeyword(int32_t first);
  Token QuotedString(int32_t quote);
  Token RawString();
  Token Assignment();
  Token Angle(bool less);
  Token OpenParen();
  Token CloseParen();
  Token DurationColon();
  // False: error_ is set.
  bool Escape(int32_t quote);
  bool EscapeDigits(int digits, uint32_t base, uint32_t max);
  bool ScanNumber();
  bool ScanDurationRest();
  [[nodiscard]] bool FollowedByParen() const;

  Rune Read();
  [[nodiscard]] int32_t Peek() const { return DecodeRune(text_.substr(pos_)).value; }
  bool Accept(std::string_view set);
  [[nodiscard]] bool Is(std::string_view set) const;
  void SkipSpaceAndComments();
  Token Make(TokenKind kind);
  Token Fail(std::string message);

  std::string_view text_;
  size_t pos_ = 0;
  size_t start_ = 0;
  Mode mode_ = Mode::kStatement;
  int paren_depth_ = 0;
  // Since the last bracket was opened.
  bool got_colon_ = false;
  bool got_number_ = false;
  bool got_keyword_ = false;
  bool failed_ = false;
  std::string error_;
};

}  // namespace vigil::promql
