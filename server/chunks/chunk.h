// SPDX-License-Identifier: Apache-2.0
// A chunk: a run of samples of one series as bytes. This text is the format: a decoder in another
// language (PL/pgSQL, C) is written from it.
//
// Notation. Bytes are numbered from 0. All integers are little-endian.
//   varint   unsigned, 7 bits per byte, low bits first, bit 7 set on all bytes but the last;
//            at most 10 bytes
//   zigzag   a varint z that stands for the signed number (z >> 1) XOR -(z & 1):
//            0, -1, 1, -2, 2 ... are written 0, 1, 2, 3, 4 ...
//   number   a float64 in 1 to 9 bytes: a control byte c, k = c >> 4, w = c & 15, then w bytes.
//            k = 0..6  decimal, w = 0..7: the w bytes are a two's complement integer m (sign from
//                      the top bit of the last byte; w = 0 is m = 0); the value is the float64 m
//                      divided by the float64 10^k
//            k = 8     raw, w = 0..8: the w bytes are an unsigned integer u; the bits of the
//                      value are u shifted left by 64 - 8 * w (the low bytes that are cut are
//                      zero); w = 0 is +0.0
//            every other c is not a number
//   packed(n, b)  n unsigned integers of b bits each, 0 <= b <= 56, in (n * b + 7) / 8 bytes: item
//            i is in the bits [i * b, (i + 1) * b), bit j being bit j % 8 of byte j / 8; bits
//            behind the last item are zero
//   digits(n, R, s)  n unsigned integers, each a digit of radix R above s bits: packed(n, s) l,
//            behind it packed((n + 7) / 8, w) g with w = bits needed for R^8 - 1; a g above
//            R^8 - 1 counts as R^8 - 1. Item i is
//            l[i] + 2^s * (g[i / 8] / R^(7 - i % 8) mod R), the division rounding down
// Sums of integers wrap at 64 bits.
//
// Chunk.
//   0..3     crc32c (Castagnoli, reflected, initial and final XOR ffffffff) of all bytes from 4 on
//   4        time encoding in the low, value encoding in the high four bits
//   varint   n, number of samples, >= 1
//   varint   stale, number of staleness markers among them (bits 7ff0000000000002)
//   summary  only when the value encoding is not 0 or 5 and stale < n; over the samples that are no
//            staleness markers:
//              number first, number last, number min, number max, number sum, varint resets
//            Here a number may also be one of these single control bytes: f0 = same as first,
//            f1 = same as last. min and max ignore NaN unless all are NaN; sum adds in order and
//            includes NaN; resets counts values below the value before.
//            With value encoding 0 they all follow from the one value v: sum is v * n, resets 0.
//   times    see below; n timestamps, strictly rising
//   values   see below; n values
//   The chunk ends with the last byte of the values.
// min_time of the row is t[0]; max_time of the row is t[n-1].
//
// Time encodings.
//   0 regular      varint step: t[i] = t[0] + i * step; nothing at all when n = 1
//   1 dod runs     (n >= 2) varint d[1] = t[1] - t[0]; then until t[n-1] is known:
//                    varint z: the next z deltas repeat the delta before them (z may be 0);
//                    if timestamps are still missing, zigzag x: the next delta is the delta
//                    before it plus x
//   2 dod packed   (n >= 3) varint d[1]; zigzag base; byte b; packed(n - 2, b) p:
//                    d[i] = d[i-1] + base + p[i-2] for i = 2..n-1, t[i] = t[i-1] + d[i]
//
// Value encodings.
//   0 const        number v: every value has these bits
//   1 int for      byte k (0..6); zigzag base; byte b; varint e; e exceptions; packed(n, b) p:
//                    v[i] = (base + p[i]) / 10^k, both sides of the division as float64
//                    An exception is varint gap, number v: position is the position of the
//                    exception before plus 1 (0 for the first one) plus gap; the value there is v,
//                    whatever p has
//   2 int delta    byte k (0..6); zigzag m[0]; zigzag base; byte b; varint e; e exceptions as in
//                  1 (position >= 1); packed(n - 1, b) p:
//                    m[i] = m[i-1] + base + p[i-1]; v[i] = m[i] / 10^k as float64
//                    At the position of an exception v[i] is the exception's number; m[i] is the
//                    number's integer when it is decimal (always written with this k), else m[i-1]
//   3 xor          8 bytes: bits of v[0]; then until v[n-1] is known a control byte c,
//                    l = c >> 4, s = c & 15:
//                    s = 0      the next l + 1 values equal the value before
//                    s = 1..8   s bytes, an unsigned integer u; the bits of the next value are
//                               those of the value before XOR (u shifted left by 8 * (8 - l - s));
//                               l + s <= 8
//   4 runs         until n values are known: varint r >= 1, number v: the next r values are v
//   5 histograms   the values are native histograms: records as in histogram_record.h, the last run
//                  of repeats ends with the n-th histogram; stale is 0
//   6 blocks       integers m[i] divided by one number, block by block:
//                    byte f: bits 0..1 mode, bit 2 corrections, all others 0
//                    number d, the divisor: finite and above 0
//                    varint l >= 1: a block has l values, the last one those that are left
//                  Each block, with its values numbered i = 0..c-1:
//                    zigzag: base B minus the base of the block before (0 for the first block)
//                    zigzag s, only in modes 1 and 2
//                    byte h: b = h & 3f is 0..56, or the items are digits: then byte R, 3..127,
//                      follows, and b counts from 57 on (57 is b = 0), for 63 it is a byte, 0..48
//                    if h & 40: varint count, each patch varint gap, zigzag x: position is the
//                      position of the patch before plus 1 (0 for the first one) plus gap; in mode
//                      1 never 0
//                    if h & 80: varint count, each special varint gap, number v (or the single
//                      control byte f0, the staleness marker); positions as those of patches
//                    packed(c, b) p or digits(c, R, b) p; in mode 1 c - 1 of them, for i = 1..c-1
//                    with corrections: zigzag q; byte w; packed(c, w) e
//                  p[i] += x * 2^b at the position of each patch. Then
//                    mode 0  m[i] = B + p[i]
//                    mode 1  m[0] = B; m[i] = m[i-1] + s + p[i]
//                    mode 2  m[i] = B + p[i] + (i * s >> 16), the shift rounding down
//                  v[i] is the float64 m[i] divided by d; with corrections q + e[i] is then added
//                  to its bits as an integer. At the position of a special v[i] is its v.
//   7 split        the high bits of values out of a list, the low bits as they are:
//                    byte r, 1 <= r <= 56: how many low bits
//                    varint g, 1..16, then g high parts: varints
//                    varint count, each exception varint gap, varint: the high part at the position
//                    packed(n, bits needed for g - 1): indexes into the list; packed(n, r): low
//                    bits bits of v[i] = high part * 2^r + low bits
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/model/sample.h"

namespace vigil::chunks {

enum class TimeEncoding : uint8_t { kRegular = 0, kDodRuns = 1, kDodPacked = 2 };
enum class ValueEncoding : uint8_t {
  kConst = 0,
  kIntFor = 1,
  kIntDelta = 2,
  kXor = 3,
  kRuns = 4,
  kHistograms = 5,
  kBlocks = 6,
  kSplit = 7,
};

// As the column `encoding` of a chunk row has it; byte 4 of the chunk says the same.
constexpr uint32_t PackEncoding(TimeEncoding time, ValueEncoding value) {
  return static_cast<uint32_t>(time) | static_cast<uint32_t>(value) << 8;
}

constexpr bool HoldsHistograms(uint32_t encoding) {
  return encoding >> 8 == static_cast<uint32_t>(ValueEncoding::kHistograms);
}

// What a whole chunk amounts to, so that some functions need not decode it. Of native histograms
// there is only the count: check HoldsHistograms() first.
struct ChunkSummary {
  uint32_t count = 0;  // of all samples
  uint32_t stale = 0;  // of staleness markers; the rest is over the other samples
  uint32_t resets = 0;
  double first = 0;
  double last = 0;
  double min = 0;
  double max = 0;
  double sum = 0;
};

// Keeps the count within the int2 column of the chunk table.
inline constexpr size_t kMaxChunkSamples = 32767;

struct Chunk {
  TimestampMs min_time = 0;
  TimestampMs max_time = 0;
  uint32_t count = 0;
  uint32_t encoding = 0;
  std::string data;  // the capacity is reused
};

// Encodes the samples with the encodings that give the fewest bytes. Bit-exact for every float64.
// REQUIRES: timestamps strictly rising, columns of equal length, 1..kMaxChunkSamples.
void EncodeChunk(std::span<const TimestampMs> times, std::span<const double> values, Chunk* chunk);

// The same for native histograms. REQUIRES: timestamps strictly rising, 1..kMaxChunkSamples, all
// IsWellFormed() (histogram_record.h).
void EncodeHistogramChunk(std::span<const HistogramSample> samples, Chunk* chunk);

// A chunk as it was stored.
struct ChunkView {
  TimestampMs min_time = 0;
  TimestampMs max_time = 0;
  uint32_t count = 0;
  uint32_t encoding = 0;
  std::string_view data;
};

// Appends the samples within [min_time, max_time] to the columns of *out, or to out->histograms
// when the chunk holds native histograms; equal neighbours are one object then. bad_data when the
// bytes are not what was written; *out is then as before.
Result<void> DecodeChunk(const ChunkView& chunk, TimestampMs min_time, TimestampMs max_time,
                         SampleColumns* out);

// Reads the header only; the checksum is verified all the same.
Result<ChunkSummary> ReadChunkSummary(const ChunkView& chunk);

}  // namespace vigil::chunks
