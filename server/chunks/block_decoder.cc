// SPDX-License-Identifier: Apache-2.0
// Reads value encoding 6.
#include <algorithm>
#include <bit>
#include <cmath>

#include "client-lib/model/sample.h"
#include "server/chunks/block_encoder.h"
#include "server/chunks/chunk_decoder.h"
#include "server/chunks/digits.h"
#include "server/chunks/packing.h"

namespace vigil::chunks {
namespace {

struct ColumnHeader {
  BlockMode mode = BlockMode::kPlain;
  bool corrected = false;
  double divisor = 1;
  size_t length = 0;
};

struct Correction {
  int64_t base = 0;
  PackedItems items;
};

// Where the parts of a block lie.
struct Block {
  int64_t base = 0;
  int64_t slope = 0;  // or step
  uint64_t patch_count = 0;
  uint64_t special_count = 0;
  ByteReader patches{{}};
  ByteReader specials{{}};
  DigitItems items;
  Correction correction;
};

bool ReadColumnHeader(ByteReader* reader, ColumnHeader* header) {
  uint8_t flags = 0;
  Number divisor;
  uint64_t length = 0;
  if (!reader->Byte(&flags) || !reader->ReadNumber(&divisor) || !reader->Varint(&length)) {
    return false;
  }
  const unsigned mode = flags & kBlockModeBits;
  if (mode > 2 || (flags & ~(kBlockModeBits | kBlockCorrections)) != 0) return false;
  if (!(divisor.value > 0) || !std::isfinite(divisor.value)) return false;
  if (length == 0 || length > kMaxChunkSamples) return false;
  header->mode = static_cast<BlockMode>(mode);
  header->corrected = (flags & kBlockCorrections) != 0;
  header->divisor = divisor.value;
  header->length = length;
  return true;
}

bool ReadItems(ByteReader* reader, size_t count, unsigned bits, PackedItems* items) {
  items->bits = bits;
  items->size = PackedSize(count, bits);
  return bits <= kMaxPackedBits && reader->Bytes(items->size, &items->data);
}

// Reads what follows the control byte: how the items are packed.
bool ReadForm(ByteReader* reader, unsigned width, DigitForm* form) {
  *form = {0, width};
  if (width < kDigitWidths) return true;
  uint8_t radix = 0;
  uint8_t low_bits = static_cast<uint8_t>(width - kDigitWidths);
  if (!reader->Byte(&radix) || (width == kLongDigitWidth && !reader->Byte(&low_bits))) return false;
  *form = {radix, low_bits};
  return radix >= kLeastRadix && radix <= kMostRadix && low_bits <= kMostLowBits;
}

bool ReadBlockItems(ByteReader* reader, size_t count, DigitItems* items) {
  if (!ReadItems(reader, count, items->form.low_bits, &items->lows)) return false;
  if (items->form.radix == 0) return true;
  return ReadItems(reader, (count + kDigitGroup - 1) / kDigitGroup,
                   DigitWordBits(items->form.radix), &items->words);
}

void UnpackItems(const DigitItems& items, size_t first, size_t count, uint64_t* out) {
  if (items.form.radix == 0) return Unpack(items.lows, first, count, out);
  UnpackDigits(items, first, count, out);
}

// Reads the next position of a list.
bool NextPosition(ByteReader* reader, size_t count, size_t* next) {
  uint64_t gap = 0;
  if (!reader->Varint(&gap) || *next >= count || gap >= count - *next) return false;
  *next += gap + 1;
  return true;
}

bool SkipPatches(ByteReader* reader, uint64_t left, size_t count, bool from_one) {
  size_t next = 0;
  int64_t high = 0;
  for (; left > 0; --left) {
    if (!NextPosition(reader, count, &next) || !reader->ZigZagVarint(&high)) return false;
    if (from_one && next == 1) return false;
  }
  return true;
}

bool ReadSpecial(ByteReader* reader, double* value) {
  uint8_t control = 0;
  Number number;
  if (!reader->Byte(&control)) return false;
  if (control == kStaleSpecial) {
    *value = StaleNaN();
    return true;
  }
  if (!reader->NumberAfter(control, &number)) return false;
  *value = number.value;
  return true;
}

bool SkipSpecials(ByteReader* reader, uint64_t left, size_t count) {
  size_t next = 0;
  double value = 0;
  for (; left > 0; --left) {
    if (!NextPosition(reader, count, &next) || !ReadSpecial(reader, &value)) return false;
  }
  return true;
}

// Reads over a block of `count` values. Everything in it is checked, so that decoding cannot fail.
bool ReadBlock(ByteReader* reader, const ColumnHeader& header, size_t count, Block* block) {
  int64_t step = 0;
  uint8_t control = 0;
  block->slope = 0;
  if (!reader->ZigZagVarint(&step)) return false;
  block->base = WrapAdd(block->base, step);
  if (header.mode != BlockMode::kPlain && !reader->ZigZagVarint(&block->slope)) return false;
  if (!reader->Byte(&control)) return false;
  if (!ReadForm(reader, control & kBlockWidthBits, &block->items.form)) return false;
  block->patch_count = 0;
  block->special_count = 0;
  const bool delta = header.mode == BlockMode::kDelta;
  if ((control & kBlockPatches) != 0) {
    if (!reader->Varint(&block->patch_count)) return false;
    block->patches = *reader;
    if (!SkipPatches(reader, block->patch_count, count, delta)) return false;
  }
  if ((control & kBlockSpecials) != 0) {
    if (!reader->Varint(&block->special_count)) return false;
    block->specials = *reader;
    if (!SkipSpecials(reader, block->special_count, count)) return false;
  }
  if (!ReadBlockItems(reader, delta ? count - 1 : count, &block->items)) return false;
  if (!header.corrected) return true;
  uint8_t bits = 0;
  return reader->ZigZagVarint(&block->correction.base) && reader->Byte(&bits) &&
         ReadItems(reader, count, bits, &block->correction.items);
}

// Goes over the patches of a block run by run.
class Patches {
 public:
  // `shift` is 1 when the items begin with the second value.
  Patches(const Block& block, size_t shift)
      : reader_(block.patches),
        left_(block.patch_count),
        bits_(block.items.form.low_bits),
        shift_(shift) {
    Advance();
  }
  void Apply(size_t first, size_t count, uint64_t* items) {
    while (at_ < first + count) {
      if (at_ >= first) items[at_ - first] += high_ << bits_;
      Advance();
    }
  }

 private:
  void Advance() {
    if (left_ == 0) {
      at_ = SIZE_MAX;
      return;
    }
    --left_;
    uint64_t gap = 0;
    int64_t high = 0;
    reader_.Varint(&gap);
    reader_.ZigZagVarint(&high);
    next_ += gap + 1;
    at_ = next_ - 1 - shift_;
    high_ = static_cast<uint64_t>(high);
  }

  ByteReader reader_;
  uint64_t left_;
  unsigned bits_;
  size_t shift_;
  size_t next_ = 0;
  size_t at_ = 0;
  uint64_t high_ = 0;
};

// The values of whole numbers over the divisor. All of a run are there even when fewer are wanted,
// so that the loops have a fixed length, which lets the compiler use wide registers.
void DivideRun(const uint64_t* integers, double divisor, double* values) {
  for (size_t i = 0; i < kUnpackRun; ++i) {
    values[i] = static_cast<double>(static_cast<int64_t>(integers[i]));
  }
  if (divisor == 1) return;
  for (size_t i = 0; i < kUnpackRun; ++i) values[i] /= divisor;
}

void Divide(const uint64_t* integers, double divisor, size_t count, double* values) {
  if (count == kUnpackRun) return DivideRun(integers, divisor, values);
  double run[kUnpackRun];
  DivideRun(integers, divisor, run);
  std::copy_n(run, count, values);
}

void Correct(const Correction& correction, size_t first, size_t count, double* values) {
  uint64_t items[kUnpackRun];
  Unpack(correction.items, first, count, items);
  for (size_t i = 0; i < count; ++i) {
    values[i] = std::bit_cast<double>(std::bit_cast<uint64_t>(values[i]) +
                                      static_cast<uint64_t>(correction.base) + items[i]);
  }
}

void ApplySpecials(const Block& block, double* values) {
  ByteReader reader = block.specials;
  size_t next = 0;
  for (uint64_t left = block.special_count; left > 0; --left) {
    uint64_t gap = 0;
    reader.Varint(&gap);
    next += gap + 1;
    ReadSpecial(&reader, &values[next - 1]);
  }
}

// Values that are each told by their own item: modes plain and linear. [from, to) of the block.
void DecodeIndependent(const ColumnHeader& header, const Block& block, size_t from, size_t to,
                       double* values) {
  Patches patches(block, 0);
  uint64_t items[kUnpackRun];
  for (size_t first = from - from % kUnpackRun; first < to; first += kUnpackRun) {
    const size_t count = std::min(kUnpackRun, to - first);
    UnpackItems(block.items, first, count, items);
    patches.Apply(first, count, items);
    const auto base = static_cast<uint64_t>(block.base);
    if (header.mode == BlockMode::kPlain) {
      for (size_t i = 0; i < kUnpackRun; ++i) items[i] += base;
    } else {
      auto trend = static_cast<uint64_t>(block.slope) * first;
      for (size_t i = 0; i < kUnpackRun; ++i) {
        const auto rise = static_cast<uint64_t>(static_cast<int64_t>(trend) >> 16);
        items[i] += base + rise;
        trend += static_cast<uint64_t>(block.slope);
      }
    }
    Divide(items, header.divisor, count, values + first);
    if (header.corrected) Correct(block.correction, first, count, values + first);
  }
}

// Values that are told by the one before: all of [0, to) of the block.
void DecodeDeltas(const ColumnHeader& header, const Block& block, size_t to, double* values) {
  Patches patches(block, 1);
  uint64_t items[kUnpackRun];
  auto integer = static_cast<uint64_t>(block.base);
  values[0] = static_cast<double>(block.base) / header.divisor;
  for (size_t first = 0; first + 1 < to; first += kUnpackRun) {
    const size_t count = std::min(kUnpackRun, to - 1 - first);
    UnpackItems(block.items, first, count, items);
    patches.Apply(first, count, items);
    const auto step = static_cast<uint64_t>(block.slope);
    for (size_t i = 0; i < kUnpackRun; ++i) {
      integer += items[i] + step;
      items[i] = integer;
    }
    Divide(items, header.divisor, count, values + 1 + first);
  }
  if (!header.corrected) return;
  for (size_t first = 0; first < to; first += kUnpackRun) {
    Correct(block.correction, first, std::min(kUnpackRun, to - first), values + first);
  }
}

}  // namespace

bool ReadBlocks(ByteReader* reader, const ValueRange& range, double* values) {
  ColumnHeader header;
  if (!ReadColumnHeader(reader, &header)) return false;
  Block block;
  for (size_t start = 0; start < range.count; start += header.length) {
    const size_t count = std::min(header.length, range.count - start);
    if (!ReadBlock(reader, header, count, &block)) return false;
    if (start >= range.to || start + count <= range.from) continue;
    const size_t from = range.from > start ? range.from - start : 0;
    const size_t to = std::min(count, range.to - start);
    if (header.mode == BlockMode::kDelta) {
      DecodeDeltas(header, block, to, values + start);
    } else {
      DecodeIndependent(header, block, from, to, values + start);
    }
    if (block.special_count > 0) ApplySpecials(block, values + start);
  }
  return true;
}

}  // namespace vigil::chunks
