// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/split_encoder.h"

#include <algorithm>
#include <bit>

#include "server/chunks/bytes.h"

namespace vigil::chunks {
namespace {

constexpr size_t kSampleSize = 128;
constexpr unsigned kLowBits[] = {56, 54, 53, 52, 51, 50, 49, 48, 46, 44};
constexpr size_t kExceptionBits = 8 * 4;

unsigned IndexBits(size_t highs) { return BitWidth(highs - 1); }

}  // namespace

size_t SplitEncoder::Plan(std::span<const double> values) {
  values_ = values;
  sample_.clear();
  const size_t step = (values.size() + kSampleSize - 1) / kSampleSize;
  for (size_t i = 0; i < values.size(); i += step) {
    sample_.push_back(std::bit_cast<uint64_t>(values[i]));
  }
  std::sort(sample_.begin(), sample_.end());
  Choose();
  indexes_.resize(values.size());
  exceptions_.clear();
  size_t bytes = 1 + kMaxVarintBytes * (1 + high_count_) + kMaxVarintBytes;
  size_t expected = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const uint64_t high = std::bit_cast<uint64_t>(values[i]) >> low_bits_;
    const unsigned index = IndexOf(high);
    indexes_[i] = static_cast<uint8_t>(index == high_count_ ? 0 : index);
    if (index < high_count_) continue;
    exceptions_.push_back(static_cast<uint32_t>(i));
    bytes += VarintSize(i - expected) + VarintSize(high);
    expected = i + 1;
  }
  return bytes + PackedSize(values.size(), IndexBits(high_count_)) +
         PackedSize(values.size(), low_bits_);
}

void SplitEncoder::Choose() {
  size_t best = SIZE_MAX;
  for (const unsigned low_bits : kLowBits) {
    const size_t groups = Group(low_bits);
    size_t covered = 0;
    for (size_t size = 1; size <= kMaxSplitHighs; size *= 2) {
      for (size_t i = size / 2; i < std::min(size, groups); ++i) covered += groups_[i].count;
      const size_t cost = sample_.size() * (low_bits + IndexBits(size)) +
                          (sample_.size() - covered) * kExceptionBits;
      if (cost >= best) continue;
      best = cost;
      low_bits_ = low_bits;
      high_count_ = static_cast<unsigned>(std::min(size, groups));
      for (size_t i = 0; i < high_count_; ++i) highs_[i] = groups_[i].high;
    }
  }
}

size_t SplitEncoder::Group(unsigned low_bits) {
  groups_.clear();
  for (const uint64_t bits : sample_) {
    const uint64_t high = bits >> low_bits;
    if (groups_.empty() || groups_.back().high != high) groups_.push_back({high, 0});
    ++groups_.back().count;
  }
  const size_t kept = std::min(groups_.size(), kMaxSplitHighs);
  std::partial_sort(groups_.begin(), groups_.begin() + static_cast<ptrdiff_t>(kept), groups_.end(),
                    [](const Entry& a, const Entry& b) { return a.count > b.count; });
  return kept;
}

unsigned SplitEncoder::IndexOf(uint64_t high) const {
  unsigned index = 0;
  while (index < high_count_ && highs_[index] != high) ++index;
  return index;
}

uint8_t* SplitEncoder::Write(uint8_t* out) const {
  *out++ = static_cast<uint8_t>(low_bits_);
  out = PutVarint(out, high_count_);
  for (size_t i = 0; i < high_count_; ++i) out = PutVarint(out, highs_[i]);
  out = PutVarint(out, exceptions_.size());
  size_t expected = 0;
  for (const uint32_t position : exceptions_) {
    out = PutVarint(out, position - expected);
    out = PutVarint(out, std::bit_cast<uint64_t>(values_[position]) >> low_bits_);
    expected = position + 1;
  }
  out = PutPacked(out, values_.size(), IndexBits(high_count_),
                  [this](size_t i) { return uint64_t{indexes_[i]}; });
  const uint64_t mask = (uint64_t{1} << low_bits_) - 1;
  return PutPacked(out, values_.size(), low_bits_,
                   [this, mask](size_t i) { return std::bit_cast<uint64_t>(values_[i]) & mask; });
}

}  // namespace vigil::chunks
