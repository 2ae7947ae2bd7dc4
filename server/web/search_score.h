// SPDX-License-Identifier: Apache-2.0
// How well a name fits what somebody typed: the scores of the search API.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vigil::web {

// All of them: from 0 (does not fit) to 1 (the same).

// The characters of `pattern` occur in `text` in this order: runs of neighbours count as the square
// of their length, gaps are taken off, the rest behind the last run half as much. Of all places to
// begin at the best counts.
double SubsequenceScore(std::string_view pattern, std::string_view text);

// The Jaro-Winkler similarity, with up to four equal first characters.
double JaroWinklerScore(std::string_view a, std::string_view b);

enum class FuzzyAlgorithm { kSubsequence, kJaroWinkler };

// Any of several terms.
// Threads: any (immutable).
class NameFilter {
 public:
  struct Options {
    FuzzyAlgorithm algorithm = FuzzyAlgorithm::kSubsequence;
    double threshold = 0;        // the score a name must have
    bool case_sensitive = true;  // else ASCII letters compare without case
  };
  // Without terms every name fits.
  NameFilter(std::vector<std::string> terms, Options options);

  // Nothing when no term fits, else the best score. A name that begins with a term has 1; with
  // Jaro-Winkler one that has it inside 0.9.
  [[nodiscard]] std::optional<double> Score(std::string_view name) const;

 private:
  [[nodiscard]] std::optional<double> ScoreTerm(std::string_view term, std::string_view name) const;

  std::vector<std::string> terms_;
  const Options options_;
};

}  // namespace vigil::web
