// SPDX-License-Identifier: Apache-2.0
// See search_score.h.
#include "server/web/search_score.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "client-lib/base/strings.h"

namespace vigil::web {
namespace {

using Characters = std::vector<char32_t>;

// What is no UTF-8 counts byte by byte: names are compared, not read.
Characters CharactersOf(std::string_view text) {
  Characters characters;
  characters.reserve(text.size());
  const bool utf8 = IsValidUtf8(text);
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (utf8 && (byte & 0xc0) == 0x80) {
      characters.back() = characters.back() << 6 | (byte & 0x3f);
    } else {
      characters.push_back(byte);
    }
  }
  return characters;
}

// The raw score of the match that begins at `start`, where the first character is, and always takes
// the next place that fits. Nothing when the pattern does not fit from there.
std::optional<double> ScoreFrom(const Characters& pattern, const Characters& text, size_t start) {
  const double per_character = 1.0 / static_cast<double>(text.size());
  double score = 0;
  size_t end = 0;  // behind the last run
  size_t at = start;
  for (size_t matched = 0; matched < pattern.size();) {
    while (at < text.size() && text[at] != pattern[matched]) ++at;
    if (at == text.size()) return std::nullopt;
    score -= static_cast<double>(at - end) * per_character;
    const size_t run = at;
    while (at < text.size() && matched < pattern.size() && text[at] == pattern[matched]) {
      ++at;
      ++matched;
    }
    score += static_cast<double>((at - run) * (at - run));
    end = at;
  }
  return score - static_cast<double>(text.size() - end) * per_character * 0.5;
}

// The partner of each character of the shorter text in the longer one, in order, within reach.
struct JaroMatches {
  Characters of_short;
  Characters of_long;
};

JaroMatches FindMatches(const Characters& shorter, const Characters& longer) {
  const size_t half = longer.size() / 2;
  const size_t reach = half > 0 ? half - 1 : 0;
  std::vector<bool> taken(longer.size());
  JaroMatches matches;
  for (size_t i = 0; i < shorter.size(); ++i) {
    const size_t last = std::min(i + reach + 1, longer.size());
    for (size_t j = i > reach ? i - reach : 0; j < last; ++j) {
      if (taken[j] || shorter[i] != longer[j]) continue;
      taken[j] = true;
      matches.of_short.push_back(shorter[i]);
      break;
    }
  }
  for (size_t j = 0; j < longer.size(); ++j) {
    if (taken[j]) matches.of_long.push_back(longer[j]);
  }
  return matches;
}

}  // namespace

double SubsequenceScore(std::string_view pattern, std::string_view text) {
  if (pattern.empty() || pattern == text) return 1;
  const Characters wanted = CharactersOf(pattern);
  const Characters there = CharactersOf(text);
  double best = 0;
  for (size_t start = 0; start + wanted.size() <= there.size(); ++start) {
    if (there[start] != wanted[0]) continue;
    const std::optional<double> score = ScoreFrom(wanted, there, start);
    if (!score) break;  // later places have less behind them
    best = std::max(best, *score);
  }
  return best / static_cast<double>(wanted.size() * wanted.size());
}

double JaroWinklerScore(std::string_view a, std::string_view b) {
  if (a == b) return 1;
  Characters shorter = CharactersOf(a);
  Characters longer = CharactersOf(b);
  if (shorter.size() > longer.size()) shorter.swap(longer);
  const JaroMatches matches = FindMatches(shorter, longer);
  if (matches.of_short.empty()) return 0;
  double moved = 0;
  for (size_t i = 0; i < matches.of_short.size(); ++i) {
    if (matches.of_short[i] != matches.of_long[i]) moved += 0.5;
  }
  const auto count = static_cast<double>(matches.of_short.size());
  const double jaro = (count / static_cast<double>(shorter.size()) +
                       count / static_cast<double>(longer.size()) + (count - moved) / count) /
                      3;
  size_t prefix = 0;
  while (prefix < std::min<size_t>(4, shorter.size()) && shorter[prefix] == longer[prefix]) {
    ++prefix;
  }
  return jaro + static_cast<double>(prefix) * 0.1 * (1 - jaro);
}

NameFilter::NameFilter(std::vector<std::string> terms, Options options)
    : terms_(std::move(terms)), options_(options) {
  if (options_.case_sensitive) return;
  for (std::string& term : terms_) term = AsciiLower(term);
}

std::optional<double> NameFilter::Score(std::string_view name) const {
  if (terms_.empty()) return 1;
  const std::string lower = options_.case_sensitive ? std::string() : AsciiLower(name);
  if (!options_.case_sensitive) name = lower;
  std::optional<double> best;
  for (const std::string& term : terms_) {
    const std::optional<double> score = ScoreTerm(term, name);
    if (score && (!best || *score > *best)) best = score;
  }
  return best;
}

std::optional<double> NameFilter::ScoreTerm(std::string_view term, std::string_view name) const {
  if (name.starts_with(term)) return 1;
  double score = 0;
  if (options_.algorithm == FuzzyAlgorithm::kSubsequence) {
    score = SubsequenceScore(term, name);
    if (score == 0) return std::nullopt;
  } else {
    if (name.find(term) != std::string_view::npos) return 0.9;
    if (options_.threshold == 0) return std::nullopt;  // not fuzzy at all
    score = JaroWinklerScore(term, name);
  }
  if (score < options_.threshold) return std::nullopt;
  return score;
}

}  // namespace vigil::web
