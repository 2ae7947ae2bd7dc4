// SPDX-License-Identifier: Apache-2.0
// Matchers and the anchored regular expression behind them. RE2 is seen by this file only.
#include "client-lib/model/matcher.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "client-lib/base/strings.h"
#include "client-lib/model/pattern.h"

namespace vigil {
namespace {

// What an expression comes down to; kRegexp asks RE2.
enum class Form { kAny, kSome, kLiterals, kBranches, kSuffix, kContains, kRegexp };

// The text between two open ends, when it is one that can be searched for: `.*abc.+`.
struct Enclosed {
  std::string text;
  size_t before = 0;  // at least so many bytes stand before and behind it
  size_t behind = 0;
};

std::optional<Enclosed> AsEnclosed(std::string_view pattern) {
  if (!pattern.starts_with(".*") && !pattern.starts_with(".+")) return std::nullopt;
  // Of an alternative only the first has the open beginning.
  if (pattern.find_first_of("|^") != std::string_view::npos) return std::nullopt;
  Enclosed enclosed;
  enclosed.before = pattern[1] == '+' ? 1 : 0;
  const std::vector<PatternBranch> rest = ExpandPattern(pattern.substr(2));
  if (rest.size() != 1 || rest[0].text.empty()) return std::nullopt;
  enclosed.text = rest[0].text;
  switch (rest[0].tail) {
    case PatternBranch::Tail::kEnd:
      enclosed.behind = std::string::npos;
      return enclosed;
    case PatternBranch::Tail::kAny:
      return enclosed;
    case PatternBranch::Tail::kSome:
      enclosed.behind = 1;
      return enclosed;
    case PatternBranch::Tail::kOther:
      break;
  }
  return std::nullopt;
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
  std::vector<std::string> prefixes;
  std::vector<PatternBranch> branches;
  Enclosed enclosed;  // of kSuffix, kContains

  void FindShortcut();
  // The only branch that may match.
  [[nodiscard]] const PatternBranch* BranchOf(std::string_view text) const;
};

void Regexp::State::FindShortcut() {
  branches = ExpandPattern(pattern);
  const auto all = [this](auto predicate) {
    return std::all_of(branches.begin(), branches.end(), predicate);
  };
  using Tail = PatternBranch::Tail;
  for (const PatternBranch& branch : branches) {
    if (prefixes.empty() || !branch.text.starts_with(prefixes.back())) {
      prefixes.push_back(branch.text);
    }
  }
  if (all([](const PatternBranch& branch) { return branch.tail == Tail::kEnd; })) {
    form = Form::kLiterals;
    for (PatternBranch& branch : branches) literals.push_back(std::move(branch.text));
    branches.clear();
  } else if (branches.size() == 1 && branches[0].text.empty() && branches[0].tail != Tail::kOther) {
    form = branches[0].tail == Tail::kAny ? Form::kAny : Form::kSome;
  } else if (all([](const PatternBranch& branch) { return branch.tail != Tail::kOther; })) {
    form = Form::kBranches;
  } else if (std::optional<Enclosed> found = AsEnclosed(pattern)) {
    enclosed = *std::move(found);
    form = enclosed.behind == std::string::npos ? Form::kSuffix : Form::kContains;
  }
}

const PatternBranch* Regexp::State::BranchOf(std::string_view text) const {
  const auto above = std::upper_bound(
      branches.begin(), branches.end(), text,
      [](std::string_view wanted, const PatternBranch& branch) { return wanted < branch.text; });
  if (above == branches.begin() || !text.starts_with(std::prev(above)->text)) return nullptr;
  return &*std::prev(above);
}

Result<Regexp> Regexp::Compile(std::string_view pattern, size_t max_memory_bytes) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(static_cast<int64_t>(max_memory_bytes));
  auto state = std::make_shared<State>(pattern, options);
  if (!state->re2.ok()) {
    return BadData(fmt::format("error parsing regexp: {}: `{}`", ErrorText(state->re2.error_code()),
                               state->re2.error_arg()));
  }
  state->FindShortcut();
  return Regexp(std::move(state));
}

namespace {

bool IsTail(PatternBranch::Tail tail, std::string_view rest) {
  if (tail == PatternBranch::Tail::kEnd) return rest.empty();
  return tail != PatternBranch::Tail::kSome || !rest.empty();
}

bool IsEnclosed(const Enclosed& enclosed, std::string_view text) {
  if (text.size() < enclosed.before + enclosed.behind) return false;
  return text.substr(enclosed.before, text.size() - enclosed.before - enclosed.behind)
             .find(enclosed.text) != std::string_view::npos;
}

}  // namespace

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
    case Form::kBranches: {
      const PatternBranch* branch = state.BranchOf(text);
      return branch != nullptr && IsTail(branch->tail, text.substr(branch->text.size()));
    }
    case Form::kSuffix:
      return text.size() >= state.enclosed.text.size() + state.enclosed.before &&
             text.ends_with(state.enclosed.text);
    case Form::kContains:
      return IsEnclosed(state.enclosed, text);
    case Form::kRegexp:
      break;
  }
  return state.BranchOf(text) != nullptr &&
         state.re2.Match(Piece(text), 0, text.size(), RE2::ANCHOR_BOTH, nullptr, 0);
}

const std::string& Regexp::pattern() const { return state_->pattern; }
const std::vector<std::string>& Regexp::literals() const { return state_->literals; }
const std::vector<std::string>& Regexp::prefixes() const { return state_->prefixes; }
bool Regexp::MatchesAll() const { return state_->form == Form::kAny; }
bool Regexp::MatchesAllButEmpty() const { return state_->form == Form::kSome; }
bool Regexp::NeedsRe2() const { return state_->form == Form::kRegexp; }

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

Result<Matcher> Matcher::Create(MatchType type, std::string_view name, std::string_view value,
                                size_t max_memory_bytes) {
  std::optional<Regexp> regexp;
  if (type == MatchType::kRegexp || type == MatchType::kNotRegexp) {
    regexp = TRY(Regexp::Compile(value, max_memory_bytes));
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
