// SPDX-License-Identifier: Apache-2.0
// See bit_writer.h.
#include "server/remote/bit_writer.h"

#include <algorithm>
#include <array>

namespace vigil::remote {
namespace {

constexpr std::array<unsigned, 7> kWidths = {3, 6, 9, 12, 18, 25, 56};

// So many ones and a zero; the widest form has no zero.
void WriteWidth(size_t index, BitWriter* bits) {
  const auto ones = static_cast<unsigned>(index + 1);
  if (index == kWidths.size()) {
    bits->Bits(0xff, ones);
  } else {
    bits->Bits((uint64_t{1} << (ones + 1)) - 2, ones + 1);
  }
}

}  // namespace

void BitWriter::VarbitInt(int64_t value) {
  if (value == 0) return Bit(false);
  size_t i = 0;
  while (i < kWidths.size() && !FitsSigned(value, kWidths[i])) ++i;
  WriteWidth(i, this);
  Bits(static_cast<uint64_t>(value), i < kWidths.size() ? kWidths[i] : 64);
}

void BitWriter::VarbitUint(uint64_t value) {
  if (value == 0) return Bit(false);
  size_t i = 0;
  while (i < kWidths.size() && value >= uint64_t{1} << kWidths[i]) ++i;
  WriteWidth(i, this);
  Bits(value, i < kWidths.size() ? kWidths[i] : 64);
}

void XorColumn::Next(double value, BitWriter* bits) {
  const uint64_t now = std::bit_cast<uint64_t>(value);
  const uint64_t changed = now ^ last_;
  last_ = now;
  bits->Bit(changed != 0);
  if (changed == 0) return;
  // Five bits hold the count of leading zeros.
  const unsigned leading = std::min(static_cast<unsigned>(std::countl_zero(changed)), 31U);
  const auto trailing = static_cast<unsigned>(std::countr_zero(changed));
  const bool fits = leading_ != kNoWindow && leading >= leading_ && trailing >= trailing_;
  bits->Bit(!fits);
  if (!fits) {
    leading_ = leading;
    trailing_ = trailing;
    bits->Bits(leading, 5);
    bits->Bits(64 - leading - trailing, 6);  // 64 is written as 0
  }
  bits->Bits(changed >> trailing_, 64 - leading_ - trailing_);
}

}  // namespace vigil::remote
