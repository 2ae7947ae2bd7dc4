// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/value_encoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "server/chunks/bytes.h"

namespace vigil::chunks {
namespace {

// Longer integer columns are always written as blocks, which give nothing away then.
constexpr size_t kShortColumn = 32;
// Columns that take fewer bytes for a value are not tried as noise.
constexpr size_t kSplitPays = 5;

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
  const size_t decimals = LooksDecimal() ? ScaleToIntegers() : 0;
  if (2 * decimals >= values.size()) PlanDecimals();
  if (8 * decimals < 7 * values.size()) PlanNoise();
  return encoding_;
}

void ValueEncoder::Consider(ValueEncoding encoding, size_t size) {
  if (size >= size_) return;
  encoding_ = encoding;
  size_ = size;
}

void ValueEncoder::PlanDecimals() {
  if (values_.size() <= kShortColumn) {
    for_plan_ = PlanInts(integers_, UsualItem(integers_), 0);
    Consider(ValueEncoding::kIntFor, for_plan_.size);
    if (decimal_[0] != 0) {
      deltas_.resize(values_.size() - 1);
      for (size_t i = 1; i < values_.size(); ++i) deltas_[i - 1] = integers_[i] - integers_[i - 1];
      delta_plan_ = PlanInts(deltas_, UsualItem(deltas_), 1);
      // The first integer stands before the rest.
      delta_plan_.size += VarintSize(ZigZag(integers_[0]));
      Consider(ValueEncoding::kIntDelta, delta_plan_.size);
    }
  }
  DecimalsToColumn();
  if (4 * column_.specials.size() <= values_.size() && blocks_.Plan(column_, values_, size_)) {
    Consider(ValueEncoding::kBlocks, blocks_.bytes().size());
  }
}

void ValueEncoder::PlanNoise() {
  // XOR costs a byte per value at the very least.
  if (size_ > values_.size() + 8) {
    MeasureXor();
    Consider(ValueEncoding::kXor, xor_size_);
  }
  const double divisor = FindDivisor(values_);
  if (divisor != 0 && MakeIntegers(values_, divisor, &column_) &&
      blocks_.Plan(column_, values_, size_)) {
    Consider(ValueEncoding::kBlocks, blocks_.bytes().size());
  }
  if (size_ > kSplitPays * values_.size()) Consider(ValueEncoding::kSplit, split_.Plan(values_));
}

bool ValueEncoder::LooksDecimal() const {
  constexpr size_t kSamples = 16;
  const size_t step = values_.size() / kSamples + 1;
  size_t looked = 0;
  size_t decimals = 0;
  for (size_t i = 0; i < values_.size(); i += step, ++looked) {
    Decimal decimal;
    decimals += ToDecimal(values_[i], &decimal) ? 1 : 0;
  }
  return 3 * decimals >= looked;
}

void ValueEncoder::DecimalsToColumn() {
  column_.Clear();
  column_.divisor = kPowersOfTen[exponent_];
  uint64_t all = 0;
  for (size_t i = 0; i < integers_.size(); ++i) {
    if (decimal_[i] == 0) {
      column_.specials.push_back(static_cast<uint32_t>(i));
    } else {
      all |= static_cast<uint64_t>(integers_[i]);
    }
  }
  // Bytes are multiples of the page size: what is common goes into the divisor, exactly.
  const int zeros = all == 0 ? 0 : std::countr_zero(all);
  column_.divisor = std::ldexp(column_.divisor, -zeros);
  column_.integers.resize(integers_.size());
  for (size_t i = 0; i < integers_.size(); ++i) column_.integers[i] = integers_[i] >> zeros;
  column_.SmoothSpecials();
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

size_t ValueEncoder::ScaleToIntegers() {
  const size_t count = values_.size();
  integers_.resize(count);
  decimal_.resize(count);
  exponent_ = 0;
  size_t decimals = 0;
  for (size_t i = 0; i < count; ++i) {
    decimal_[i] = AddInteger(i) ? 1 : 0;
    decimals += decimal_[i];
    if (decimal_[i] == 0) integers_[i] = i == 0 ? 0 : integers_[i - 1];
  }
  return decimals;
}

bool ValueEncoder::AddInteger(size_t position) {
  // Most values have the digits of those before.
  const double value = values_[position];
  if (ToDecimalWith(value, exponent_, &integers_[position])) return true;
  Decimal decimal;
  if (!ToDecimal(value, &decimal)) return false;
  constexpr auto kLimit = static_cast<int64_t>(kExactLimit);
  if (decimal.exponent <= exponent_) {
    const int64_t power = kIntPowersOfTen[exponent_ - decimal.exponent];
    if (std::abs(decimal.mantissa) >= kLimit / power) return false;
    integers_[position] = decimal.mantissa * power;
    return true;
  }
  // More digits: those before are scaled up, unless one of them would become too large.
  const int64_t power = kIntPowersOfTen[decimal.exponent - exponent_];
  for (size_t i = 0; i < position; ++i) {
    if (std::abs(integers_[i]) >= kLimit / power) return false;
  }
  for (size_t i = 0; i < position; ++i) integers_[i] *= power;
  exponent_ = decimal.exponent;
  integers_[position] = decimal.mantissa;
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
  constexpr size_t kOutlierBits = 8 * 6;  // a typical one
  size_t outliers = 0;
  size_t best_cost = SIZE_MAX;
  unsigned best_cut = 64;
  unsigned widest = 64;
  while (widest > 0 && histogram[widest] == 0) --widest;
  for (unsigned cut = widest;; --cut) {
    const size_t cost = items.size() * cut + outliers * kOutlierBits;
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
    case ValueEncoding::kBlocks:
      return std::copy(blocks_.bytes().begin(), blocks_.bytes().end(), out);
    case ValueEncoding::kSplit:
      return split_.Write(out);
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
