// SPDX-License-Identifier: Apache-2.0
// Native histograms as a run of records, each told by what changed since the one before: in chunks
// (chunk.h, value encoding 5), journal pages (journal_page.h) and the head's memory
// (histogram_stream.h). Bit-exact for every field. chunk.h explains varint, zigzag, number, packed.
//
// Record.
//   control byte c
//     c >= 80    the next c - 7f histograms are the one before in every field; the record ends
//     bits 0..1  reset hint
//     bit 2      flag `integer`
//     bit 3      a layout follows; always in the first record of a run
//     bit 4      the counts are floats, see below
//     bits 5, 6  zero
//   layout       when bit 3 is set; it stays until the next one
//     zigzag schema (IsKnownSchema), number zero threshold
//     varint positive spans, each zigzag offset, varint length
//     varint negative spans, likewise
//     varint custom values, each a number
//   sum          a number; or the control byte 90: the sum before; or as (s = 1..7), then s bytes,
//                an unsigned integer: the bits of the sum before XOR it. Before a run the sum is
//                +0.0
//   counts       over the slots: count, zero count, positive buckets, negative buckets. A slot's
//                base is its own value in the histogram before; after a new layout a bucket's is
//                that of the bucket of its sign and index, 0 when there was none. When the schema
//                changed all are 0. (Walk over both lists of indexes at once: with each new index
//                step over the old ones that are smaller; the next one is compared.)
//     integers   (bit 4 is not set) the slot of the count holds count - zero count - all buckets
//                instead; its base is 0 after a new layout. All bases are 0 when the counts of the
//                histogram before were floats. Slots and count are below 2^53 on either side of 0.
//                byte b, w = b & 3f, w <= 38 (hexadecimal):
//                  b < 40    w >= 1, packed(slots, w): zigzag codes of slot - base
//                  b >= 40   packed(slots, 1): 1 where the slot is not its base; then packed(ones,
//                            w): zigzag codes of slot - base for those
//     floats     (bit 4 is set) until all slots are known a control byte, l = c >> 4, s = c & 15:
//                  s = 0      the next l + 1 slots have their bases
//                  s = 1..8   s bytes, an unsigned integer u; the bits of the next slot are those
//                             of its base XOR (u shifted left by 8 * (8 - l - s)); l + s <= 8
//                The last run of equal slots ends with the last slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "client-lib/model/histogram.h"
#include "server/chunks/bytes.h"

namespace vigil::chunks {

// Whether there are as many buckets as the spans say, so that it can be written and read.
bool IsWellFormed(const Histogram& histogram);

// Equal bits in every field.
bool SameHistogram(const Histogram& a, const Histogram& b);

// Appends one record to *out. `before` is the histogram of the record before, null at the beginning
// of a run; its counts are no bases when `same_series` is false (see ForgetCounts()).
// REQUIRES: IsWellFormed() of both.
void PutHistogram(const Histogram* before, bool same_series, const Histogram& next,
                  std::string* out);

// Reads the records of one run.
// Threads: owner thread only.
class HistogramReader {
 public:
  // Reads the next histogram out of *reader; makes an object of it only when out is not null.
  // Equal neighbours are one object. False when the bytes are not a record.
  bool Next(ByteReader* reader, HistogramPtr* out);
  // Counts and sum of the histogram before are 0 for the next record; its layout stays. Only
  // before a record that is no repeat.
  void ForgetCounts();
  // False when the last record stands for more histograms than were read.
  [[nodiscard]] bool AtRecordEnd() const { return repeats_ == 0; }

 private:
  bool ReadRecord(ByteReader* reader, uint8_t control);
  bool ReadLayout(ByteReader* reader);
  bool ReadSum(ByteReader* reader);
  bool ReadIntegers(ByteReader* reader);
  bool ReadFloats(ByteReader* reader);
  void ForgetBuckets();

  Histogram now_;
  HistogramPtr made_;  // of now_, when somebody asked for it
  int64_t rest_ = 0;   // the slot of the count, when whole_
  bool whole_ = false;
  bool begun_ = false;
  uint8_t repeats_ = 0;  // that are still to be given
};

}  // namespace vigil::chunks
