// SPDX-License-Identifier: Apache-2.0
// A parser of the part of RE2's syntax that selectors are written in. What it does not know it
// gives up on: the expression is then matched by RE2 alone.
#include "client-lib/model/pattern.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "client-lib/base/strings.h"

namespace vigil {
namespace {

using Branches = std::vector<PatternBranch>;
using Tail = PatternBranch::Tail;

// Limits on what is expanded in memory, not on what matches.
constexpr size_t kMaxAlternatives = 10'000;
constexpr size_t kMaxProduct = 1'000;
constexpr size_t kMaxProductBytes = 64 * 1024;
constexpr size_t kMaxDepth = 20;
constexpr std::string_view kOperators = "\\.+*?()|[]{}^$";

bool IsPunctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

bool HasOther(const Branches& branches) {
  return std::any_of(branches.begin(), branches.end(),
                     [](const PatternBranch& branch) { return branch.tail == Tail::kOther; });
}

size_t LengthOfCharacter(std::string_view text) {
  size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) {
    ++length;
  }
  return length;
}

// Threads: owner thread only.
class Expander {
 public:
  explicit Expander(std::string_view pattern) : rest_(pattern) {}

  // Nothing when something is not understood.
  std::optional<Branches> Run() {
    std::optional<Branches> all = Alternatives();
    return rest_.empty() ? all : std::nullopt;
  }

 private:
  [[nodiscard]] bool At(char c) const { return !rest_.empty() && rest_[0] == c; }
  bool Accept(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  [[nodiscard]] bool AtQuantifier() const {
    return !rest_.empty() && std::string_view("*+?{").find(rest_[0]) != std::string_view::npos;
  }

  std::optional<Branches> Alternatives() {
    if (depth_ == kMaxDepth) return std::nullopt;
    Branches all;
    do {
      std::optional<Branches> one = Sequence();
      if (!one || all.size() + one->size() > kMaxAlternatives) return std::nullopt;
      std::move(one->begin(), one->end(), std::back_inserter(all));
    } while (Accept("|"));
    return all;
  }

  std::optional<Branches> Sequence() {
    Branches sequence(1);
    // The whole text is matched: these say nothing new.
    if (depth_ == 0 && Accept("^") && AtQuantifier()) return std::nullopt;
    while (!rest_.empty() && !At('|') && !At(')')) {
      if (depth_ == 0 && At('$') && (rest_.size() == 1 || rest_[1] == '|')) {
        Accept("$");
        break;
      }
      std::optional<Branches> item = Item();
      if (!item) return std::nullopt;
      Join(*item, &sequence);
    }
    return sequence;
  }

  // Appends every branch of the item to every open branch.
  static void Join(const Branches& item, Branches* sequence) {
    if (item.size() == 1 && item[0].text.empty() && item[0].tail == Tail::kEnd) return;
    size_t bytes = 0;
    for (const PatternBranch& branch : *sequence) bytes += branch.text.size() * item.size();
    for (const PatternBranch& branch : item) bytes += branch.text.size() * sequence->size();
    const size_t product = sequence->size() * item.size();
    const bool large = product > 1 && (product > kMaxProduct || bytes > kMaxProductBytes);
    Branches joined;
    for (PatternBranch& head : *sequence) {
      if (head.tail != Tail::kEnd || large) {
        head.tail = Tail::kOther;
        joined.push_back(std::move(head));
      } else if (item.size() == 1) {
        head.text += item[0].text;
        head.tail = item[0].tail;
        joined.push_back(std::move(head));
      } else {
        for (const PatternBranch& end : item) joined.push_back({head.text + end.text, end.tail});
      }
    }
    *sequence = std::move(joined);
  }

  // An atom and its quantifier.
  std::optional<Branches> Item() {
    if (At('.')) return Dot();
    std::optional<Branches> atom = Atom();
    if (!atom || !AtQuantifier()) return atom;
    const char quantifier = rest_[0];
    if (quantifier == '{') return std::nullopt;
    rest_.remove_prefix(1);
    if (!EndQuantifier()) return std::nullopt;
    if (quantifier == '*') return Unknown();
    if (quantifier == '?') {
      atom->push_back({});
    } else {
      for (PatternBranch& branch : *atom) branch.tail = Tail::kOther;
    }
    return atom;
  }

  std::optional<Branches> Dot() {
    Accept(".");
    Tail tail = Tail::kOther;
    if (At('*')) tail = Tail::kAny;
    if (At('+')) tail = Tail::kSome;
    if (At('{')) return std::nullopt;
    if (AtQuantifier()) {
      rest_.remove_prefix(1);
      if (!EndQuantifier()) return std::nullopt;
    }
    return Branches{{"", tail}};
  }

  // Lazy or greedy: the same texts match.
  bool EndQuantifier() {
    Accept("?");
    return !AtQuantifier();
  }

  static Branches Unknown() { return {{"", Tail::kOther}}; }

  std::optional<Branches> Atom() {
    if (At('(')) return Group();
    if (At('[')) return Class();
    if (At('\\')) return Escape();
    if (kOperators.find(rest_[0]) != std::string_view::npos) return std::nullopt;
    const size_t length = LengthOfCharacter(rest_);
    Branches atom = {{std::string(rest_.substr(0, length)), Tail::kEnd}};
    rest_.remove_prefix(length);
    return atom;
  }

  std::optional<Branches> Group() {
    Accept("(");
    // Flags and named groups are rare.
    if (!Accept("?:") && At('?')) return std::nullopt;
    ++depth_;
    std::optional<Branches> inside = Alternatives();
    --depth_;
    if (!inside || !Accept(")")) return std::nullopt;
    return inside;
  }

  std::optional<Branches> Escape() {
    if (rest_.size() < 2) return std::nullopt;
    const char c = rest_[1];
    rest_.remove_prefix(2);
    if (IsPunctuation(c)) return Branches{{std::string(1, c), Tail::kEnd}};
    // Some character of a kind.
    if (std::string_view("dDwWsS").find(c) != std::string_view::npos) return Unknown();
    return std::nullopt;
  }

  // [abc], [0-9a-f]; others are some character.
  std::optional<Branches> Class() {
    const size_t end = rest_.find(']');
    if (end == std::string_view::npos || end < 2) return std::nullopt;
    const std::string_view inside = rest_.substr(1, end - 1);
    for (const char c : inside) {
      const bool plain = static_cast<unsigned char>(c) < 0x80 && c != '[' && c != '\\';
      if (!plain) return std::nullopt;
    }
    rest_.remove_prefix(end + 1);
    if (inside[0] == '^') return inside.size() > 1 ? std::optional(Unknown()) : std::nullopt;
    Branches characters;
    for (size_t i = 0; i < inside.size(); ++i) {
      char last = inside[i];
      const bool range = i + 2 < inside.size() && inside[i + 1] == '-';
      // A hyphen at the edge is one; elsewhere RE2 decides.
      if (!range && inside[i] == '-' && i != 0 && i + 1 != inside.size()) return std::nullopt;
      if (range) last = inside[i + 2];
      for (int c = inside[i]; c <= last; ++c) {
        characters.push_back({std::string(1, static_cast<char>(c)), Tail::kEnd});
      }
      if (range) i += 2;
    }
    return characters;
  }

  std::string_view rest_;
  size_t depth_ = 0;
};

// One branch per text, in order.
void MergeSame(Branches* branches) {
  std::sort(branches->begin(), branches->end(),
            [](const PatternBranch& a, const PatternBranch& b) { return a.text < b.text; });
  Branches merged;
  for (PatternBranch& branch : *branches) {
    if (merged.empty() || merged.back().text != branch.text) {
      merged.push_back(std::move(branch));
    } else if (merged.back().tail == Tail::kOther || branch.tail == Tail::kOther) {
      merged.back().tail = Tail::kOther;
    } else if (merged.back().tail != branch.tail) {
      merged.back().tail = Tail::kAny;  // of .*, .+ and nothing any two make .*
    }
  }
  *branches = std::move(merged);
}

// Takes out what lies behind the open beginning of another.
void DropCovered(Branches* branches) {
  const bool other = HasOther(*branches);
  Branches kept;
  for (PatternBranch& branch : *branches) {
    const bool covers = !kept.empty() && (other || kept.back().tail != Tail::kEnd) &&
                        branch.text.starts_with(kept.back().text);
    if (!covers) {
      kept.push_back(std::move(branch));
    } else if (other) {
      kept.back().tail = Tail::kOther;
    }
  }
  *branches = std::move(kept);
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

// The literal characters every match begins with, of any pattern.
std::string LiteralPrefix(std::string_view pattern) {
  if (HasTopLevelAlternation(pattern)) return {};
  size_t end = pattern.find_first_of(kOperators);
  if (end == std::string_view::npos) end = pattern.size();
  const bool repeated =
      end < pattern.size() && std::string_view("*?{").find(pattern[end]) != std::string_view::npos;
  if (repeated && end > 0) {
    --end;  // x* may stand for no x: give up its whole character
    while (end > 0 && (static_cast<unsigned char>(pattern[end]) & 0xc0) == 0x80) --end;
  }
  return std::string(pattern.substr(0, end));
}

}  // namespace

std::vector<PatternBranch> ExpandPattern(std::string_view pattern) {
  // RE2 reads invalid UTF-8 in its own way.
  if (!IsValidUtf8(pattern)) return {{"", Tail::kOther}};
  std::optional<Branches> branches = Expander(pattern).Run();
  if (!branches) return {{LiteralPrefix(pattern), Tail::kOther}};
  MergeSame(&*branches);
  DropCovered(&*branches);
  return *std::move(branches);
}

}  // namespace vigil
