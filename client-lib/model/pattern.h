// SPDX-License-Identifier: Apache-2.0
// What a regular expression comes down to when people write it: alternatives, each with the text it
// begins with and what may follow.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vigil {

struct PatternBranch {
  enum class Tail {
    kEnd,    // nothing: the text is a literal
    kAny,    // .*
    kSome,   // .+
    kOther,  // something that is not understood here
  };
  std::string text;
  Tail tail = Tail::kEnd;
  bool operator==(const PatternBranch&) const = default;
};

// Every text that matches the anchored pattern (RE2's syntax, dot takes newlines) is the text of a
// branch and what its tail says; without a kOther the branches match nothing else. Sorted by text,
// and no branch is covered by another: the last whose text is not above `x` is the only one that
// may match x. {"", kOther} says that nothing is known.
// Threads: any.
std::vector<PatternBranch> ExpandPattern(std::string_view pattern);

}  // namespace vigil
