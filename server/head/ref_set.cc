// SPDX-License-Identifier: Apache-2.0
#include "server/head/ref_set.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace vigil::head {
namespace {

using Iterator = std::span<const uint32_t>::iterator;

// The first item >= ref, looking in steps that double: cheap when it is near.
Iterator Gallop(Iterator from, Iterator end, uint32_t ref) {
  ptrdiff_t step = 1;
  Iterator low = from;
  while (end - low > step && *(low + step) < ref) {
    low += step;
    step *= 2;
  }
  return std::lower_bound(low, end - low > step ? low + step + 1 : end, ref);
}

}  // namespace

void IntersectWith(std::span<const uint32_t> other, Refs* refs) {
  auto out = refs->begin();
  auto it = other.begin();
  if (other.size() * 8 < refs->size()) {
    // Few in the other: look those up here.
    Refs both;
    const std::span<const uint32_t> mine(*refs);
    auto at = mine.begin();
    for (const uint32_t ref : other) {
      at = Gallop(at, mine.end(), ref);
      if (at == mine.end()) break;
      if (*at == ref) both.push_back(ref);
    }
    *refs = std::move(both);
    return;
  }
  for (const uint32_t ref : *refs) {
    it = Gallop(it, other.end(), ref);
    if (it == other.end()) break;
    if (*it == ref) *out++ = ref;
  }
  refs->erase(out, refs->end());
}

void Subtract(std::span<const uint32_t> other, Refs* refs) {
  auto out = refs->begin();
  auto it = other.begin();
  for (const uint32_t ref : *refs) {
    if (it != other.end()) it = Gallop(it, other.end(), ref);
    if (it == other.end() || *it != ref) *out++ = ref;
  }
  refs->erase(out, refs->end());
}

Refs RefUnion::Take() const {
  Refs refs;
  if (lists_.empty()) return refs;
  refs.reserve(total_);
  if (lists_.size() == 1) {
    refs.assign(lists_[0].begin(), lists_[0].end());
    return refs;
  }
  if (total_ * 16 < max_ref_ / 64) {
    for (const auto list : lists_) refs.insert(refs.end(), list.begin(), list.end());
    std::sort(refs.begin(), refs.end());
    refs.erase(std::unique(refs.begin(), refs.end()), refs.end());
    return refs;
  }
  // Many: a bit each, read back in order.
  std::vector<uint64_t> bits(max_ref_ / 64 + 1);
  for (const auto list : lists_) {
    for (const uint32_t ref : list) bits[ref / 64] |= uint64_t{1} << (ref % 64);
  }
  for (size_t word = 0; word < bits.size(); ++word) {
    for (uint64_t left = bits[word]; left != 0; left &= left - 1) {
      refs.push_back(static_cast<uint32_t>(word * 64) +
                     static_cast<uint32_t>(std::countr_zero(left)));
    }
  }
  return refs;
}

}  // namespace vigil::head
