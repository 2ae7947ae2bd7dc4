// SPDX-License-Identifier: Apache-2.0
// Label matchers: =, !=, =~, !~ with RE2 regular expressions anchored as ^(?s:...)$.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"

namespace vigil {

enum class MatchType { kEqual, kNotEqual, kRegexp, kNotRegexp };

// "=", "!=", "=~", "!~"
std::string_view MatchTypeText(MatchType type);

// An anchored regular expression with shortcuts for what people write: alternatives of literals and
// prefixes (a|b|c, host-[0-9], (a|b)_x.*), suffixes and parts (.*a, .*a.*), "anything" (.*) and
// "something" (.+).
// Threads: any (immutable).
class Regexp {
 public:
  // Enough for long alternations; RE2's own default, but said here because it bounds memory.
  static constexpr size_t kMaxMemoryBytes = 8 << 20;

  // bad_data with RE2's reason. max_memory_bytes bounds what the expression and its matches hold.
  static Result<Regexp> Compile(std::string_view pattern,
                                size_t max_memory_bytes = kMaxMemoryBytes);
  [[nodiscard]] bool Matches(std::string_view text) const;
  [[nodiscard]] const std::string& pattern() const;
  // Not empty when exactly these values match (sorted, unique; "" may be one of them): the index
  // then looks them up.
  [[nodiscard]] const std::vector<std::string>& literals() const;
  // Every match starts with one of these (sorted; none begins with another, none of them: {""}).
  [[nodiscard]] const std::vector<std::string>& prefixes() const;
  [[nodiscard]] bool MatchesAll() const;          // .*
  [[nodiscard]] bool MatchesAllButEmpty() const;  // .+
  [[nodiscard]] bool NeedsRe2() const;            // no shortcut: a match costs ten times as much
  // Groups of the match, group 0 first; false when there is none. For relabelling and
  // label_replace: `Expand` replaces $1, ${1}, ${name} and $$ in the template.
  bool Expand(std::string_view text, std::string_view replacement, std::string* out) const;
  // Go's ReplaceAllString with the anchored expression (labelmap).
  [[nodiscard]] std::string ReplaceAll(std::string_view text, std::string_view replacement) const;

 private:
  struct State;
  explicit Regexp(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// Copies are cheap. Threads: any (immutable).
class Matcher {
 public:
  // bad_data when a regular expression does not compile.
  static Result<Matcher> Create(MatchType type, std::string_view name, std::string_view value,
                                size_t max_memory_bytes = Regexp::kMaxMemoryBytes);
  static Matcher Equal(std::string_view name, std::string_view value);

  [[nodiscard]] MatchType type() const { return type_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& value() const { return value_; }
  // Null unless type is kRegexp or kNotRegexp.
  [[nodiscard]] const Regexp* regexp() const { return regexp_ ? &*regexp_ : nullptr; }
  [[nodiscard]] bool Matches(std::string_view value) const;
  // A missing label is an empty value.
  [[nodiscard]] bool MatchesEmpty() const { return Matches({}); }
  // name="value" as PromQL prints it.
  [[nodiscard]] std::string ToString() const;
  bool operator==(const Matcher& other) const {
    return type_ == other.type_ && name_ == other.name_ && value_ == other.value_;
  }

 private:
  Matcher(MatchType type, std::string_view name, std::string_view value,
          std::optional<Regexp> regexp)
      : type_(type), name_(name), value_(value), regexp_(std::move(regexp)) {}

  MatchType type_;
  std::string name_;
  std::string value_;
  std::optional<Regexp> regexp_;
};

bool MatchesAll(const std::vector<Matcher>& matchers, const Labels& labels);

}  // namespace vigil
