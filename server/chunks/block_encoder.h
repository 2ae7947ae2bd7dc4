// SPDX-License-Identifier: Apache-2.0
// Writes integer columns as blocks: value encoding 6 of chunk.h.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "server/chunks/digits.h"
#include "server/chunks/integer_column.h"
#include "server/chunks/narrow_band.h"

namespace vigil::chunks {

enum class BlockMode : uint8_t { kPlain = 0, kDelta = 1, kLinear = 2 };
inline constexpr uint8_t kBlockModeBits = 3;
inline constexpr uint8_t kBlockCorrections = 4;
inline constexpr uint8_t kBlockWidthBits = 0x3f;
// In the place of a width: items are digits above so many bits less kDigitWidths; of the last one
// the number of bits follows the radix.
inline constexpr uint8_t kDigitWidths = 57;
inline constexpr uint8_t kLongDigitWidth = 63;
inline constexpr uint8_t kBlockPatches = 0x40;
inline constexpr uint8_t kBlockSpecials = 0x80;
// In the place of a special's number.
inline constexpr uint8_t kStaleSpecial = 0xf0;

// How much work is put into few bytes. Chunks that compaction will write anew are packed fast; for
// those that stay dense ones pay, with digits (digits.h) where they save something.
enum class Packing : uint8_t { kFast, kDense };

// Threads: owner thread only.
class BlockEncoder {
 public:
  explicit BlockEncoder(Packing packing) : packing_(packing) {}
  // Writes the column in the modes and block lengths that look best; the smallest is bytes().
  // False when all are `limit` bytes or larger.
  bool Plan(const IntegerColumn& column, std::span<const double> values, size_t limit);
  [[nodiscard]] const std::string& bytes() const { return best_; }

 private:
  // How the items of a block are packed: those within [low, low + form.range()) as they are, of
  // the others the high part is a patch.
  struct Window {
    int64_t low = 0;
    DigitForm form;
    size_t patches = 0;
    size_t patch_bytes = 0;
  };
  struct Candidate {
    BlockMode mode = BlockMode::kPlain;
    size_t length = 0;
    size_t estimate = SIZE_MAX;  // bits
  };

  struct Range {
    int64_t low = INT64_MAX;
    int64_t high = INT64_MIN;
    // Without the lowest and the highest item, which may be better patches.
    int64_t inner_low = INT64_MAX;
    int64_t inner_high = INT64_MIN;

    void Add(int64_t item) {
      inner_low = std::min(inner_low, std::max(low, item));
      low = std::min(low, item);
      inner_high = std::max(inner_high, std::min(high, item));
      high = std::max(high, item);
    }
  };

  // Bits of so many items that differ by up to high - low.
  [[nodiscard]] size_t ItemBits(size_t count, int64_t low, int64_t high) const;
  // Fills ranges_ with those of the items of each piece of the column.
  void MeasureRanges(BlockMode mode, int64_t slope);
  [[nodiscard]] size_t EstimateBlocks(BlockMode mode) const;
  // With ranges_ in another order after it.
  [[nodiscard]] size_t EstimateWhole(BlockMode mode);
  bool Write(BlockMode mode, size_t length, size_t limit);
  void WriteBlock(BlockMode mode, size_t from, size_t count);
  // Fills items_ with what is packed of the block.
  void MakeItems(BlockMode mode, int64_t slope, size_t from, size_t count);
  // Takes the slope of the narrowest band when it saves something.
  void Narrow(size_t from, size_t count, int64_t* slope, Window* window);
  [[nodiscard]] size_t SizeOf(const Window& window) const;
  [[nodiscard]] Window ChooseWindow() const;
  [[nodiscard]] unsigned ChooseCut(int64_t middle, unsigned range) const;
  [[nodiscard]] Window Measure(int64_t low, const DigitForm& form) const;
  uint8_t* PutItems(uint8_t* out, const Window& window) const;
  uint8_t* PutPatches(uint8_t* out, const Window& window, size_t first_position) const;
  uint8_t* PutSpecials(uint8_t* out, size_t from, size_t begin, size_t end) const;
  uint8_t* PutCorrections(uint8_t* out, size_t from, size_t count) const;

  const Packing packing_;
  const IntegerColumn* column_ = nullptr;
  std::span<const double> values_;
  std::vector<Range> ranges_;
  std::vector<int64_t> items_;
  NarrowBand band_;
  int64_t base_ = 0;         // of the block before
  size_t next_special_ = 0;  // in column_->specials
  std::string out_;
  std::string best_;
};

}  // namespace vigil::chunks
