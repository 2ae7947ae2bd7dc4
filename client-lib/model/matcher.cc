// SPDX-License-Identifier: Apache-2.0
// Matchers and the anchored regular expression behind them. RE2 is seen by this file only.
#include "client-lib/model/matcher.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "client-lib/base/strings.h"

namespace vigil {
namespace {

// What an expression comes down to; kRegexp asks RE2.
enum class Form { kAny, kSome, kLiterals, kPrefix, kSuffix, kContains, kRegexp };

constexpr std::string_view kMeta = "\\.+*?()|[]{}^$";
// Enough for long alternations; RE2's own default, but said here because it bounds memory per rule.
constexpr int64_t kMaxMemoryBytes = 8 << 20;
// A limit on what is expanded in memory, not on what matches.
constexpr size_t kMaxLiterals = 10'000;

bool IsPunctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

// The characters a pattern without operators stands for; `\.` is a point. Nothing when there is an
// operator.
std::optional<std::string> AsLiteral(std::string_view pattern) {
  std::string literal;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      if (i + 1 == pattern.size() || !IsPunctuation(pattern[i + 1])) return std::nullopt;
      literal += pattern[++i];
    } else if (kMeta.find(pattern[i]) != std::string_view::npos) {
      return std::nullopt;
    } else {
      literal += pattern[i];
    }
  }
  // RE2 reads invalid UTF-8 in its own way.
  if (!IsValidUtf8(literal)) return std::nullopt;
  return literal;
}

// "(x)" and "(?:x)" are x when the group spans the whole pattern and holds no other.
std::string_view StripGroup(std::string_view pattern) {
  if (pattern.size() < 2 || pattern.front() != '(' || pattern.back() != ')') return pattern;
  std::string_view inner = pattern.substr(1, pattern.size() - 2);
  if (inner.substr(0, 2) == "?:") inner.remove_prefix(2);
  const bool nested = inner.find_first_of("()?") != std::string_view::npos;
  return nested ? pattern : inner;
}

// a|b|c, sorted; empty when the pattern is anything else.
std::vector<std::string> AsAlternatives(std::string_view pattern) {
  pattern = StripGroup(pattern);
  std::vector<std::string> literals;
  for (const std::string_view part : Split(pattern, '|')) {
    std::optional<std::string> literal = AsLiteral(part);
    if (!literal || literals.size() == kMaxLiterals) return {};
    literals.push_back(*std::move(literal));
  }
  std::sort(literals.begin(), literals.end());
  literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
  return literals;
}

// Whether a `|` could make the pattern match something that does not begin with its first part.
// Brackets are not understood here: a `|` in them counts, which only costs the shortcut.
bool HasTopLevelAlternation(std::string_view pattern) {
  int depth = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      // Characters between \Q and \E are literal: not worth following.
      if (i + 1 < pattern.size() && pattern[i + 1] == 'Q') return true;
      ++i;
    } else if (pattern[i] == '[') {
      return pattern.find('|') != std::string_view::npos;
    } else if (pattern[i] == '(') {
      ++depth;
    } else if (pattern[i] == ')') {
      --depth;
    } else if (pattern[i] == '|' && depth <= 0) {
      return true;
    }
  }
  return false;
}

// The literal characters every match begins with.
std::string LiteralPrefix(std::string_view pattern) {
  if (HasTopLevelAlternation(pattern)) return {};
  size_t end = pattern.find_first_of(kMeta);
  if (end == std::string_view::npos) end = pattern.size();
  const bool repeated =
      end < pattern.size() && std::string_view("*?{").find(pattern[end]) != std::string_view::npos;
  if (repeated && end > 0) {
    --end;  // x* may stand for no x: give up its whole character
    while (end > 0 && (static_cast<unsigned char>(pattern[end]) & 0xc0) == 0x80) --end;
  }
  return std::string(pattern.substr(0, end));
}

// Go's words for RE2's errors: what users of the originals see and search for.
std::string_view ErrorText(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
      return "invalid character class";
    case RE2::ErrorBadCharRange:
      return "invalid character class range";
    case RE2::ErrorMissingBracket:
      return "missing closing ]";
    case RE2::ErrorMissingParen:
      return "missing closing )";
    case RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    case RE2::ErrorPatternTooLarge:
      return "expression too large";
    default:
      return "regexp/syntax: internal error";
  }
}

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

// One $name of a template.
struct Reference {
  std::string_view name;
  size_t length = 0;  // of the text behind the `$`; 0: the `$` is only a `$`
};

bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

Reference ReadReference(std::string_view text) {
  const bool brace = !text.empty() && text[0] == '{';
  size_t end = brace ? 1 : 0;
  const size_t begin = end;
  while (end < text.size() && IsWord(text[end])) ++end;
  if (end == begin) return {};
  const std::string_view name = text.substr(begin, end - begin);
  if (!brace) return {name, end};
  if (end == text.size() || text[end] != '}') return {};
  return {name, end + 1};
}

// Group number of the reference; nothing for an unknown name or number.
std::optional<size_t> GroupIndex(const RE2& regexp, std::string_view name) {
  const bool leading_zero = name.size() > 1 && name[0] == '0';
  if (const auto number = leading_zero ? std::nullopt : ParseUint(name)) {
    if (*number > static_cast<uint64_t>(regexp.NumberOfCapturingGroups())) return std::nullopt;
    return static_cast<size_t>(*number);
  }
  const auto& groups = regexp.NamedCapturingGroups();
  const auto found = groups.find(std::string(name));
  if (found == groups.end()) return std::nullopt;
  return static_cast<size_t>(found->second);
}

}  // namespace

struct Regexp::State {
  State(std::string_view source, const RE2::Options& options)
      : pattern(source), re2(Piece(source), options) {}

  std::string pattern;
  RE2 re2;
  Form form = Form::kRegexp;
  std::vector<std::string> literals;  // sorted
  std::string prefix;
  std::string piece;  // of kPrefix, kSuffix, kContains

  void FindShortcut();
};

void Regexp::State::FindShortcut() {
  literals = AsAlternatives(pattern);
  if (!literals.empty()) {
    form = Form::kLiterals;
    if (literals.size() == 1) prefix = literals[0];
    return;
  }
  if (pattern == ".*" || pattern == ".+") {
    form = pattern == ".*" ? Form::kAny : Form::kSome;
    return;
  }
  prefix = LiteralPrefix(pattern);
  std::string_view rest = pattern;
  const bool open_start = rest.substr(0, 2) == ".*";
  if (open_start) rest.remove_prefix(2);
  const bool open_end = rest.size() >= 2 && rest.substr(rest.size() - 2) == ".*";
  if (open_end) rest.remove_suffix(2);
  const std::optional<std::string> literal = AsLiteral(rest);
  // `\.*` is a repeated point, not an open end: AsLiteral refuses the lone backslash.
  if (!literal || (!open_start && !open_end)) return;
  piece = *literal;
  form = open_start && open_end ? Form::kContains : open_start ? Form::kSuffix : Form::kPrefix;
}

Result<Regexp> Regexp::Compile(std::string_view pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(kMaxMemoryBytes);
  auto state = std::make_shared<State>(pattern, options);
  if (!state->re2.ok()) {
    return BadData(fmt::format("error parsing regexp: {}: `{}`", ErrorText(state->re2.error_code()),
                               state->re2.error_arg()));
  }
  state->FindShortcut();
  return Regexp(std::move(state));
}

bool Regexp::Matches(std::string_view text) const {
  const State& state = *state_;
  switch (state.form) {
    case Form::kAny:
      return true;
    case Form::kSome:
      return !text.empty();
    case Form::kLiterals:
      return std::binary_search(state.literals.begin(), state.literals.end(), text,
                                std::less<std::string_view>());
    case Form::kPrefix:
      return text.starts_with(state.piece);
    case Form::kSuffix:
      return text.ends_with(state.piece);
    case Form::kContains:
      return text.find(state.piece) != std::string_view::npos;
    case Form::kRegexp:
      break;
  }
  return text.starts_with(state.prefix) &&
         state.re2.Match(Piece(text), 0, text.size(), RE2::ANCHOR_BOTH, nullptr, 0);
}

const std::string& Regexp::pattern() const { return state_->pattern; }
const std::vector<std::string>& Regexp::literals() const { return state_->literals; }
const std::string& Regexp::prefix() const { return state_->prefix; }

bool Regexp::Expand(std::string_view text, std::string_view replacement, std::string* out) const {
  const RE2& re2 = state_->re2;
  const int count = re2.NumberOfCapturingGroups() + 1;
  std::vector<re2::StringPiece> groups(static_cast<size_t>(count));
  if (!re2.Match(Piece(text), 0, text.size(), RE2::ANCHOR_BOTH, groups.data(), count)) return false;
  while (!replacement.empty()) {
    const size_t dollar = replacement.find('$');
    out->append(replacement.substr(0, dollar));
    if (dollar == std::string_view::npos) break;
    replacement.remove_prefix(dollar + 1);
    if (replacement.starts_with('$')) {
      *out += '$';
      replacement.remove_prefix(1);
      continue;
    }
    const Reference reference = ReadReference(replacement);
    if (reference.length == 0) {
      *out += '$';
      continue;
    }
    replacement.remove_prefix(reference.length);
    if (const auto index = GroupIndex(re2, reference.name)) {
      out->append(groups[*index].data(), groups[*index].size());
    }
  }
  return true;
}

std::string Regexp::ReplaceAll(std::string_view text, std::string_view replacement) const {
  std::string replaced;
  return Expand(text, replacement, &replaced) ? replaced : std::string(text);
}

std::string_view MatchTypeText(MatchType type) {
  switch (type) {
    case MatchType::kEqual:
      return "=";
    case MatchType::kNotEqual:
      return "!=";
    case MatchType::kRegexp:
      return "=~";
    case MatchType::kNotRegexp:
      return "!~";
  }
  return "=";
}

Result<Matcher> Matcher::Create(MatchType type, std::string_view name, std::string_view value) {
  std::optional<Regexp> regexp;
  if (type == MatchType::kRegexp || type == MatchType::kNotRegexp) {
    regexp = TRY(Regexp::Compile(value));
  }
  return Matcher(type, name, value, std::move(regexp));
}

Matcher Matcher::Equal(std::string_view name, std::string_view value) {
  return Matcher(MatchType::kEqual, name, value, std::nullopt);
}

bool Matcher::Matches(std::string_view value) const {
  switch (type_) {
    case MatchType::kEqual:
      return value == value_;
    case MatchType::kNotEqual:
      return value != value_;
    case MatchType::kRegexp:
      return regexp_->Matches(value);
    case MatchType::kNotRegexp:
      return !regexp_->Matches(value);
  }
  return false;
}

std::string Matcher::ToString() const {
  std::string text = IsLegacyLabelName(name_) ? name_ : Quote(name_);
  return text.append(MatchTypeText(type_)).append(Quote(value_));
}

bool MatchesAll(const std::vector<Matcher>& matchers, const Labels& labels) {
  return std::all_of(matchers.begin(), matchers.end(), [&](const Matcher& matcher) {
    return matcher.Matches(labels.Get(matcher.name()));
  });
}

}  // namespace vigil
