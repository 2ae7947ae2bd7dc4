// SPDX-License-Identifier: Apache-2.0
// Comparison by runs of digits and non-digits.
#include "server/promql/natural_order.h"

#include <cstddef>

namespace vigil::promql {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The run of digits or of anything else at the start of the text.
std::string_view LeadingRun(std::string_view text) {
  size_t n = 1;
  while (n < text.size() && IsDigit(text[n]) == IsDigit(text[0])) ++n;
  return text.substr(0, n);
}

std::string_view WithoutZeros(std::string_view digits) {
  const size_t first = digits.find_first_not_of('0');
  return first == std::string_view::npos ? digits.substr(digits.size()) : digits.substr(first);
}

// Negative, zero or positive.
int CompareRuns(std::string_view a, std::string_view b) {
  if (!IsDigit(a[0]) || !IsDigit(b[0])) return a.compare(b);
  const std::string_view x = WithoutZeros(a);
  const std::string_view y = WithoutZeros(b);
  if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
  return x.compare(y);
}

}  // namespace

bool NaturalLess(std::string_view a, std::string_view b) {
  const std::string_view whole_a = a;
  const std::string_view whole_b = b;
  while (!a.empty() && !b.empty()) {
    const std::string_view run_a = LeadingRun(a);
    const std::string_view run_b = LeadingRun(b);
    const int order = CompareRuns(run_a, run_b);
    if (order != 0) return order < 0;
    a.remove_prefix(run_a.size());
    b.remove_prefix(run_b.size());
  }
  if (a.empty() != b.empty()) return a.empty();
  // Equal but for leading zeros.
  return whole_a < whole_b;
}

}  // namespace vigil::promql
