// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/time_encoder.h"

#include <algorithm>
#include <cstdint>

#include "server/chunks/bytes.h"

namespace vigil::chunks {

TimeEncoding TimeEncoder::Plan(std::span<const TimestampMs> times) {
  count_ = times.size();
  encoding_ = TimeEncoding::kRegular;
  size_ = kMaxVarintBytes;
  dods_.clear();
  if (count_ < 2) return encoding_;
  const auto delta = [&times](size_t i) { return WrapSub(times[i], times[i - 1]); };
  first_delta_ = static_cast<uint64_t>(delta(1));
  bool regular = true;
  for (size_t i = 2; i < count_; ++i) {
    const int64_t dod = WrapSub(delta(i), delta(i - 1));
    regular = regular && dod == 0;
    dods_.push_back(dod);
  }
  if (regular) return encoding_;
  PlanRuns();
  PlanPacked();
  const bool packed = packed_size_ < runs_size_;
  encoding_ = packed ? TimeEncoding::kDodPacked : TimeEncoding::kDodRuns;
  size_ = packed ? packed_size_ : runs_size_;
  return encoding_;
}

void TimeEncoder::PlanRuns() {
  runs_size_ = VarintSize(first_delta_);
  uint64_t zeros = 0;
  for (const int64_t dod : dods_) {
    if (dod == 0) {
      ++zeros;
      continue;
    }
    runs_size_ += VarintSize(zeros) + VarintSize(ZigZag(dod));
    zeros = 0;
  }
  if (zeros > 0) runs_size_ += VarintSize(zeros);
}

void TimeEncoder::PlanPacked() {
  const auto [low, high] = std::minmax_element(dods_.begin(), dods_.end());
  base_ = *low;
  bits_ = BitWidth(static_cast<uint64_t>(WrapSub(*high, *low)));
  packed_size_ = bits_ > kMaxPackedBits ? SIZE_MAX
                                        : VarintSize(first_delta_) + VarintSize(ZigZag(base_)) + 1 +
                                              PackedSize(dods_.size(), bits_);
}

uint8_t* TimeEncoder::Write(uint8_t* out) const {
  if (count_ < 2) return out;
  out = PutVarint(out, first_delta_);
  if (encoding_ == TimeEncoding::kDodPacked) {
    out = PutZigZag(out, base_);
    *out++ = static_cast<uint8_t>(bits_);
    return PutPacked(out, dods_.size(), bits_,
                     [this](size_t i) { return static_cast<uint64_t>(WrapSub(dods_[i], base_)); });
  }
  if (encoding_ == TimeEncoding::kRegular) return out;
  uint64_t zeros = 0;
  for (const int64_t dod : dods_) {
    if (dod == 0) {
      ++zeros;
      continue;
    }
    out = PutVarint(out, zeros);
    out = PutZigZag(out, dod);
    zeros = 0;
  }
  if (zeros > 0) out = PutVarint(out, zeros);
  return out;
}

}  // namespace vigil::chunks
