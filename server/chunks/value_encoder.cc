// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/value_encoder.h"

#include <algorithm>
#include <array>
#include <bit>

#include "server/chunks/bytes.h"

namespace vigil::chunks {
namespace {

uint64_t BitsOf(double value) { return std::bit_cast<uint64_t>(value); }

// The control byte and width of one XOR step.
struct XorStep {
  unsigned leading;
  unsigned bytes;
};

XorStep StepOf(uint64_t x) {
  const unsigned leading = static_cast<unsigned>(std::countl_zero(x)) / 8;
  const unsigned trailing = static_cast<unsigned>(std::countr_zero(x)) / 8;
  return {leading, 8 - leading - trailing};
}

// How far an item is from the middle, as a number of bits.
unsigned Distance(int64_t item, int64_t middle) {
  const int64_t difference = WrapSub(item, middle);
  return BitWidth(static_cast<uint64_t>(difference ^ (difference >> 63)));
}

}  // namespace

ValueEncoding ValueEncoder::Plan(std::span<const double> values) {
  values_ = values;
  MeasureRuns();
  if (runs_ == 1) {
    encoding_ = ValueEncoding::kConst;
    size_ = kMaxNumberBytes;
    return encoding_;
  }
  encoding_ = ValueEncoding::kRuns;
  size_ = runs_size_;
  const auto consider = [this](ValueEncoding encoding, size_t size) {
    if (size >= size_) return;
    encoding_ = encoding;
    size_ = size;
  };
  if (ScaleToIntegers()) {
    for_plan_ = PlanInts(integers_, integers_[integers_.size() / 2], 0);
    consider(ValueEncoding::kIntFor, for_plan_.size);
    if (decimal_[0] != 0) {
      delta_plan_ = PlanInts(deltas_, deltas_[deltas_.size() / 2], 1);
      // The first integer stands before the rest.
      delta_plan_.size += VarintSize(ZigZag(integers_[0]));
      consider(ValueEncoding::kIntDelta, delta_plan_.size);
    }
  }
  // XOR costs a byte per value at the very least.
  if (size_ > values.size() + 8) {
    MeasureXor();
    consider(ValueEncoding::kXor, xor_size_);
  }
  return encoding_;
}

void ValueEncoder::MeasureRuns() {
  runs_ = 0;
  runs_size_ = 0;
  for (size_t i = 0; i < values_.size();) {
    size_t end = i + 1;
    while (end < values_.size() && BitsOf(values_[end]) == BitsOf(values_[i])) ++end;
    ++runs_;
    // Many short runs never win: the estimate is then enough.
    const bool exact = runs_ <= 64;
    runs_size_ += VarintSize(end - i) + (exact ? NumberSize(values_[i]) : kMaxNumberBytes);
    i = end;
  }
}

void ValueEncoder::MeasureXor() {
  xor_size_ = 8;
  size_t zeros = 0;
  for (size_t i = 1; i < values_.size(); ++i) {
    const uint64_t x = BitsOf(values_[i]) ^ BitsOf(values_[i - 1]);
    if (x == 0) {
      if (zeros++ % 16 == 0) ++xor_size_;
      continue;
    }
    zeros = 0;
    xor_size_ += 1 + StepOf(x).bytes;
  }
}

bool ValueEncoder::ScaleToIntegers() {
  const size_t count = values_.size();
  integers_.resize(count);
  decimal_.resize(count);
  exponents_.resize(count);
  exponent_ = 0;
  bool any = false;
  for (size_t i = 0; i < count; ++i) {
    Decimal decimal;
    const bool is = ToDecimal(values_[i], &decimal);
    decimal_[i] = is ? 1 : 0;
    integers_[i] = decimal.mantissa;
    exponents_[i] = static_cast<uint8_t>(decimal.exponent);
    exponent_ = std::max(exponent_, decimal.exponent);
    any = any || is;
  }
  if (!any) return false;
  constexpr auto kLimit = static_cast<int64_t>(kExactLimit);
  int64_t before = 0;
  deltas_.clear();
  for (size_t i = 0; i < count; ++i) {
    if (decimal_[i] != 0) {
      const int64_t power = kIntPowersOfTen[exponent_ - exponents_[i]];
      if (std::abs(integers_[i]) < kLimit / power) {
        integers_[i] *= power;
      } else {
        decimal_[i] = 0;
      }
    }
    if (decimal_[i] == 0) integers_[i] = before;
    if (i > 0) deltas_.push_back(integers_[i] - before);
    before = integers_[i];
  }
  return true;
}

size_t ValueEncoder::ExceptionSize(size_t position) const {
  return decimal_[position] != 0 ? DecimalSize(integers_[position]) : RawSize(values_[position]);
}

ValueEncoder::IntPlan ValueEncoder::PlanInts(std::span<const int64_t> items, int64_t middle,
                                             size_t first_position) const {
  // How many items need how many bits, to see where cutting outliers off pays.
  std::array<size_t, 65> histogram{};
  for (size_t i = 0; i < items.size(); ++i) {
    if (decimal_[i + first_position] != 0) ++histogram[Distance(items[i], middle)];
  }
  constexpr size_t kExceptionBits = 8 * 6;  // a typical one
  size_t outliers = 0;
  size_t best_cost = SIZE_MAX;
  unsigned best_cut = 64;
  unsigned widest = 64;
  while (widest > 0 && histogram[widest] == 0) --widest;
  for (unsigned cut = widest;; --cut) {
    const size_t cost = items.size() * cut + outliers * kExceptionBits;
    if (cost < best_cost) {
      best_cost = cost;
      best_cut = cut;
    }
    outliers += histogram[cut];
    if (cut == 0) break;
  }
  const IntPlan all = Fit(items, middle, widest, first_position);
  if (best_cut == widest) return all;
  const IntPlan cut = Fit(items, middle, best_cut, first_position);
  return cut.size < all.size ? cut : all;
}

ValueEncoder::IntPlan ValueEncoder::Fit(std::span<const int64_t> items, int64_t middle,
                                        unsigned cut, size_t first_position) const {
  IntPlan plan;
  plan.low = INT64_MAX;
  plan.high = INT64_MIN;
  size_t exception_bytes = 0;
  size_t expected = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    if (decimal_[i + first_position] != 0 && Distance(items[i], middle) <= cut) {
      plan.low = std::min(plan.low, items[i]);
      plan.high = std::max(plan.high, items[i]);
      continue;
    }
    ++plan.exceptions;
    const size_t position = i + first_position;
    exception_bytes += VarintSize(position - expected) + ExceptionSize(position);
    expected = position + 1;
  }
  const bool none = plan.low > plan.high;  // then nothing fits, and [low, high] says so
  plan.base = none ? 0 : plan.low;
  plan.bits = none ? 0 : BitWidth(static_cast<uint64_t>(WrapSub(plan.high, plan.low)));
  // Integers are below 2^53, so differences of deltas need at most 55 bits.
  CHECK(plan.bits <= kMaxPackedBits);
  plan.size = 2 + VarintSize(ZigZag(plan.base)) + VarintSize(plan.exceptions) + exception_bytes +
              PackedSize(items.size(), plan.bits);
  return plan;
}

uint8_t* ValueEncoder::Write(uint8_t* out) const {
  switch (encoding_) {
    case ValueEncoding::kConst:
      return PutNumber(out, values_[0]);
    case ValueEncoding::kIntFor:
      *out++ = static_cast<uint8_t>(exponent_);
      return WriteInts(out, for_plan_, integers_, 0);
    case ValueEncoding::kIntDelta:
      *out++ = static_cast<uint8_t>(exponent_);
      out = PutZigZag(out, integers_[0]);
      return WriteInts(out, delta_plan_, deltas_, 1);
    case ValueEncoding::kXor:
      return WriteXor(out);
    case ValueEncoding::kRuns:
      return WriteRuns(out);
    case ValueEncoding::kHistograms:  // never planned
      break;
  }
  CHECK(false);
  return out;
}

uint8_t* ValueEncoder::WriteInts(uint8_t* out, const IntPlan& plan, std::span<const int64_t> items,
                                 size_t first_position) const {
  out = PutZigZag(out, plan.base);
  *out++ = static_cast<uint8_t>(plan.bits);
  out = PutVarint(out, plan.exceptions);
  size_t expected = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    const size_t position = i + first_position;
    if (Fits(plan, items[i], position)) continue;
    out = PutVarint(out, position - expected);
    out = decimal_[position] != 0 ? PutDecimal(out, integers_[position], exponent_)
                                  : PutRaw(out, values_[position]);
    expected = position + 1;
  }
  // A raw number is stored as a whole word: what lies behind it must be zero for packing.
  std::fill_n(out, kSlack, uint8_t{0});
  return PutPacked(out, items.size(), plan.bits, [&](size_t i) {
    return Fits(plan, items[i], i + first_position)
               ? static_cast<uint64_t>(WrapSub(items[i], plan.base))
               : 0;
  });
}

uint8_t* ValueEncoder::WriteXor(uint8_t* out) const {
  out = PutWord(out, BitsOf(values_[0]), 8);
  unsigned zeros = 0;
  for (size_t i = 1; i < values_.size(); ++i) {
    const uint64_t x = BitsOf(values_[i]) ^ BitsOf(values_[i - 1]);
    if (x == 0) {
      if (zeros > 0) {
        out[-1] = static_cast<uint8_t>(zeros << 4);
      } else {
        *out++ = 0;
      }
      zeros = (zeros + 1) % 16;
      continue;
    }
    zeros = 0;
    const XorStep step = StepOf(x);
    *out++ = static_cast<uint8_t>(step.leading << 4 | step.bytes);
    out = PutWord(out, x >> (8 * (8 - step.leading - step.bytes)), step.bytes);
  }
  return out;
}

uint8_t* ValueEncoder::WriteRuns(uint8_t* out) const {
  for (size_t i = 0; i < values_.size();) {
    size_t end = i + 1;
    while (end < values_.size() && BitsOf(values_[end]) == BitsOf(values_[i])) ++end;
    out = PutVarint(out, end - i);
    out = PutNumber(out, values_[i]);
    i = end;
  }
  return out;
}

}  // namespace vigil::chunks
