// SPDX-License-Identifier: Apache-2.0
// Selectors, label sets, and what may follow a selector: range, subquery, offset, @, anchored.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "client-lib/base/strings.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/matcher.h"
#include "server/promql/parser_core.h"

namespace vigil::promql {
namespace {

std::optional<MatchType> MatchTypeOf(TokenKind kind) {
  switch (kind) {
    case TokenKind::kAssign:
      return MatchType::kEqual;
    case TokenKind::kNotEqual:
      return MatchType::kNotEqual;
    case TokenKind::kMatchRegexp:
      return MatchType::kRegexp;
    case TokenKind::kMatchNotRegexp:
      return MatchType::kNotRegexp;
    default:
      return std::nullopt;
  }
}

// What offset and @ change, or null for an expression that takes neither.
TimeModifiers* ModifiersOf(Expr* expr) {
  switch (expr->kind) {
    case NodeKind::kVectorSelector:
      return &static_cast<VectorSelector*>(expr)->time;
    case NodeKind::kMatrixSelector:
      return &static_cast<MatrixSelector*>(expr)->selector->time;
    case NodeKind::kSubquery:
      return &static_cast<SubqueryExpr*>(expr)->time;
    default:
      return nullptr;
  }
}

bool HasOffset(const TimeModifiers& time) {
  return time.offset_ms != 0 || time.offset_expr != nullptr;
}

void SetDuration(DurationExprPtr from, DurationMs* ms, DurationExprPtr* expr) {
  if (from->op == DurationExpr::Op::kLiteral) {
    *ms = SecondsToMs(from->seconds);
  } else {
    *expr = std::move(from);
  }
}

constexpr std::string_view kModifierPlace =
    "must be preceded by an instant vector selector or range vector selector or a subquery";

// What matching may hold: plenty for the first expressions, for there are rarely more; with many
// all together stay within some hundred megabytes.
size_t MemoryOfRegexp(size_t number, size_t length) {
  constexpr size_t kPlenty = 16;
  if (number <= kPlenty) return Regexp::kMaxMemoryBytes;
  return std::min(Regexp::kMaxMemoryBytes, (size_t{512} << 10) + 64 * length);
}

}  // namespace

ExprPtr Parser::ParseSelector(const Token* name) {
  auto selector = std::make_unique<VectorSelector>();
  selector->pos = name == nullptr ? PosRange{Peek().pos, 0} : PosRange{name->pos, name->end()};
  if (At(TokenKind::kLeftBrace)) {
    Take();
    if (!ParseMatchers(&selector->matchers)) return nullptr;
    selector->pos.end = Take().end();
  }
  if (name != nullptr) {
    selector->name = name->text;
    selector->matchers.push_back(Matcher::Equal(kMetricName, selector->name));
  }
  return selector;
}

// Behind the opening brace, up to the closing one, which is left.
bool Parser::ParseMatchers(std::vector<Matcher>* matchers) {
  while (!At(TokenKind::kRightBrace)) {
    if (!ParseMatcher(matchers)) return false;
    if (!Accept(TokenKind::kComma) && !At(TokenKind::kRightBrace)) {
      Unexpected("label matching", "\",\" or \"}\"");
      return false;
    }
  }
  return true;
}

bool Parser::ParseMatcher(std::vector<Matcher>* matchers) {
  constexpr std::string_view kWhere = "label matching";
  if (!At(TokenKind::kIdentifier) && !At(TokenKind::kString)) {
    Unexpected(kWhere, "identifier or \"}\"");
    return false;
  }
  const Token label = Take();
  const bool quoted = label.kind == TokenKind::kString;
  const std::string name = quoted ? Unquote(label.text) : std::string(label.text);
  const auto type = MatchTypeOf(Peek().kind);
  if (!type) {
    if (quoted) {
      matchers->push_back(Matcher::Equal(kMetricName, name));
      return true;
    }
    Unexpected(kWhere, "label matching operator");
    return false;
  }
  Take();
  if (!At(TokenKind::kString)) {
    Unexpected(kWhere, "string");
    return false;
  }
  const std::string value = Unquote(Take().text);
  const bool regexp = *type == MatchType::kRegexp || *type == MatchType::kNotRegexp;
  if (regexp && ++regexps_ > kMaxRegexps) {
    AddError(label.pos, fmt::format("more than {} regular expressions", kMaxRegexps));
    return false;
  }
  Result<Matcher> matcher =
      Matcher::Create(*type, name, value, MemoryOfRegexp(regexps_, value.size()));
  if (matcher) {
    matchers->push_back(std::move(*matcher));
  } else {
    AddError(label.pos, matcher.error().message);
  }
  return true;
}

Result<std::vector<Matcher>> Parser::MetricSelector() {
  ExprPtr selector;
  if (At(TokenKind::kLeftBrace)) {
    selector = ParseSelector(nullptr);
  } else if (MayNameMetric(Peek().kind)) {
    const Token name = Take();
    selector = ParseSelector(&name);
  } else {
    Unexpected();
  }
  if (selector != nullptr && !At(TokenKind::kEnd)) Unexpected();
  if (error_) return TakeError();
  return std::move(static_cast<VectorSelector&>(*selector).matchers);
}

Result<Labels> Parser::Metric() {
  std::vector<LabelView> labels;
  std::vector<std::string> arena;
  std::optional<Token> name;
  if (MayNameMetric(Peek().kind)) name = Take();
  bool good = true;
  if (Accept(TokenKind::kLeftBrace)) good = ParseLabelSet(&labels, &arena);
  if (good && !At(TokenKind::kEnd)) Unexpected();
  if (error_) return TakeError();
  if (name) labels.push_back({kMetricName, name->text});
  return Labels::Of(std::move(labels));
}

bool Parser::ParseLabelSet(std::vector<LabelView>* labels, std::vector<std::string>* arena) {
  // Views into short strings would move with them.
  arena->reserve(text_.size());
  while (!Accept(TokenKind::kRightBrace)) {
    if (!ParseLabelSetItem(labels, arena)) return false;
    if (!Accept(TokenKind::kComma) && !At(TokenKind::kRightBrace)) {
      Unexpected("label set", "\",\" or \"}\"");
      return false;
    }
  }
  return true;
}

bool Parser::ParseLabelSetItem(std::vector<LabelView>* labels, std::vector<std::string>* arena) {
  constexpr std::string_view kWhere = "label set";
  if (!At(TokenKind::kIdentifier) && !At(TokenKind::kString)) {
    Unexpected(kWhere, "identifier or \"}\"");
    return false;
  }
  const Token label = Take();
  const bool quoted = label.kind == TokenKind::kString;
  std::string_view name = label.text;
  if (quoted) name = arena->emplace_back(Unquote(label.text));
  if (!Accept(TokenKind::kAssign)) {
    if (quoted) {
      labels->push_back({kMetricName, name});
      return true;
    }
    Unexpected(kWhere, "\"=\"");
    return false;
  }
  if (!At(TokenKind::kString)) {
    Unexpected(kWhere, "string");
    return false;
  }
  labels->push_back({name, arena->emplace_back(Unquote(Take().text))});
  return true;
}

ExprPtr Parser::ParsePostfix(ExprPtr expr) {
  while (expr != nullptr) {
    switch (Peek().kind) {
      case TokenKind::kLeftBracket:
        expr = ParseBracket(std::move(expr));
        break;
      case TokenKind::kOffset:
        expr = ParseOffset(std::move(expr));
        break;
      case TokenKind::kAt:
        expr = ParseAt(std::move(expr));
        break;
      case TokenKind::kAnchored:
      case TokenKind::kSmoothed:
        SetExtended(expr.get(), Take().kind == TokenKind::kAnchored);
        break;
      default:
        return expr;
    }
  }
  return expr;
}

ExprPtr Parser::ParseOffset(ExprPtr expr) {
  Take();
  const ContextScope scope(this, {"offset", "number, duration, step(), or range()"});
  DurationExprPtr offset = ParseOffsetDuration();
  if (offset == nullptr) return nullptr;
  const size_t end = offset->pos.end;
  TimeModifiers* time = ModifiersOf(expr.get());
  if (time == nullptr) {
    AddError(expr->pos.begin, fmt::format("offset modifier {}", kModifierPlace));
    return expr;
  }
  if (HasOffset(*time)) {
    AddError(expr->pos.begin, "offset may not be set multiple times");
    return expr;
  }
  SetDuration(std::move(offset), &time->offset_ms, &time->offset_expr);
  expr->pos.end = end;
  return expr;
}

ExprPtr Parser::ParseAt(ExprPtr expr) {
  Take();
  const ContextScope scope(this, {"@", "timestamp"});
  if (At(TokenKind::kStart) || At(TokenKind::kEndOf)) {
    const AtKind kind = Take().kind == TokenKind::kStart ? AtKind::kStart : AtKind::kEnd;
    if (!Expect(TokenKind::kLeftParen)) return nullptr;
    if (!At(TokenKind::kRightParen)) return Unexpected();
    SetAt(expr.get(), kind, 0, Take().end());
    return expr;
  }
  const bool negative = At(TokenKind::kSub);
  if (negative || At(TokenKind::kAdd)) Take();
  if (!At(TokenKind::kNumber) && !At(TokenKind::kDuration)) return Unexpected();
  const ExprPtr number = ParseNumber();
  const double seconds = static_cast<const NumberLiteral&>(*number).value;
  SetAt(expr.get(), AtKind::kTimestamp, negative ? -seconds : seconds, number->pos.end);
  return expr;
}

void Parser::SetAt(Expr* expr, AtKind kind, double seconds, size_t end) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  // Milliseconds must fit as well, which upstream does not check.
  if (!(std::abs(seconds) < kLimit / 1000)) {
    const std::string text = std::isnan(seconds)   ? "NaN"
                             : std::isinf(seconds) ? (seconds > 0 ? "+Inf" : "-Inf")
                                                   : fmt::format("{:.6f}", seconds);
    AddError(expr->pos.begin, fmt::format("timestamp out of bounds for @ modifier: {}", text));
    return;
  }
  TimeModifiers* time = ModifiersOf(expr);
  if (time == nullptr) {
    AddError(expr->pos.begin, fmt::format("@ modifier {}", kModifierPlace));
  } else if (time->at != AtKind::kNone) {
    AddError(expr->pos.begin, "@ <timestamp> may not be set multiple times");
  } else {
    time->at = kind;
    time->at_ms = std::llround(seconds * 1000);
    expr->pos.end = end;
  }
}

void Parser::SetExtended(Expr* expr, bool anchored) {
  const std::string_view word = anchored ? "anchored" : "smoothed";
  const size_t pos = expr->pos.begin;
  if (!options_.extended_range_selectors) {
    AddError(pos, fmt::format("{} modifier is experimental and not enabled", word));
    return;
  }
  if (expr->kind == NodeKind::kSubquery) {
    AddError(pos, fmt::format("{} modifier is not supported for subqueries", word));
    return;
  }
  VectorSelector* selector = nullptr;
  if (expr->kind == NodeKind::kVectorSelector) selector = static_cast<VectorSelector*>(expr);
  if (expr->kind == NodeKind::kMatrixSelector) {
    selector = static_cast<MatrixSelector*>(expr)->selector.get();
  }
  if (selector == nullptr) {
    AddError(pos, fmt::format("{} modifier not implemented", word));
    return;
  }
  (anchored ? selector->anchored : selector->smoothed) = true;
  if (selector->anchored && selector->smoothed) {
    AddError(pos, "anchored and smoothed modifiers cannot be used together");
  }
}

ExprPtr Parser::ParseBracket(ExprPtr expr) {
  const Token open = Take();
  DurationExprPtr range;
  {
    const ContextScope scope(
        this, {"subquery or range selector", "number, duration, step(), or range()"});
    range = ParsePositiveDuration();
    if (range == nullptr) return nullptr;
  }
  if (At(TokenKind::kRightBracket)) return FinishMatrix(std::move(expr), std::move(range), open);
  if (!At(TokenKind::kColon)) return Unexpected("subquery or range", "\":\" or \"]\"");
  Take();
  return FinishSubquery(std::move(expr), std::move(range));
}

ExprPtr Parser::FinishMatrix(ExprPtr expr, DurationExprPtr range, const Token& open) {
  const Token close = Take();
  if (expr->kind != NodeKind::kVectorSelector) {
    AddError(open.pos, "ranges only allowed for vector selectors");
    return expr;
  }
  auto matrix = std::make_unique<MatrixSelector>();
  matrix->selector.reset(static_cast<VectorSelector*>(expr.release()));
  const TimeModifiers& time = matrix->selector->time;
  if (HasOffset(time)) {
    AddError(open.pos, "no offset modifiers allowed before range");
  } else if (time.at != AtKind::kNone) {
    AddError(open.pos, "no @ modifiers allowed before range");
  }
  matrix->pos = {matrix->selector->pos.begin, close.end()};
  SetDuration(std::move(range), &matrix->range_ms, &matrix->range_expr);
  return Finish(std::move(matrix), 1);
}

ExprPtr Parser::FinishSubquery(ExprPtr expr, DurationExprPtr range) {
  auto subquery = std::make_unique<SubqueryExpr>();
  if (!At(TokenKind::kRightBracket)) {
    const ContextScope scope(this,
                             {"subquery selector", "number, duration, step(), range(), or \"]\""});
    DurationExprPtr step = ParsePositiveDuration();
    if (step == nullptr) return nullptr;
    SetDuration(std::move(step), &subquery->step_ms, &subquery->step_expr);
    if (!At(TokenKind::kRightBracket)) return Unexpected("subquery selector", "\"]\"");
  }
  subquery->pos = {expr->pos.begin, Take().end()};
  SetDuration(std::move(range), &subquery->range_ms, &subquery->range_expr);
  const uint32_t height = expr->height;
  subquery->inner = std::move(expr);
  return Finish(std::move(subquery), height);
}

}  // namespace vigil::promql
