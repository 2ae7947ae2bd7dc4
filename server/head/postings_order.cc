// SPDX-License-Identifier: Apache-2.0
// All series in the order of their labels. The index has names and values in order: numbered that
// way, they make a label set a short row of numbers, and no text is compared.
#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <utility>
#include <vector>

#include "server/head/postings.h"

namespace vigil::head {

// A row of numbers for each series 1..size(), rising within the row: one for each of its labels, in
// the order of their names. Rows compare as the label sets do.
struct Postings::Numbers {
  std::vector<size_t> ends{0};  // by ref; the row begins where that of the ref before ends
  std::vector<uint32_t> numbers;

  [[nodiscard]] size_t size() const { return ends.size() - 1; }
  // From 1 on; 0 behind the last label.
  [[nodiscard]] uint32_t At(uint32_t ref, size_t label) const {
    const size_t at = ends[ref - 1] + label;
    return at < ends[ref] ? numbers[at] : 0;
  }
};

Postings::Numbers Postings::NumberLabels() const {
  Numbers result;
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  result.ends.reserve(max_ref_ + size_t{1});
  size_t end = 0;
  for (uint32_t ref = 1; ref <= max_ref_; ++ref) {
    result.ends.push_back(end);  // where it begins: moves to the end while the row is filled
    end += slots_.labels(ref).size();
  }
  result.numbers.resize(end);
  uint32_t number = 0;
  for (const auto& [name_text, name] : names_) {
    for (const auto& [value, list] : name.values) {
      ++number;
      for (const uint32_t ref : list.refs()) result.numbers[result.ends[ref]++] = number;
    }
  }
  return result;
}

namespace {

// A series and the number of one of its labels, the number in the high half: they sort as integers.
using NumberedRef = uint64_t;

// Sorts series whose rows are the same up to `label`.
void SortRows(const auto& numbers, size_t label, std::span<NumberedRef> refs) {
  for (NumberedRef& one : refs) {
    const auto ref = static_cast<uint32_t>(one);
    one = uint64_t{numbers.At(ref, label)} << 32 | ref;
  }
  // Series often come in order.
  if (!std::is_sorted(refs.begin(), refs.end())) std::sort(refs.begin(), refs.end());
  for (size_t from = 0; from < refs.size();) {
    const uint64_t number = refs[from] >> 32;
    size_t to = from + 1;
    while (to < refs.size() && refs[to] >> 32 == number) ++to;
    if (to - from > 1 && number != 0) SortRows(numbers, label + 1, refs.subspan(from, to - from));
    from = to;
  }
}

}  // namespace

Refs Postings::AllByLabels() const {
  const Numbers numbers = NumberLabels();
  std::vector<NumberedRef> rows(numbers.size());
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = i + 1;
  SortRows(numbers, 0, rows);
  Refs refs(rows.size());
  std::transform(rows.begin(), rows.end(), refs.begin(),
                 [](NumberedRef row) { return static_cast<uint32_t>(row); });
  return refs;
}

}  // namespace vigil::head
