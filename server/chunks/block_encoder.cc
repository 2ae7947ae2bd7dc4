// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/block_encoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "client-lib/base/result.h"
#include "client-lib/model/sample.h"
#include "server/chunks/bytes.h"

namespace vigil::chunks {
namespace {

constexpr size_t kBlockLength = 128;
// About what a block costs beside its items, and a patch.
constexpr size_t kBlockBits = 8 * 5;
constexpr size_t kSlopeBits = 8 * 3;
constexpr size_t kPatchBits = 8 * 3;
// A range so many times the mean distance from the middle comes from outliers.
constexpr uint64_t kOutlierShare = 5;
// The part of the bytes that digits must save at least.
constexpr size_t kDigitsPay = 32;
// Slopes are scaled by 2^16; beyond, i * slope would not fit.
constexpr unsigned kSlopeShift = 16;
constexpr double kMaxSlope = 1073741824.0;
// In the place of a slope: that of each block.
constexpr int64_t kOwnSlopes = INT64_MAX;

int64_t Trend(int64_t slope, size_t i) { return (static_cast<int64_t>(i) * slope) >> kSlopeShift; }

int64_t ScaledSlope(double slope) {
  if (!(std::fabs(slope) < kMaxSlope)) return 0;
  return static_cast<int64_t>(std::nearbyint(slope * (1 << kSlopeShift)));
}

// The slope of the line with the least squares.
int64_t SlopeOf(std::span<const int64_t> integers) {
  const size_t count = integers.size();
  const double middle = static_cast<double>(count - 1) / 2;
  const int64_t origin = integers[0];
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    sum += (static_cast<double>(i) - middle) * static_cast<double>(integers[i] - origin);
  }
  const auto n = static_cast<double>(count);
  const double squares = n * (n * n - 1) / 12;
  return ScaledSlope(squares == 0 ? 0 : sum / squares);
}

size_t FormBytes(size_t count, const DigitForm& form) {
  if (form.radix == 0) return PackedSize(count, form.low_bits);
  const bool long_width = form.low_bits >= kLongDigitWidth - kDigitWidths;
  return (long_width ? 2 : 1) + DigitsSize(count, form);
}

unsigned DigitWidthOf(const DigitForm& form) {
  return std::min<unsigned>(kDigitWidths + form.low_bits, kLongDigitWidth);
}

// Where a window has it, 0 below its patch.
uint64_t ItemOf(int64_t offset, const DigitForm& form) {
  const auto item = static_cast<uint64_t>(offset);
  return item < form.range() ? item : item & ((uint64_t{1} << form.low_bits) - 1);
}

// What is left for a patch.
int64_t HighOf(int64_t offset, const DigitForm& form) {
  return static_cast<uint64_t>(offset) < form.range() ? 0 : offset >> form.low_bits;
}

unsigned RangeBits(int64_t low, int64_t high) {
  return BitWidth(static_cast<uint64_t>(WrapSub(high, low)));
}

unsigned Distance(int64_t item, int64_t middle) {
  const int64_t difference = WrapSub(item, middle);
  return BitWidth(static_cast<uint64_t>(difference ^ (difference >> 63)));
}

}  // namespace

bool BlockEncoder::Plan(const IntegerColumn& column, std::span<const double> values, size_t limit) {
  column_ = &column;
  values_ = values;
  Candidate best;
  Candidate second;
  const auto consider = [&](BlockMode mode, size_t length, size_t bits) {
    const Candidate candidate{mode, length, bits};
    if (candidate.estimate < best.estimate) {
      second = std::exchange(best, candidate);
    } else if (candidate.estimate < second.estimate) {
      second = candidate;
    }
  };
  for (const BlockMode mode : {BlockMode::kDelta, BlockMode::kPlain, BlockMode::kLinear}) {
    MeasureRanges(mode, mode == BlockMode::kLinear ? SlopeOf(column.integers) : 0);
    consider(mode, values.size(), EstimateWhole(mode));
    if (values.size() <= kBlockLength) continue;
    if (mode == BlockMode::kLinear) MeasureRanges(mode, kOwnSlopes);
    consider(mode, kBlockLength, EstimateBlocks(mode));
  }
  // The estimate does not see what patches save, so the second best has its chance, too.
  bool found = false;
  for (const Candidate& candidate : {best, second}) {
    if (found && candidate.estimate / 8 > limit + limit / 8) break;
    if (!Write(candidate.mode, candidate.length, limit)) continue;
    best_.swap(out_);
    limit = best_.size();
    found = true;
  }
  return found;
}

void BlockEncoder::MeasureRanges(BlockMode mode, int64_t slope) {
  ranges_.clear();
  const std::span<const int64_t> integers(column_->integers);
  // All but the first delta of a block, as it is packed.
  const size_t lag = mode == BlockMode::kDelta ? 1 : 0;
  for (size_t from = 0; from < integers.size(); from += kBlockLength) {
    const std::span<const int64_t> block =
        integers.subspan(from, std::min(kBlockLength, integers.size() - from));
    Range range;
    const auto add = [&range](int64_t item) { range.Add(item); };
    if (mode == BlockMode::kDelta) {
      for (size_t i = 1; i < block.size(); ++i) add(block[i] - block[i - 1]);
    } else if (mode == BlockMode::kPlain) {
      for (const int64_t item : block) add(item);
    } else {
      const bool own = slope == kOwnSlopes;
      const int64_t used = own ? SlopeOf(block) : slope;
      const size_t first = own ? 0 : from;
      for (size_t i = 0; i < block.size(); ++i) add(block[i] - Trend(used, first + i));
    }
    if (block.size() > lag) ranges_.push_back(range);
  }
}

size_t BlockEncoder::ItemBits(size_t count, int64_t low, int64_t high) const {
  if (low >= high) return 0;
  const size_t plain = count * RangeBits(low, high);
  if (packing_ == Packing::kFast) return plain;
  const DigitForm form = FormOf(static_cast<uint64_t>(WrapSub(high, low)) + 1);
  if (form.radix == 0) return plain;
  return count * form.low_bits + count * DigitWordBits(form.radix) / kDigitGroup;
}

size_t BlockEncoder::EstimateBlocks(BlockMode mode) const {
  size_t bits = 0;
  for (const Range& range : ranges_) {
    bits += kBlockBits + (mode == BlockMode::kPlain ? 0 : kSlopeBits) +
            std::min(ItemBits(kBlockLength, range.low, range.high),
                     ItemBits(kBlockLength, range.inner_low, range.inner_high) + 2 * kPatchBits);
  }
  return bits;
}

size_t BlockEncoder::EstimateWhole(BlockMode mode) {
  const size_t fixed = kBlockBits + (mode == BlockMode::kPlain ? 0 : kSlopeBits);
  if (ranges_.empty()) return fixed;
  int64_t inner_low = INT64_MAX;
  int64_t inner_high = INT64_MIN;
  for (const Range& range : ranges_) {
    inner_low = std::min(inner_low, range.inner_low);
    inner_high = std::max(inner_high, range.inner_high);
  }
  const size_t inner =
      ItemBits(values_.size(), inner_low, inner_high) + 2 * ranges_.size() * kPatchBits;
  // The outermost blocks may be so because of a few items, which are patches then.
  const size_t left_out = ranges_.size() / 10;
  const auto at = static_cast<ptrdiff_t>(left_out);
  std::nth_element(ranges_.begin(), ranges_.begin() + at, ranges_.end(),
                   [](const Range& a, const Range& b) { return a.low < b.low; });
  const int64_t low = ranges_[left_out].low;
  std::nth_element(ranges_.begin(), ranges_.begin() + at, ranges_.end(),
                   [](const Range& a, const Range& b) { return a.high > b.high; });
  const int64_t high = ranges_[left_out].high;
  return fixed + std::min(inner, ItemBits(values_.size(), low, std::max(low, high)));
}

void BlockEncoder::MakeItems(BlockMode mode, int64_t slope, size_t from, size_t count) {
  const std::span<const int64_t> integers = std::span(column_->integers).subspan(from, count);
  if (mode == BlockMode::kPlain) {
    items_.assign(integers.begin(), integers.end());
    return;
  }
  if (mode == BlockMode::kDelta) {
    items_.resize(count - 1);
    for (size_t i = 1; i < count; ++i) items_[i - 1] = integers[i] - integers[i - 1];
    return;
  }
  items_.resize(count);
  for (size_t i = 0; i < count; ++i) items_[i] = integers[i] - Trend(slope, i);
}

void BlockEncoder::Narrow(size_t from, size_t count, int64_t* slope, Window* window) {
  const int64_t other_slope =
      ScaledSlope(band_.Slope(std::span(column_->integers).subspan(from, count)));
  MakeItems(BlockMode::kLinear, other_slope, from, count);
  const Window other = ChooseWindow();
  if (SizeOf(other) < SizeOf(*window)) {
    *slope = other_slope;
    *window = other;
  } else {
    MakeItems(BlockMode::kLinear, *slope, from, count);
  }
}

size_t BlockEncoder::SizeOf(const Window& window) const {
  return FormBytes(items_.size(), window.form) + window.patch_bytes;
}

BlockEncoder::Window BlockEncoder::Measure(int64_t low, const DigitForm& form) const {
  Window window{low, form, 0, 0};
  size_t expected = 0;
  for (size_t i = 0; i < items_.size(); ++i) {
    const int64_t high = HighOf(WrapSub(items_[i], low), form);
    if (high == 0) continue;
    ++window.patches;
    window.patch_bytes += VarintSize(i - expected) + VarintSize(ZigZag(high));
    expected = i + 1;
  }
  if (window.patches > 0) window.patch_bytes += VarintSize(window.patches);
  return window;
}

// The number of bits from the middle beyond which items are better patches; `range` when none are.
unsigned BlockEncoder::ChooseCut(int64_t middle, unsigned range) const {
  std::array<size_t, 65> widths{};
  for (const int64_t item : items_) ++widths[Distance(item, middle)];
  size_t beyond = 0;
  unsigned best_cut = range;
  size_t best_cost = items_.size() * range;
  for (unsigned cut = 64; cut-- > 0;) {
    beyond += widths[cut + 1];
    if (cut >= range) continue;
    const size_t cost = items_.size() * (cut + (cut > 0 ? 1 : 0)) + beyond * kPatchBits;
    if (cost >= best_cost) continue;
    best_cost = cost;
    best_cut = cut;
  }
  return best_cut;
}

BlockEncoder::Window BlockEncoder::ChooseWindow() const {
  if (items_.empty()) return {};
  const size_t count = items_.size();
  const int64_t middle = UsualItem(items_);
  int64_t low = items_[0];
  int64_t high = items_[0];
  uint64_t distances = 0;
  for (const int64_t item : items_) {
    low = std::min(low, item);
    high = std::max(high, item);
    distances += static_cast<uint64_t>(std::abs(item - middle));
  }
  const unsigned range = RangeBits(low, high);
  CHECK(range <= kMaxPackedBits);  // integers are below 2^53
  Window best{low, {0, range}, 0, 0};
  size_t best_size = PackedSize(count, range);
  const auto consider = [&](int64_t from, const DigitForm& form) {
    // Digits take longer to read: they must save something.
    const size_t limit = form.radix == 0 ? best_size : best_size - best_size / kDigitsPay;
    if (FormBytes(count, form) >= limit) return;
    const Window window = Measure(from, form);
    const size_t size = SizeOf(window);
    if (size >= limit) return;
    best = window;
    best_size = size;
  };
  const auto consider_digits = [&](int64_t from, int64_t to) {
    if (packing_ == Packing::kFast) return;
    const DigitForm form = FormOf(static_cast<uint64_t>(WrapSub(to, from)) + 1);
    if (form.radix != 0) consider(from, form);
  };
  // Where items keep together there are no outliers to look for.
  const bool spread = static_cast<uint64_t>(high - low) / kOutlierShare <= distances / count;
  const unsigned cut = spread ? range : ChooseCut(middle, range);
  if (cut < range) {
    int64_t inner_low = middle;
    int64_t inner_high = middle;
    for (const int64_t item : items_) {
      if (Distance(item, middle) > cut) continue;
      inner_low = std::min(inner_low, item);
      inner_high = std::max(inner_high, item);
    }
    consider(inner_low, {0, RangeBits(inner_low, inner_high)});
    consider_digits(inner_low, inner_high);
  }
  // A range just above a power of two: a few items at one end as patches save a bit of all.
  if (range >= 2) {
    const int64_t half = int64_t{1} << (range - 1);
    size_t above = 0;
    size_t below = 0;
    for (const int64_t item : items_) {
      above += item - low >= half ? 1 : 0;
      below += high - item >= half ? 1 : 0;
    }
    if (above * kPatchBits < count) consider(low, {0, range - 1});
    if (below * kPatchBits < count) consider(high - half + 1, {0, range - 1});
  }
  consider_digits(low, high);
  return best;
}

bool BlockEncoder::Write(BlockMode mode, size_t length, size_t limit) {
  const bool corrected = !column_->corrections.empty();
  out_.assign(1 + kMaxNumberBytes + kMaxVarintBytes + kSlack, '\0');
  auto* const start = reinterpret_cast<uint8_t*>(out_.data());
  uint8_t* out = start;
  *out++ = static_cast<uint8_t>(static_cast<unsigned>(mode) | (corrected ? kBlockCorrections : 0U));
  out = PutNumber(out, column_->divisor);
  out = PutVarint(out, length);
  out_.resize(static_cast<size_t>(out - start));
  base_ = 0;
  next_special_ = 0;
  for (size_t from = 0; from < values_.size(); from += length) {
    WriteBlock(mode, from, std::min(length, values_.size() - from));
    if (out_.size() >= limit) return false;
  }
  return true;
}

void BlockEncoder::WriteBlock(BlockMode mode, size_t from, size_t count) {
  int64_t slope =
      mode == BlockMode::kLinear ? SlopeOf(std::span(column_->integers).subspan(from, count)) : 0;
  MakeItems(mode, slope, from, count);
  Window window = ChooseWindow();
  if (mode == BlockMode::kLinear && packing_ == Packing::kDense && count >= 2) {
    Narrow(from, count, &slope, &window);
  }
  const std::vector<uint32_t>& specials = column_->specials;
  const size_t first_special = next_special_;
  while (next_special_ < specials.size() && specials[next_special_] < from + count) ++next_special_;
  const size_t special_count = next_special_ - first_special;
  const size_t before = out_.size();
  const size_t most = 6 * kMaxVarintBytes + 2 + window.patch_bytes +
                      special_count * (kMaxVarintBytes + kMaxNumberBytes) +
                      FormBytes(items_.size(), window.form) +
                      (column_->corrections.empty() ? 0 : count * 8);
  out_.resize(before + most + 2 * kSlack);
  auto* const start = reinterpret_cast<uint8_t*>(out_.data());
  uint8_t* out = start + before;
  const int64_t base = mode == BlockMode::kDelta ? column_->integers[from] : window.low;
  out = PutZigZag(out, WrapSub(base, base_));
  base_ = base;
  if (mode != BlockMode::kPlain)
    out = PutZigZag(out, mode == BlockMode::kDelta ? window.low : slope);
  const unsigned width = window.form.radix == 0 ? window.form.low_bits : DigitWidthOf(window.form);
  *out++ = static_cast<uint8_t>(width | (window.patches > 0 ? kBlockPatches : 0U) |
                                (special_count > 0 ? kBlockSpecials : 0U));
  if (window.form.radix != 0) {
    *out++ = static_cast<uint8_t>(window.form.radix);
    if (width == kLongDigitWidth) *out++ = static_cast<uint8_t>(window.form.low_bits);
  }
  if (window.patches > 0) out = PutPatches(out, window, mode == BlockMode::kDelta ? 1 : 0);
  if (special_count > 0) {
    out = PutSpecials(out, from, first_special, next_special_);
    std::memset(out, 0, kSlack);  // behind a number stored as a whole word
  }
  out = PutItems(out, window);
  if (!column_->corrections.empty()) out = PutCorrections(out, from, count);
  out_.resize(static_cast<size_t>(out - start));
}

uint8_t* BlockEncoder::PutItems(uint8_t* out, const Window& window) const {
  const auto item = [&](size_t i) { return ItemOf(WrapSub(items_[i], window.low), window.form); };
  return window.form.radix == 0 ? PutPacked(out, items_.size(), window.form.low_bits, item)
                                : PutDigits(out, items_.size(), window.form, item);
}

uint8_t* BlockEncoder::PutPatches(uint8_t* out, const Window& window, size_t first_position) const {
  out = PutVarint(out, window.patches);
  size_t expected = 0;
  for (size_t i = 0; i < items_.size(); ++i) {
    const int64_t high = HighOf(WrapSub(items_[i], window.low), window.form);
    if (high == 0) continue;
    const size_t position = i + first_position;
    out = PutVarint(out, position - expected);
    out = PutZigZag(out, high);
    expected = position + 1;
  }
  return out;
}

uint8_t* BlockEncoder::PutSpecials(uint8_t* out, size_t from, size_t begin, size_t end) const {
  out = PutVarint(out, end - begin);
  size_t expected = from;
  for (size_t i = begin; i < end; ++i) {
    const size_t position = column_->specials[i];
    out = PutVarint(out, position - expected);
    expected = position + 1;
    if (IsStaleNaN(values_[position])) {
      *out++ = kStaleSpecial;
    } else {
      out = PutNumber(out, values_[position]);
    }
  }
  return out;
}

uint8_t* BlockEncoder::PutCorrections(uint8_t* out, size_t from, size_t count) const {
  const std::span<const int64_t> corrections = std::span(column_->corrections).subspan(from, count);
  const auto [low, high] = std::minmax_element(corrections.begin(), corrections.end());
  const int64_t base = *low;
  const unsigned bits = RangeBits(base, *high);
  out = PutZigZag(out, base);
  *out++ = static_cast<uint8_t>(bits);
  return PutPacked(out, count, bits,
                   [&](size_t i) { return static_cast<uint64_t>(corrections[i] - base); });
}

}  // namespace vigil::chunks
