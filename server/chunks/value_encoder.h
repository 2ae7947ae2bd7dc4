// SPDX-License-Identifier: Apache-2.0
// Encodes the values of a chunk: measures every encoding that can win, writes the smallest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "server/chunks/block_encoder.h"
#include "server/chunks/chunk.h"
#include "server/chunks/integer_column.h"
#include "server/chunks/split_encoder.h"

namespace vigil::chunks {

// Threads: owner thread only.
class ValueEncoder {
 public:
  explicit ValueEncoder(Packing packing) : blocks_(packing) {}
  // Chooses the encoding. The values must stay until Write(). REQUIRES: not empty.
  ValueEncoding Plan(std::span<const double> values);
  // Bytes that Write() needs at most.
  [[nodiscard]] size_t size() const { return size_; }
  // Writes the planned column; the room must be zero, with kSlack behind it.
  uint8_t* Write(uint8_t* out) const;

 private:
  // An integer column as base + packed items, with what does not fit as exceptions.
  struct IntPlan {
    size_t size = SIZE_MAX;
    int64_t base = 0;
    unsigned bits = 0;
    int64_t low = 0;  // items outside [low, high] are exceptions
    int64_t high = 0;
    size_t exceptions = 0;
  };

  void MeasureRuns();
  void MeasureXor();
  void Consider(ValueEncoding encoding, size_t size);
  void PlanDecimals();
  void PlanNoise();
  // Whether some values picked out are decimals, most of them.
  [[nodiscard]] bool LooksDecimal() const;
  // Returns how many values are decimals.
  size_t ScaleToIntegers();
  bool AddInteger(size_t position);
  void DecimalsToColumn();
  IntPlan PlanInts(std::span<const int64_t> items, int64_t middle, size_t first_position) const;
  IntPlan Fit(std::span<const int64_t> items, int64_t middle, unsigned cut,
              size_t first_position) const;
  [[nodiscard]] bool Fits(const IntPlan& plan, int64_t item, size_t position) const {
    return decimal_[position] != 0 && item >= plan.low && item <= plan.high;
  }
  [[nodiscard]] size_t ExceptionSize(size_t position) const;
  uint8_t* WriteInts(uint8_t* out, const IntPlan& plan, std::span<const int64_t> items,
                     size_t first_position) const;
  uint8_t* WriteXor(uint8_t* out) const;
  uint8_t* WriteRuns(uint8_t* out) const;

  std::span<const double> values_;
  ValueEncoding encoding_ = ValueEncoding::kConst;
  size_t size_ = 0;
  size_t runs_size_ = 0;
  size_t runs_ = 0;
  size_t xor_size_ = 0;

  unsigned exponent_ = 0;          // of all integers of the chunk
  std::vector<int64_t> integers_;  // of values that are no decimals: that of the value before
  std::vector<int64_t> deltas_;    // of integers_
  std::vector<uint8_t> decimal_;   // whether the value is its integer
  IntPlan for_plan_;
  IntPlan delta_plan_;
  IntegerColumn column_;
  BlockEncoder blocks_;
  SplitEncoder split_;
};

}  // namespace vigil::chunks
