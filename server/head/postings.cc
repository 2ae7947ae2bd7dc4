// SPDX-License-Identifier: Apache-2.0
#include "server/head/postings.h"

#include <algorithm>
#include <mutex>
#include <numeric>

namespace vigil::head {
namespace {

// Matchers that need a label to be there, cheapest first.
enum class Cost { kEqual, kLiterals, kOther, kMayBeMissing };

Cost CostOf(const Matcher& matcher) {
  if (matcher.MatchesEmpty()) return Cost::kMayBeMissing;
  if (matcher.type() == MatchType::kEqual) return Cost::kEqual;
  if (matcher.type() == MatchType::kRegexp && !matcher.regexp()->literals().empty()) {
    return Cost::kLiterals;
  }
  return Cost::kOther;
}

}  // namespace

void Postings::Add(SeriesRef ref) {
  const Labels& labels = slots_.labels(ref);
  const std::lock_guard<std::shared_mutex> lock(mutex_);
  max_ref_ = static_cast<uint32_t>(ref);
  for (const LabelView label : labels) {
    Name& name = names_[label.name];
    const auto [entry, created] = name.values.try_emplace(label.value);
    if (created) ++pairs_;
    const size_t before = entry->second.heap_bytes();
    entry->second.Add(static_cast<uint32_t>(ref));
    list_bytes_ += entry->second.heap_bytes() - before;
    ++name.refs;
  }
}

const Postings::Name* Postings::Find(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second;
}

Refs Postings::All() const {
  Refs refs(max_ref_);
  std::iota(refs.begin(), refs.end(), 1U);
  return refs;
}

RefUnion Postings::Collect(const Name& name, const Matcher& matcher, bool matching) const {
  RefUnion all(max_ref_);
  const auto add = [&](std::string_view value) {
    const auto found = name.values.find(value);
    if (found != name.values.end()) all.Add(found->second.refs());
  };
  const bool plain = matcher.type() == MatchType::kEqual || matcher.type() == MatchType::kNotEqual;
  const bool positive = matcher.type() == MatchType::kEqual || matcher.type() == MatchType::kRegexp;
  // Whether the values wanted are those that the text of the matcher names.
  const bool named = positive == matching;
  if (named && plain) {
    add(matcher.value());
    return all;
  }
  if (named && !matcher.regexp()->literals().empty()) {
    for (const std::string& literal : matcher.regexp()->literals()) add(literal);
    return all;
  }
  const std::string_view prefix = named ? matcher.regexp()->prefix() : std::string_view();
  for (auto it = name.values.lower_bound(prefix); it != name.values.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    if (matcher.Matches(it->first) == matching) all.Add(it->second.refs());
  }
  return all;
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

void Postings::Restrict(const Matcher& matcher, Refs* refs) const {
  const Name* name = Find(matcher.name());
  const bool may_be_missing = matcher.MatchesEmpty();
  if (name == nullptr) {
    if (!may_be_missing) refs->clear();
    return;
  }
  // Looking at the labels of few series beats a walk over many values or long lists.
  if (refs->size() <= name->values.size() || refs->size() * 4 <= name->refs) {
    if (CostOf(matcher) != Cost::kEqual) {
      Filter(matcher, refs);
      return;
    }
  }
  const RefUnion found = Collect(*name, matcher, !may_be_missing);
  if (may_be_missing) {
    Subtract(found.Take(), refs);
  } else {
    IntersectWith(found.Take(), refs);
  }
}

bool Postings::Start(std::vector<const Matcher*>* matchers, Refs* refs) const {
  // The equality with the shortest list goes first.
  size_t shortest = SIZE_MAX;
  size_t best = SIZE_MAX;
  std::span<const uint32_t> list;
  for (size_t i = 0; i < matchers->size(); ++i) {
    const Matcher& matcher = *(*matchers)[i];
    if (CostOf(matcher) != Cost::kEqual) continue;
    const Name* name = Find(matcher.name());
    if (name == nullptr) return false;
    const auto found = name->values.find(matcher.value());
    if (found == name->values.end()) return false;
    if (found->second.refs().size() >= shortest) continue;
    list = found->second.refs();
    shortest = list.size();
    best = i;
  }
  if (best != SIZE_MAX) {
    refs->assign(list.begin(), list.end());
    matchers->erase(matchers->begin() + static_cast<ptrdiff_t>(best));
    return true;
  }
  if (matchers->empty() || CostOf(*matchers->front()) == Cost::kMayBeMissing) {
    *refs = All();
    return true;
  }
  const Matcher& first = *matchers->front();
  const Name* name = Find(first.name());
  if (name == nullptr) return false;
  *refs = Collect(*name, first, true).Take();
  matchers->erase(matchers->begin());
  return true;
}

Refs Postings::Match(const std::vector<Matcher>& matchers) const {
  std::vector<const Matcher*> left;
  left.reserve(matchers.size());
  for (const Matcher& matcher : matchers) left.push_back(&matcher);
  std::stable_sort(left.begin(), left.end(),
                   [](const Matcher* a, const Matcher* b) { return CostOf(*a) < CostOf(*b); });
  Refs refs;
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  if (!Start(&left, &refs)) return {};
  for (const Matcher* matcher : left) {
    if (refs.empty()) break;
    Restrict(*matcher, &refs);
  }
  return refs;
}

Refs Postings::AllBy(std::string_view name) const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  Refs refs;
  refs.reserve(max_ref_);
  std::vector<bool> has(max_ref_ + 1);
  if (const Name* found = Find(name)) {
    for (const auto& [value, list] : found->values) {
      for (const uint32_t ref : list.refs()) {
        refs.push_back(ref);
        has[ref] = true;
      }
    }
  }
  for (uint32_t ref = 1; ref <= max_ref_; ++ref) {
    if (!has[ref]) refs.push_back(ref);
  }
  return refs;
}

size_t Postings::Count(std::string_view name, std::string_view value) const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  const Name* const found = Find(name);
  if (found == nullptr) return 0;
  const auto refs = found->values.find(value);
  return refs == found->values.end() ? 0 : refs->second.refs().size();
}

std::vector<std::string> Postings::Names() const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  std::vector<std::string> names;
  names.reserve(names_.size());
  for (const auto& [name, values] : names_) names.emplace_back(name);
  return names;
}

std::vector<std::string> Postings::Values(std::string_view name) const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  std::vector<std::string> values;
  const Name* found = Find(name);
  if (found == nullptr) return values;
  values.reserve(found->values.size());
  for (const auto& [value, list] : found->values) values.emplace_back(value);
  return values;
}

Postings::Size Postings::size() const {
  constexpr size_t kNodeBytes = 32 + 16 + sizeof(RefList) + 16;  // links, key, list, malloc
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  return {names_.size(), pairs_, pairs_ * kNodeBytes + list_bytes_};
}

}  // namespace vigil::head
