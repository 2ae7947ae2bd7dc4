// SPDX-License-Identifier: Apache-2.0
// Matchers answered from the index: the smallest list first, then whatever is cheaper for each of
// the others, its lists or a look at the labels of the series that are left.
#include <algorithm>
#include <mutex>
#include <numeric>
#include <shared_mutex>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "server/head/postings.h"

namespace vigil::head {
namespace {

// Rough costs in nanoseconds, measured at a million series, where nothing is in a cache.
constexpr double kLookNs = 120;  // at one label of a series
constexpr double kWalkNs = 60;   // to the next value of a label
constexpr double kShortcutNs = 10;
constexpr double kRe2Ns = 150;
constexpr double kRefNs = 1;  // of a list into a set

// What a matcher says about values that are not empty.
enum class OfValues { kAny, kNone, kDepends };

OfValues OfValuesOf(const Matcher& matcher) {
  switch (matcher.type()) {
    case MatchType::kEqual:
      return matcher.value().empty() ? OfValues::kNone : OfValues::kDepends;
    case MatchType::kNotEqual:
      return matcher.value().empty() ? OfValues::kAny : OfValues::kDepends;
    case MatchType::kRegexp:
    case MatchType::kNotRegexp:
      break;
  }
  const Regexp& regexp = *matcher.regexp();
  const bool positive = matcher.type() == MatchType::kRegexp;
  if (regexp.MatchesAll() || regexp.MatchesAllButEmpty()) {
    return positive ? OfValues::kAny : OfValues::kNone;
  }
  if (regexp.literals().size() == 1 && regexp.literals()[0].empty()) {
    return positive ? OfValues::kNone : OfValues::kAny;
  }
  return OfValues::kDepends;
}

// Strings in the order of their bytes, without twins.
std::vector<std::string> Sorted(const std::unordered_set<std::string_view>& texts) {
  std::vector<std::string> sorted(texts.begin(), texts.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// Some refs of many.
class RefBits {
 public:
  RefBits(std::span<const SeriesRef> refs, size_t max_ref) : bits_(max_ref / 64 + 1) {
    for (const SeriesRef ref : refs) bits_[ref / 64] |= uint64_t{1} << (ref % 64);
  }
  [[nodiscard]] bool HasAny(std::span<const uint32_t> refs) const {
    return std::any_of(refs.begin(), refs.end(),
                       [this](uint32_t ref) { return (bits_[ref / 64] >> (ref % 64) & 1) != 0; });
  }

 private:
  std::vector<uint64_t> bits_;
};

}  // namespace

struct Postings::Term {
  const Matcher* matcher = nullptr;
  const Name* name = nullptr;
  // Series in the lists go, for the matcher takes a missing label; otherwise they stay.
  bool subtract = false;
  bool all_values = false;  // the lists are those of all values
  // The values of the lists are those that the text of the matcher names, not the others.
  bool named = false;
  double match_ns = kShortcutNs;
  double walk_ns = 0;  // to collect the lists
  bool collected = false;
  RefUnion lists{0};

  // Lists that are known, the shortest first; then what has to be looked for.
  [[nodiscard]] std::pair<int, double> Rank() const {
    if (!collected) return {2, walk_ns};
    return {subtract ? 1 : 0, static_cast<double>(lists.total())};
  }
};

Refs Postings::All() const {
  Refs refs(max_ref_);
  std::iota(refs.begin(), refs.end(), 1U);
  return refs;
}

Postings::Asks Postings::Analyse(const Matcher& matcher, Term* term) const {
  const bool may_be_missing = matcher.MatchesEmpty();
  const OfValues of_values = OfValuesOf(matcher);
  const Name* const name = Find(matcher.name());
  if (of_values == OfValues::kAny && may_be_missing) return Asks::kAll;
  if (of_values == OfValues::kNone && !may_be_missing) return Asks::kNothing;
  if (name == nullptr) return may_be_missing ? Asks::kAll : Asks::kNothing;
  term->matcher = &matcher;
  term->name = name;
  term->subtract = may_be_missing;
  term->all_values = of_values != OfValues::kDepends;
  if (term->all_values && name->refs == max_ref_) {  // every series has the label
    return may_be_missing ? Asks::kNothing : Asks::kAll;
  }
  const Regexp* const regexp = matcher.regexp();
  const bool positive = matcher.type() == MatchType::kEqual || matcher.type() == MatchType::kRegexp;
  term->named = !term->all_values && positive != may_be_missing;
  const bool listed = regexp == nullptr || !regexp->literals().empty();
  if (term->named && listed) {
    Collect(term);
    return Asks::kSome;
  }
  if (regexp != nullptr && regexp->NeedsRe2()) term->match_ns = kRe2Ns;
  size_t values = name->values.size();
  if (term->named && !regexp->prefixes()[0].empty()) {
    // A part of them: how large, only the walk itself would tell.
    values = std::min<size_t>(values, 1 + values / 16 * regexp->prefixes().size());
  }
  term->walk_ns = static_cast<double>(values) * (kWalkNs + term->match_ns);
  return Asks::kSome;
}

void Postings::Collect(Term* term) const {
  term->collected = true;
  term->lists = RefUnion(max_ref_);
  const ValueMap& values = term->name->values;
  const Matcher& matcher = *term->matcher;
  const auto add = [&](std::string_view value) {
    const auto found = values.find(value);
    if (found != values.end()) term->lists.Add(found->second.refs());
  };
  if (term->named && matcher.regexp() == nullptr) {
    add(matcher.value());
    return;
  }
  if (term->named && !matcher.regexp()->literals().empty()) {
    for (const std::string& literal : matcher.regexp()->literals()) add(literal);
    return;
  }
  const auto walk = [&](std::string_view prefix) {
    for (auto it = values.lower_bound(prefix); it != values.end(); ++it) {
      if (!it->first.starts_with(prefix)) break;
      if (term->all_values || matcher.Matches(it->first) != term->subtract) {
        term->lists.Add(it->second.refs());
      }
    }
  };
  if (!term->named) return walk({});
  for (const std::string& prefix : matcher.regexp()->prefixes()) walk(prefix);
}

// Collects what costs less than looking at the series that the smallest list leaves, and at least
// one list to start from.
void Postings::CollectCheap(std::vector<Term>* terms) const {
  bool any = false;
  size_t smallest = max_ref_;
  const auto count = [&](const Term& term) {
    if (!term.collected || term.subtract) return;
    any = true;
    smallest = std::min(smallest, term.lists.total());
  };
  for (const Term& term : *terms) count(term);
  std::sort(terms->begin(), terms->end(),
            [](const Term& a, const Term& b) { return a.Rank() < b.Rank(); });
  for (Term& term : *terms) {
    if (term.collected || term.subtract) continue;
    if (any && term.walk_ns > static_cast<double>(smallest) * kLookNs) break;
    Collect(&term);
    count(term);
  }
  std::sort(terms->begin(), terms->end(),
            [](const Term& a, const Term& b) { return a.Rank() < b.Rank(); });
}

void Postings::Filter(const Matcher& matcher, Refs* refs) const {
  // Series of one target or metric follow each other, and so do equal values.
  std::string_view last;
  bool last_matches = matcher.MatchesEmpty();
  std::erase_if(*refs, [&](uint32_t ref) {
    const std::string_view value = slots_.labels(ref).Get(matcher.name());
    if (value != last) {
      last = value;
      last_matches = matcher.Matches(value);
    }
    return !last_matches;
  });
}

void Postings::Restrict(Term* term, Refs* refs) const {
  const auto count = static_cast<double>(refs->size());
  const auto total = static_cast<double>(term->collected ? term->lists.total() : term->name->refs);
  const double filter_ns = count * (kLookNs + term->match_ns);
  // One list is galloped through, however long it is.
  const bool one = term->collected && term->lists.count() <= 1;
  if (!one && filter_ns <= (term->collected ? 0 : term->walk_ns) + total * kRefNs) {
    Filter(*term->matcher, refs);
    return;
  }
  if (!term->collected) Collect(term);
  if (term->subtract) {
    term->lists.RemoveFrom(refs);
  } else {
    term->lists.KeepIn(refs);
  }
}

Refs Postings::Match(const std::vector<Matcher>& matchers) const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  std::vector<Term> terms;
  terms.reserve(matchers.size());
  for (const Matcher& matcher : matchers) {
    Term term;
    const Asks asks = Analyse(matcher, &term);
    if (asks == Asks::kNothing) return {};
    if (asks == Asks::kSome) terms.push_back(std::move(term));
  }
  CollectCheap(&terms);
  const bool has_start = !terms.empty() && terms[0].collected && !terms[0].subtract;
  Refs refs = has_start ? terms[0].lists.Take() : All();
  for (size_t i = has_start ? 1 : 0; i < terms.size() && !refs.empty(); ++i) {
    Restrict(&terms[i], &refs);
  }
  return refs;
}

std::vector<std::string> Postings::NamesOf(std::span<const SeriesRef> refs) const {
  std::unordered_set<std::string_view> names;
  // Few series: their labels. Many: whether one of them is in a list of the name, mostly the first.
  if (refs.size() < 1'000) {
    for (const SeriesRef ref : refs) {
      for (const LabelView label : slots_.labels(ref)) names.insert(label.name);
    }
    return Sorted(names);
  }
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  const RefBits bits(refs, max_ref_);
  for (const auto& [text, name] : names_) {
    const auto used = [&bits](const auto& value) { return bits.HasAny(value.second.refs()); };
    if (std::any_of(name.values.begin(), name.values.end(), used)) names.insert(text);
  }
  return Sorted(names);
}

std::vector<std::string> Postings::ValuesOf(std::string_view name,
                                            std::span<const SeriesRef> refs) const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  const Name* const found = Find(name);
  if (found == nullptr) return {};
  if (static_cast<double>(refs.size()) * kLookNs <
      static_cast<double>(found->values.size()) * kWalkNs +
          static_cast<double>(found->refs) * kRefNs) {
    std::unordered_set<std::string_view> values;
    for (const SeriesRef ref : refs) values.insert(slots_.labels(ref).Get(name));
    values.erase(std::string_view());
    return Sorted(values);
  }
  const RefBits bits(refs, max_ref_);
  std::vector<std::string> values;
  for (const auto& [value, list] : found->values) {
    if (bits.HasAny(list.refs())) values.emplace_back(value);
  }
  return values;
}

}  // namespace vigil::head
