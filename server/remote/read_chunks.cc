// SPDX-License-Identifier: Apache-2.0
// See read_chunks.h. Formats:
// github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md.
#include "server/remote/read_chunks.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "client-lib/model/histogram_math.h"
#include "server/remote/bit_writer.h"
#include "server/remote/histogram_message.h"
#include "server/remote/proto_writer.h"

namespace vigil::remote {
namespace {

constexpr size_t kMaxChunkSamples = 120;

void AppendSampleCount(size_t count, std::string* out) {
  out->push_back(static_cast<char>(count >> 8));
  out->push_back(static_cast<char>(count));
}

// Differences wrap: damaged timestamps must not be undefined behaviour.
int64_t WrappingMinus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

// How much the interval between samples changed.
void WriteTimeChange(int64_t change, BitWriter* bits) {
  if (change == 0) {
    bits->Bit(false);
  } else if (FitsSigned(change, 14)) {
    bits->Bits(0b10, 2);
    bits->Bits(static_cast<uint64_t>(change), 14);
  } else if (FitsSigned(change, 17)) {
    bits->Bits(0b110, 3);
    bits->Bits(static_cast<uint64_t>(change), 17);
  } else if (FitsSigned(change, 20)) {
    bits->Bits(0b1110, 4);
    bits->Bits(static_cast<uint64_t>(change), 20);
  } else {
    bits->Bits(0b1111, 4);
    bits->Bits(static_cast<uint64_t>(change), 64);
  }
}

// Integers as the change of their change. The first is written by the caller.
class DeltaColumn {
 public:
  explicit DeltaColumn(int64_t first) : last_(first) {}
  void Next(int64_t value, BitWriter* bits) {
    const int64_t delta = WrappingMinus(value, last_);
    bits->VarbitInt(WrappingMinus(delta, delta_));
    last_ = value;
    delta_ = delta;
  }

 private:
  int64_t last_;
  int64_t delta_ = 0;
};

// Powers of two from 2^-243 to 2^10 take one byte.
void WriteZeroThreshold(double threshold, BitWriter* bits) {
  constexpr int kBias = 243;
  if (SameBits(threshold, 0)) return bits->Bits(0, 8);
  int exponent = 0;
  const double fraction = std::frexp(threshold, &exponent);
  if (fraction == 0.5 && exponent >= -242 && exponent <= 11) {
    return bits->Bits(static_cast<uint64_t>(exponent + kBias), 8);
  }
  bits->Bits(255, 8);
  bits->Double(threshold);
}

// Bounds with up to three decimals are integers of thousandths.
void WriteCustomBound(double bound, BitWriter* bits) {
  constexpr double kMost = 33'554'430;
  const double scaled = bound * 1000;
  if (!std::signbit(bound) && scaled <= kMost && std::round(scaled) / 1000 == bound) {
    return bits->VarbitUint(static_cast<uint64_t>(std::round(scaled)) + 1);
  }
  bits->Bit(false);
  bits->Double(bound);
}

void WriteSpanBits(const std::vector<BucketSpan>& spans, BitWriter* bits) {
  bits->VarbitUint(spans.size());
  for (const BucketSpan& span : spans) {
    bits->VarbitUint(span.length);
    bits->VarbitInt(span.offset);
  }
}

void WriteLayout(const Histogram& h, BitWriter* bits) {
  WriteZeroThreshold(h.zero_threshold, bits);
  bits->VarbitInt(h.schema);
  WriteSpanBits(h.positive_spans, bits);
  WriteSpanBits(h.negative_spans, bits);
  if (h.schema != kCustomBucketsSchema) return;
  bits->VarbitUint(h.custom_values.size());
  for (const double bound : h.custom_values) WriteCustomBound(bound, bits);
}

// Both sides, positive first, each bucket as the difference to its neighbour.
std::vector<int64_t> BucketDeltas(const Histogram& h) {
  std::vector<int64_t> deltas;
  for (const std::vector<double>* side : {&h.positive_buckets, &h.negative_buckets}) {
    int64_t before = 0;
    for (const double count : *side) {
      const int64_t now = IntegerCount(count);
      deltas.push_back(now - before);
      before = now;
    }
  }
  return deltas;
}

void WriteIntegers(std::span<const HistogramSample> samples, BitWriter* bits) {
  const Histogram& first = *samples.front().histogram;
  const std::vector<int64_t> first_deltas = BucketDeltas(first);
  bits->VarbitInt(samples.front().timestamp);
  bits->VarbitUint(static_cast<uint64_t>(IntegerCount(first.count)));
  bits->VarbitUint(static_cast<uint64_t>(IntegerCount(first.zero_count)));
  XorColumn sum;
  sum.First(first.sum, bits);
  for (const int64_t delta : first_deltas) bits->VarbitInt(delta);

  DeltaColumn time(samples.front().timestamp);
  DeltaColumn count(IntegerCount(first.count));
  DeltaColumn zero_count(IntegerCount(first.zero_count));
  std::vector<DeltaColumn> buckets(first_deltas.begin(), first_deltas.end());
  for (const HistogramSample& sample : samples.subspan(1)) {
    const Histogram& h = *sample.histogram;
    time.Next(sample.timestamp, bits);
    count.Next(IntegerCount(h.count), bits);
    zero_count.Next(IntegerCount(h.zero_count), bits);
    sum.Next(h.sum, bits);
    const std::vector<int64_t> deltas = BucketDeltas(h);
    for (size_t i = 0; i < buckets.size(); ++i) buckets[i].Next(deltas[i], bits);
  }
}

void WriteFloats(std::span<const HistogramSample> samples, BitWriter* bits) {
  const Histogram& first = *samples.front().histogram;
  const size_t positive = first.positive_buckets.size();
  // Count, zero count, sum, the buckets of both sides.
  std::vector<XorColumn> columns(3 + positive + first.negative_buckets.size());
  DeltaColumn time(samples.front().timestamp);
  bool is_first = true;
  for (const HistogramSample& sample : samples) {
    const Histogram& h = *sample.histogram;
    size_t at = 0;
    const auto write = [&](double value) {
      XorColumn& column = columns[at++];
      is_first ? column.First(value, bits) : column.Next(value, bits);
    };
    is_first ? bits->VarbitInt(sample.timestamp) : time.Next(sample.timestamp, bits);
    write(h.count);
    write(h.zero_count);
    write(h.sum);
    for (const double count : h.positive_buckets) write(count);
    for (const double count : h.negative_buckets) write(count);
    is_first = false;
  }
}

// The two highest bits of the chunk's third byte.
char ResetFlags(CounterResetHint hint) {
  switch (hint) {
    case CounterResetHint::kReset:
      return static_cast<char>(0b1000'0000);
    case CounterResetHint::kNotReset:
      return static_cast<char>(0b0100'0000);
    case CounterResetHint::kGauge:
      return static_cast<char>(0b1100'0000);
    case CounterResetHint::kUnknown:
      break;
  }
  return 0;
}

// Appends floats from `at`, up to the next histogram; returns where it stopped.
size_t AppendXorChunk(const SampleColumns& samples, size_t at, TimestampMs before,
                      std::vector<EncodedChunk>* out) {
  const auto begin = samples.timestamps.begin() + static_cast<std::ptrdiff_t>(at);
  const auto end = std::lower_bound(begin, samples.timestamps.end(), before);
  const size_t count = std::min(static_cast<size_t>(end - begin), kMaxChunkSamples);
  const std::span times(samples.timestamps.data() + at, count);
  out->push_back({times.front(), times.back(), ChunkEncoding::kXor,
                  EncodeXorChunk(times, {samples.values.data() + at, count})});
  return at + count;
}

size_t AppendHistogramChunk(const SampleColumns& samples, size_t at, TimestampMs before,
                            std::vector<EncodedChunk>* out) {
  const std::vector<HistogramSample>& all = samples.histograms;
  size_t end = at + 1;
  while (end < all.size() && end - at < kMaxChunkSamples && all[end].timestamp < before &&
         FitOneChunk(*all[end - 1].histogram, *all[end].histogram)) {
    ++end;
  }
  const std::span chunk(all.data() + at, end - at);
  out->push_back({chunk.front().timestamp, chunk.back().timestamp,
                  chunk.front().histogram->integer ? ChunkEncoding::kHistogram
                                                   : ChunkEncoding::kFloatHistogram,
                  EncodeHistogramChunk(chunk)});
  return end;
}

}  // namespace

std::string EncodeXorChunk(std::span<const TimestampMs> times, std::span<const double> values) {
  std::string out;
  AppendSampleCount(times.size(), &out);
  BitWriter bits(&out);
  XorColumn column;
  bits.Varint(ZigZag(times[0]));
  column.First(values[0], &bits);
  int64_t delta = 0;
  for (size_t i = 1; i < times.size(); ++i) {
    const int64_t now = WrappingMinus(times[i], times[i - 1]);
    if (i == 1) {
      bits.Varint(static_cast<uint64_t>(now));
    } else {
      WriteTimeChange(WrappingMinus(now, delta), &bits);
    }
    delta = now;
    column.Next(values[i], &bits);
  }
  bits.Finish();
  return out;
}

std::string EncodeHistogramChunk(std::span<const HistogramSample> samples) {
  const Histogram& first = *samples.front().histogram;
  std::string out;
  AppendSampleCount(samples.size(), &out);
  out.push_back(ResetFlags(first.reset_hint));
  BitWriter bits(&out);
  WriteLayout(first, &bits);
  first.integer ? WriteIntegers(samples, &bits) : WriteFloats(samples, &bits);
  bits.Finish();
  return out;
}

bool FitOneChunk(const Histogram& first, const Histogram& second) {
  const bool gauge = first.reset_hint == CounterResetHint::kGauge;
  if (gauge != (second.reset_hint == CounterResetHint::kGauge)) return false;
  const bool alike = first.integer == second.integer && first.schema == second.schema &&
                     SameBits(first.zero_threshold, second.zero_threshold) &&
                     first.positive_spans == second.positive_spans &&
                     first.negative_spans == second.negative_spans &&
                     first.custom_values == second.custom_values;
  if (!alike || gauge) return alike;
  if (second.reset_hint == CounterResetHint::kNotReset) return true;
  return !DetectReset(second, first);
}

void EncodeChunks(const SampleColumns& samples, std::vector<EncodedChunk>* out) {
  constexpr TimestampMs kNever = std::numeric_limits<TimestampMs>::max();
  size_t floats = 0;
  size_t histograms = 0;
  const auto next_float = [&] {
    return floats < samples.size() ? samples.timestamps[floats] : kNever;
  };
  const auto next_histogram = [&] {
    return histograms < samples.histograms.size() ? samples.histograms[histograms].timestamp
                                                  : kNever;
  };
  while (floats < samples.size() || histograms < samples.histograms.size()) {
    if (histograms == samples.histograms.size() || next_float() < next_histogram()) {
      floats = AppendXorChunk(samples, floats, next_histogram(), out);
    } else {
      histograms = AppendHistogramChunk(samples, histograms, next_float(), out);
    }
  }
}

}  // namespace vigil::remote
