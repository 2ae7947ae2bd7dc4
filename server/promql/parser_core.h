// SPDX-License-Identifier: Apache-2.0
// The recursive-descent parser behind parser.h. Its methods are spread over parser.cc
// (expressions), parser_call.cc (functions, aggregations, binary modifiers), parser_selector.cc
// (selectors and what may follow them) and parser_duration.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "server/promql/ast.h"
#include "server/promql/lexer.h"
#include "server/promql/parser.h"

namespace vigil::promql {

// Nesting that the parser accepts, so that recursion over a tree cannot exhaust the stack.
inline constexpr uint32_t kMaxHeight = 1000;
// Limits on what a text can make the parser hold.
inline constexpr size_t kMaxTextBytes = 8 << 20;
inline constexpr size_t kMaxRegexps = 1000;

// Keeps the first error only, as upstream reports. An error of syntax ends the parse at once (null
// is returned all the way up); an error of meaning lets it go on, because an earlier position in
// the text does not mean an earlier error.
// Threads: owner thread only.
class Parser {
 public:
  Parser(std::string_view text, const ParserOptions& options)
      : text_(text), options_(options), lexer_(text) {}

  Result<ExprPtr> Expression();
  Result<std::vector<Matcher>> MetricSelector();
  Result<Labels> Metric();

 private:
  // What an unexpected token is reported to be in, while the scope lives.
  struct Context {
    std::string_view where;
    std::string_view expected;
  };
  class ContextScope {
   public:
    ContextScope(Parser* parser, Context context) : parser_(parser), outer_(parser->context_) {
      parser->context_ = context;
    }
    ~ContextScope() { parser_->context_ = outer_; }
    ContextScope(const ContextScope&) = delete;
    ContextScope& operator=(const ContextScope&) = delete;

   private:
    Parser* parser_;
    Context outer_;
  };
  class Level {
   public:
    explicit Level(Parser* parser) : parser_(parser) { ++parser->level_; }
    ~Level() { --parser_->level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Parser* parser_;
  };

  // Tokens. The next one is read only when it is asked for: an error in it must not overtake an
  // error of meaning in what stands before.
  const Token& Peek();
  Token Take();
  bool At(TokenKind kind) { return Peek().kind == kind; }
  bool Accept(TokenKind kind);
  bool Expect(TokenKind kind);

  void AddError(size_t pos, std::string message);
  std::nullptr_t Unexpected() { return Unexpected(context_.where, context_.expected); }
  std::nullptr_t Unexpected(std::string_view where, std::string_view expected);
  std::nullptr_t TooDeep(size_t pos);
  [[nodiscard]] Error TakeError() const;

  // parser.cc
  ExprPtr ParseExpr(int min_precedence);
  ExprPtr ParseOperand();
  ExprPtr ParsePrimary();
  ExprPtr ParseWord();
  ExprPtr ParseUnary();
  ExprPtr ParseParen();
  ExprPtr ParseNumber();
  ExprPtr ParseString();
  double NumberValue(const Token& token);
  DurationMs DurationValue(const Token& token);
  // The node with its height set; null when the tree became too high.
  ExprPtr Finish(ExprPtr node, uint32_t child_height);

  // parser_call.cc
  ExprPtr ParseBinary(ExprPtr lhs, int precedence);
  bool ParseBinaryModifiers(BinaryExpr* binary);
  bool ParseFill(VectorMatching* matching);
  ExprPtr ParseAggregate(const Token& op);
  bool ParseAggregateModifier(AggregateExpr* aggregate);
  void SetAggregateArguments(AggregateExpr* aggregate, std::vector<ExprPtr> args);
  ExprPtr ParseCall(const Token& name);
  // Behind the opening parenthesis; *end is the position behind the closing one.
  bool ParseArguments(std::vector<ExprPtr>* args, size_t* end);
  bool ParseGrouping(std::vector<std::string>* labels);

  // parser_selector.cc
  ExprPtr ParseSelector(const Token* name);
  bool ParseMatchers(std::vector<Matcher>* matchers);
  bool ParseMatcher(std::vector<Matcher>* matchers);
  bool ParseLabelSet(std::vector<LabelView>* labels, std::vector<std::string>* arena);
  bool ParseLabelSetItem(std::vector<LabelView>* labels, std::vector<std::string>* arena);
  ExprPtr ParsePostfix(ExprPtr expr);
  ExprPtr ParseOffset(ExprPtr expr);
  ExprPtr ParseAt(ExprPtr expr);
  void SetAt(Expr* expr, AtKind kind, double seconds, size_t end);
  void SetExtended(Expr* expr, bool anchored);
  ExprPtr ParseBracket(ExprPtr expr);
  ExprPtr FinishMatrix(ExprPtr expr, DurationExprPtr range, const Token& open);
  ExprPtr FinishSubquery(ExprPtr expr, DurationExprPtr range);

  // parser_duration.cc
  DurationExprPtr ParsePositiveDuration();
  DurationExprPtr ParseDurationExpr(int min_precedence);
  DurationExprPtr ParseDurationOperand();
  DurationExprPtr ParseDurationPrimary();
  DurationExprPtr ParseDurationLiteral();
  DurationExprPtr ParseDurationFunction();
  DurationExprPtr ParseOffsetDuration();
  DurationExprPtr JoinDurations(DurationExprPtr lhs, const Token& op, DurationExprPtr rhs);
  DurationExprPtr ApplySign(const Token& sign, DurationExprPtr operand);
  DurationExprPtr FinishDuration(DurationExprPtr node);
  void RequireDurationExpressions(size_t pos);
  bool CheckDurationRange(double seconds, size_t pos);

  std::string_view text_;
  ParserOptions options_;
  Lexer lexer_;
  std::optional<Token> next_;
  Context context_;
  uint32_t level_ = 0;
  size_t regexps_ = 0;
  std::optional<std::string> error_;
  size_t error_pos_ = 0;
};

// Milliseconds of a duration in seconds, as upstream rounds: to nanoseconds first, then down.
DurationMs SecondsToMs(double seconds);

// Whether a word may be a metric's name / a label in a grouping although it is a keyword.
bool MayNameMetric(TokenKind kind);
bool MayNameGroupingLabel(TokenKind kind);

}  // namespace vigil::promql
