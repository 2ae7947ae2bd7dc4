// SPDX-License-Identifier: Apache-2.0
// The UTF-8 language of matchers: a lexer and a small recursive descent. Positions in messages are
// characters from 0, as upstream.
#include <fmt/format.h>

#include "client-lib/base/strings.h"
#include "server/alerting/matcher_parser.h"
#include "server/alerting/utf8_text.h"

namespace vigil::alerting {
namespace {

enum class MatcherTokenKind { kEnd, kOpen, kClose, kComma, kOperator, kQuoted, kUnquoted };

struct MatcherToken {
  MatcherTokenKind kind = MatcherTokenKind::kEnd;
  std::string_view text;
  size_t offset = 0;
  MatchType type = MatchType::kEqual;  // of kOperator
};

// Threads: owner thread only.
class Utf8MatcherReader {
 public:
  explicit Utf8MatcherReader(std::string_view input) : input_(input) {}

  Result<LabelMatchers> Read() {
    TRY(Next());
    if (token_.kind == MatcherTokenKind::kEnd) return LabelMatchers{};
    const bool open = token_.kind == MatcherTokenKind::kOpen;
    if (open) TRY(Next());
    LabelMatchers matchers;
    bool more = token_.kind != MatcherTokenKind::kClose && token_.kind != MatcherTokenKind::kEnd;
    while (more) {
      matchers.push_back(TRY(ReadMatcher()));
      more = TRY(ReadSeparator());
    }
    if (open && token_.kind != MatcherTokenKind::kClose) {
      return BadData(fmt::format("0:{}: end of input: expected close brace", RuneCount(input_)));
    }
    if (token_.kind == MatcherTokenKind::kClose) {
      if (!open) {
        return BadData(fmt::format("0:{}: }}: expected opening brace", ColumnEnd(token_)));
      }
      TRY(Next());
      if (token_.kind != MatcherTokenKind::kEnd) {
        return BadData(fmt::format("{}: {}: expected end of input", Span(token_), token_.text));
      }
    }
    return matchers;
  }

 private:
  [[nodiscard]] size_t Column(size_t offset) const { return RuneCount(input_.substr(0, offset)); }
  [[nodiscard]] size_t ColumnEnd(const MatcherToken& token) const {
    return Column(token.offset + token.text.size());
  }
  [[nodiscard]] std::string Span(const MatcherToken& token) const {
    return fmt::format("{}:{}", Column(token.offset), ColumnEnd(token));
  }
  [[nodiscard]] Error Unexpected(std::string_view expected) const {
    if (token_.kind == MatcherTokenKind::kEnd) {
      return BadData(fmt::format("end of input: {}", expected));
    }
    return BadData(fmt::format("{}: unexpected {}: {}", Span(token_), token_.text, expected));
  }

  void Take(MatcherTokenKind kind, size_t size) {
    token_ = {kind, input_.substr(at_, size), at_, MatchType::kEqual};
    at_ += size;
  }
  [[nodiscard]] Error Invalid(size_t size) const {
    MatcherToken bad{MatcherTokenKind::kEnd, input_.substr(at_, size), at_, MatchType::kEqual};
    return BadData(fmt::format("{}: {}: invalid input", Span(bad), bad.text));
  }

  Result<void> Next() {
    while (at_ < input_.size() && IsUnicodeSpace(Rune(at_))) at_ += Rune(at_).size();
    if (at_ == input_.size()) {
      Take(MatcherTokenKind::kEnd, 0);
      return Ok();
    }
    switch (input_[at_]) {
      case '{':
        Take(MatcherTokenKind::kOpen, 1);
        return Ok();
      case '}':
        Take(MatcherTokenKind::kClose, 1);
        return Ok();
      case ',':
        Take(MatcherTokenKind::kComma, 1);
        return Ok();
      case '=':
      case '!':
        return NextOperator();
      case '"':
        return NextQuoted();
      default:
        return NextUnquoted();
    }
  }

  Result<void> NextOperator() {
    const bool negative = input_[at_] == '!';
    const char second = at_ + 1 < input_.size() ? input_[at_ + 1] : '\0';
    if (second == '~') {
      Take(MatcherTokenKind::kOperator, 2);
      token_.type = negative ? MatchType::kNotRegexp : MatchType::kRegexp;
    } else if (!negative) {
      Take(MatcherTokenKind::kOperator, 1);
    } else if (second == '=') {
      Take(MatcherTokenKind::kOperator, 2);
      token_.type = MatchType::kNotEqual;
    } else if (at_ + 1 == input_.size()) {
      return BadData(fmt::format("{}:{}: unexpected end of input, expected one of '=~'",
                                 Column(at_), Column(at_) + 1));
    } else {
      return BadData(fmt::format("{}:{}: !: expected one of '=~'", Column(at_), Column(at_) + 1));
    }
    return Ok();
  }

  Result<void> NextQuoted() {
    for (size_t i = at_ + 1; i < input_.size(); ++i) {
      if (input_[i] == '\\') {
        ++i;
      } else if (input_[i] == '"') {
        Take(MatcherTokenKind::kQuoted, i + 1 - at_);
        return Ok();
      }
    }
    MatcherToken rest{MatcherTokenKind::kEnd, input_.substr(at_), at_, MatchType::kEqual};
    return BadData(fmt::format("{}: {}: missing end \"", Span(rest), rest.text));
  }

  Result<void> NextUnquoted() {
    size_t end = at_;
    while (end < input_.size() && !IsReservedInMatchers(Rune(end))) {
      if (!IsValidUtf8(Rune(end))) break;
      end += Rune(end).size();
    }
    if (end == at_) return Invalid(Rune(at_).size());
    Take(MatcherTokenKind::kUnquoted, end - at_);
    return Ok();
  }

  [[nodiscard]] std::string_view Rune(size_t offset) const {
    return input_.substr(offset, RuneSize(input_.substr(offset)));
  }

  Result<std::string> ReadText(std::string_view expected) {
    if (token_.kind != MatcherTokenKind::kQuoted && token_.kind != MatcherTokenKind::kUnquoted) {
      return Unexpected(expected);
    }
    std::string text(token_.text);
    if (token_.kind == MatcherTokenKind::kQuoted) {
      std::optional<std::string> plain = UnquoteGo(token_.text);
      if (!plain || !IsValidUtf8(*plain)) {
        return BadData(fmt::format("{}: {}: invalid input", Span(token_), token_.text));
      }
      text = *std::move(plain);
    }
    TRY(Next());
    return text;
  }

  Result<LabelMatcher> ReadMatcher() {
    const std::string name = TRY(ReadText("expected label name"));
    if (token_.kind != MatcherTokenKind::kOperator) {
      return Unexpected("expected an operator such as '=', '!=', '=~' or '!~'");
    }
    const MatchType type = token_.type;
    TRY(Next());
    const std::string value = TRY(ReadText("expected label value"));
    Result<LabelMatcher> matcher = LabelMatcher::Create(type, name, value);
    if (!matcher) return std::move(matcher).error().Prefixed("failed to create matcher");
    return matcher;
  }

  // True when another matcher follows.
  Result<bool> ReadSeparator() {
    if (token_.kind == MatcherTokenKind::kEnd || token_.kind == MatcherTokenKind::kClose) {
      return false;
    }
    if (token_.kind != MatcherTokenKind::kComma) {
      return Unexpected("expected a comma or close brace");
    }
    TRY(Next());
    if (token_.kind == MatcherTokenKind::kEnd || token_.kind == MatcherTokenKind::kClose) {
      return false;
    }
    if (token_.kind != MatcherTokenKind::kQuoted && token_.kind != MatcherTokenKind::kUnquoted) {
      return Unexpected("expected a matcher or close brace after comma");
    }
    return true;
  }

  const std::string_view input_;
  size_t at_ = 0;
  MatcherToken token_;
};

}  // namespace

Result<LabelMatchers> ParseUtf8Matchers(std::string_view input) {
  return Utf8MatcherReader(input).Read();
}

}  // namespace vigil::alerting
