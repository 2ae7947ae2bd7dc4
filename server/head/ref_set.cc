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

// Lists of like length are walked side by side, without a branch that nobody can foresee.
constexpr size_t kMuchLonger = 8;

void IntersectBeside(std::span<const uint32_t> other, Refs* refs) {
  Refs& mine = *refs;
  size_t i = 0;
  size_t k = 0;
  size_t kept = 0;
  while (i < mine.size() && k < other.size()) {
    const uint32_t a = mine[i];
    const uint32_t b = other[k];
    mine[kept] = a;
    kept += a == b ? 1 : 0;
    i += a <= b ? 1 : 0;
    k += b <= a ? 1 : 0;
  }
  mine.resize(kept);
}

void SubtractBeside(std::span<const uint32_t> other, Refs* refs) {
  Refs& mine = *refs;
  size_t i = 0;
  size_t k = 0;
  size_t kept = 0;
  while (i < mine.size() && k < other.size()) {
    const uint32_t a = mine[i];
    const uint32_t b = other[k];
    mine[kept] = a;
    kept += a < b ? 1 : 0;
    i += a <= b ? 1 : 0;
    k += b <= a ? 1 : 0;
  }
  mine.erase(mine.begin() + static_cast<ptrdiff_t>(kept), mine.begin() + static_cast<ptrdiff_t>(i));
}

}  // namespace

void IntersectWith(std::span<const uint32_t> other, Refs* refs) {
  if (other.size() * kMuchLonger < refs->size()) {
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
  if (other.size() <= refs->size() * kMuchLonger) return IntersectBeside(other, refs);
  auto out = refs->begin();
  auto it = other.begin();
  for (const uint32_t ref : *refs) {
    it = Gallop(it, other.end(), ref);
    if (it == other.end()) break;
    if (*it == ref) *out++ = ref;
  }
  refs->erase(out, refs->end());
}

void Subtract(std::span<const uint32_t> other, Refs* refs) {
  if (other.size() <= refs->size() * kMuchLonger) return SubtractBeside(other, refs);
  auto out = refs->begin();
  auto it = other.begin();
  for (const uint32_t ref : *refs) {
    if (it != other.end()) it = Gallop(it, other.end(), ref);
    if (it == other.end() || *it != ref) *out++ = ref;
  }
  refs->erase(out, refs->end());
}

std::vector<uint64_t> RefUnion::Bits() const {
  std::vector<uint64_t> bits(max_ref_ / 64 + 1);
  for (const auto list : lists_) {
    for (const uint32_t ref : list) bits[ref / 64] |= uint64_t{1} << (ref % 64);
  }
  return bits;
}

Refs RefUnion::Take() const {
  Refs refs;
  if (lists_.empty()) return refs;
  if (lists_.size() == 1) {
    refs.assign(lists_[0].begin(), lists_[0].end());
    return refs;
  }
  refs.reserve(total_);
  if (IsFew()) {
    for (const auto list : lists_) refs.insert(refs.end(), list.begin(), list.end());
    std::sort(refs.begin(), refs.end());
    refs.erase(std::unique(refs.begin(), refs.end()), refs.end());
    return refs;
  }
  // Many: a bit each, read back in order.
  const std::vector<uint64_t> bits = Bits();
  for (size_t word = 0; word < bits.size(); ++word) {
    for (uint64_t left = bits[word]; left != 0; left &= left - 1) {
      refs.push_back(static_cast<uint32_t>(word * 64) +
                     static_cast<uint32_t>(std::countr_zero(left)));
    }
  }
  return refs;
}

void RefUnion::KeepIn(Refs* refs) const {
  if (lists_.size() == 1) return IntersectWith(lists_[0], refs);
  if (IsFew()) return IntersectWith(Take(), refs);
  Select(true, refs);
}

void RefUnion::RemoveFrom(Refs* refs) const {
  if (lists_.size() == 1) return Subtract(lists_[0], refs);
  if (IsFew()) return Subtract(Take(), refs);
  Select(false, refs);
}

void RefUnion::Select(bool in, Refs* refs) const {
  const std::vector<uint64_t> bits = Bits();
  size_t kept = 0;
  for (size_t i = 0; i < refs->size(); ++i) {
    const uint32_t ref = (*refs)[i];
    (*refs)[kept] = ref;
    kept += ((bits[ref / 64] >> (ref % 64) & 1) != 0) == in ? 1 : 0;
  }
  refs->resize(kept);
}

}  // namespace vigil::head
