// SPDX-License-Identifier: Apache-2.0
// Regular expressions by RE2, capitals, safe HTML.
#include "server/template/text_functions.h"

#include <re2/re2.h>

#include <memory>
#include <vector>

#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

// Go's words for what is wrong with an expression.
std::string RegexpError(const RE2& regexp) {
  std::string_view words = "unexpected error";
  switch (regexp.error_code()) {
    case RE2::ErrorBadEscape:
      words = "invalid escape sequence";
      break;
    case RE2::ErrorBadCharClass:
      words = "invalid character class";
      break;
    case RE2::ErrorBadCharRange:
      words = "invalid character class range";
      break;
    case RE2::ErrorMissingBracket:
      words = "missing closing ]";
      break;
    case RE2::ErrorMissingParen:
      words = "missing closing )";
      break;
    case RE2::ErrorUnexpectedParen:
      words = "unexpected )";
      break;
    case RE2::ErrorTrailingBackslash:
      words = "trailing backslash at end of expression";
      break;
    case RE2::ErrorRepeatArgument:
      words = "missing argument to repetition operator";
      break;
    case RE2::ErrorRepeatSize:
      words = "invalid repeat count";
      break;
    case RE2::ErrorRepeatOp:
      words = "invalid nested repetition operator";
      break;
    case RE2::ErrorBadPerlOp:
      words = "invalid or unsupported Perl syntax";
      break;
    case RE2::ErrorBadUTF8:
      words = "invalid UTF-8";
      break;
    case RE2::ErrorBadNamedCapture:
      words = "invalid named capture";
      break;
    case RE2::ErrorPatternTooLarge:
      words = "expression too large";
      break;
    default:
      break;
  }
  return "error parsing regexp: " + std::string(words) + ": `" + regexp.error_arg() + "`";
}

Result<std::unique_ptr<RE2>> CompileSearch(std::string_view pattern) {
  RE2::Options options(RE2::Quiet);
  auto regexp = std::make_unique<RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!regexp->ok()) {
    return BadData(RegexpError(*regexp));
  }
  return regexp;
}

bool IsNameChar(char c) {
  return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

using Groups = std::vector<re2::StringPiece>;

// What $name stands for; nothing for a group that is not there.
std::string_view GroupText(const RE2& regexp, const Groups& groups, std::string_view name) {
  size_t index = 0;
  bool number = name.size() < 9;
  for (const char c : name) number = number && c >= '0' && c <= '9';
  if (number) {
    for (const char c : name) index = index * 10 + static_cast<size_t>(c - '0');
  } else {
    const auto& names = regexp.NamedCapturingGroups();
    const auto found = names.find(std::string(name));
    if (found == names.end()) return {};
    index = static_cast<size_t>(found->second);
  }
  if (index >= groups.size() || groups[index].data() == nullptr) return {};
  return {groups[index].data(), groups[index].size()};
}

// Go's Regexp.Expand.
void AppendExpanded(const RE2& regexp, const Groups& groups, std::string_view replacement,
                    std::string* out) {
  while (!replacement.empty()) {
    const size_t dollar = replacement.find('$');
    out->append(replacement.substr(0, dollar));
    if (dollar == std::string_view::npos) return;
    replacement.remove_prefix(dollar + 1);
    if (replacement.starts_with('$')) {
      *out += '$';
      replacement.remove_prefix(1);
      continue;
    }
    const bool braces = replacement.starts_with('{');
    const size_t begin = braces ? 1 : 0;
    size_t end = begin;
    while (end < replacement.size() && IsNameChar(replacement[end])) ++end;
    const bool closed = !braces || (end < replacement.size() && replacement[end] == '}');
    if (end == begin || !closed) {
      *out += '$';  // not a name: as it stands
      continue;
    }
    out->append(GroupText(regexp, groups, replacement.substr(begin, end - begin)));
    replacement.remove_prefix(end + begin);
  }
}

// Go's Regexp.ReplaceAllString: an empty match right behind a match does not count.
Result<std::string> ReplaceAllText(const RE2& regexp, std::string_view text,
                                   std::string_view replacement, size_t max_bytes) {
  Groups groups(static_cast<size_t>(regexp.NumberOfCapturingGroups()) + 1);
  const re2::StringPiece whole(text.data(), text.size());
  std::string out;
  size_t copied = 0;  // up to here the text is in `out`
  size_t search = 0;
  bool any = false;
  while (search <= text.size() && regexp.Match(whole, search, text.size(), RE2::UNANCHORED,
                                               groups.data(), static_cast<int>(groups.size()))) {
    const auto begin = static_cast<size_t>(groups[0].data() - text.data());
    const size_t end = begin + groups[0].size();
    out.append(text.substr(copied, begin - copied));
    if (end > copied || begin == 0 || !any) AppendExpanded(regexp, groups, replacement, &out);
    any = true;
    copied = end;
    if (out.size() > max_bytes) return BadData("the text grows too long; replace less");
    if (end > search) {
      search = end;
    } else if (search < text.size()) {
      search += DecodeRune(text.substr(search)).size;
    } else {
      break;
    }
  }
  return out.append(text.substr(copied));
}

bool IsWordRune(char32_t rune) { return rune == '_' || IsLetterRune(rune) || IsDigitRune(rune); }

// ' and . and : between letters do not end a word.
bool IsMidRune(char32_t rune) {
  return rune == '\'' || rune == '.' || rune == ':' || rune == 0x2019 || rune == 0xb7;
}

}  // namespace

std::string TitleText(std::string_view text, bool lower_rest) {
  std::string out;
  bool cased = false;  // this word has its capital
  char32_t previous = ' ';
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    text.remove_prefix(rune.size);
    const char32_t upper = UpperRune(rune.code);
    const char32_t lower = LowerRune(rune.code);
    const bool has_case = upper != lower;
    if (!IsWordRune(rune.code)) {
      const bool inside = IsMidRune(rune.code) && IsLetterRune(previous) && !text.empty() &&
                          IsLetterRune(DecodeRune(text).code);
      cased = cased && inside;
      AppendRune(rune.code, &out);
    } else if (!cased) {
      AppendRune(upper, &out);
      cased = has_case;
    } else {
      AppendRune(lower_rest ? lower : rune.code, &out);
    }
    previous = rune.code;
  }
  return out;
}

Result<Value> CallToUpper(const FunctionCall& call) {
  return Value::String(ToUpperText(call.args[0].string_value()));
}

Result<Value> CallToLower(const FunctionCall& call) {
  return Value::String(ToLowerText(call.args[0].string_value()));
}

Result<Value> CallSafeHtml(const FunctionCall& call) {
  return Value::String(call.args[0].string_value(), Type::kHtml);
}

Result<Value> CallMatch(const FunctionCall& call) {
  const std::unique_ptr<RE2> regexp = TRY(CompileSearch(call.args[0].string_value()));
  return Value::Bool(RE2::PartialMatch(call.args[1].string_value(), *regexp));
}

Result<Value> CallReReplaceAll(const FunctionCall& call) {
  const std::string& pattern = call.args[0].string_value();
  const bool raw = pattern.find('`') == std::string::npos;
  const std::unique_ptr<RE2> regexp =
      TRY_CONTEXT(CompileSearch(pattern),
                  "regexp: Compile(" + (raw ? "`" + pattern + "`" : QuoteText(pattern)) + ")");
  return Value::String(TRY(ReplaceAllText(*regexp, call.args[2].string_value(),
                                          call.args[1].string_value(), call.max_bytes)));
}

}  // namespace vigil::tmpl
