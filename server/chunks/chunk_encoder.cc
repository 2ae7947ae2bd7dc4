// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/chunk_encoder.h"

#include <cstring>

#include "server/chunks/bytes.h"
#include "server/chunks/chunk_format.h"
#include "server/chunks/crc32c.h"
#include "server/chunks/histogram_record.h"
#include "server/chunks/histogram_slots.h"
#include "server/chunks/summary.h"

namespace vigil::chunks {
namespace {

// Encoding, two counts, five numbers and the resets.
constexpr size_t kMaxHeaderBytes =
    kChunkChecksumBytes + 1 + 3 * kMaxVarintBytes + 5 * kMaxNumberBytes;

uint8_t* PutSummaryNumber(uint8_t* out, double value, const ChunkSummary& summary) {
  if (SameBits(value, summary.first)) {
    *out++ = kSameAsFirst;
    return out;
  }
  if (SameBits(value, summary.last)) {
    *out++ = kSameAsLast;
    return out;
  }
  return PutNumber(out, value);
}

uint8_t* PutSummary(uint8_t* out, const ChunkSummary& summary) {
  out = PutNumber(out, summary.first);
  if (SameBits(summary.first, summary.last)) {
    *out++ = kSameAsFirst;
  } else {
    out = PutNumber(out, summary.last);
  }
  out = PutSummaryNumber(out, summary.min, summary);
  out = PutSummaryNumber(out, summary.max, summary);
  out = PutSummaryNumber(out, summary.sum, summary);
  return PutVarint(out, summary.resets);
}

// All samples as records; equal neighbours are one byte together.
void PutHistograms(std::span<const HistogramSample> samples, std::string* out) {
  out->clear();
  const Histogram* before = nullptr;
  size_t repeats = 0;  // in the last byte
  for (const HistogramSample& sample : samples) {
    const size_t start = out->size();
    PutHistogram(before, true, *sample.histogram, out);
    before = sample.histogram.get();
    if ((static_cast<uint8_t>((*out)[start]) & kRepeatBit) == 0) {
      repeats = 0;
      continue;
    }
    if (repeats > 0) {
      out->pop_back();
      out->back() = static_cast<char>(kRepeatBit | repeats);
    }
    repeats = (repeats + 1) % kMaxRepeats;
  }
}

// The checksum of the bytes, and what the row says.
void Finish(std::span<const TimestampMs> times, uint32_t encoding, Chunk* chunk) {
  const uint32_t crc = Crc32c(std::string_view(chunk->data).substr(kChunkChecksumBytes));
  std::memcpy(chunk->data.data(), &crc, sizeof(crc));
  chunk->min_time = times.front();
  chunk->max_time = times.back();
  chunk->count = static_cast<uint32_t>(times.size());
  chunk->encoding = encoding;
}

}  // namespace

void ChunkEncoder::Encode(std::span<const TimestampMs> times, std::span<const double> values,
                          Chunk* chunk) {
  CHECK(!times.empty() && times.size() == values.size() && times.size() <= kMaxChunkSamples);
  const TimeEncoding time_encoding = times_.Plan(times);
  const ValueEncoding value_encoding = values_.Plan(values);
  const bool is_const = value_encoding == ValueEncoding::kConst;
  const ChunkSummary summary = is_const
                                   ? SummarizeConst(values[0], static_cast<uint32_t>(values.size()))
                                   : Summarize(values);

  std::string& data = chunk->data;
  data.assign(kMaxHeaderBytes + times_.size() + values_.size() + 2 * kSlack, '\0');
  auto* const start = reinterpret_cast<uint8_t*>(data.data());
  uint8_t* out = start + kChunkChecksumBytes;
  *out++ = static_cast<uint8_t>(static_cast<unsigned>(time_encoding) |
                                static_cast<unsigned>(value_encoding) << 4);
  out = PutVarint(out, values.size());
  out = PutVarint(out, summary.stale);
  if (!is_const && summary.stale < summary.count) {
    out = PutSummary(out, summary);
    std::memset(out, 0, kSlack);  // behind a number stored as a whole word
  }
  out = times_.Write(out);
  out = values_.Write(out);
  const auto size = static_cast<size_t>(out - start);
  CHECK(size + kSlack <= data.size());
  data.resize(size);
  Finish(times, PackEncoding(time_encoding, value_encoding), chunk);
}

void ChunkEncoder::EncodeHistograms(std::span<const HistogramSample> samples, Chunk* chunk) {
  CHECK(!samples.empty() && samples.size() <= kMaxChunkSamples);
  sample_times_.clear();
  for (const HistogramSample& sample : samples) sample_times_.push_back(sample.timestamp);
  const TimeEncoding time_encoding = times_.Plan(sample_times_);
  PutHistograms(samples, &records_);
  std::string& data = chunk->data;
  data.assign(kMaxHeaderBytes + times_.size() + 2 * kSlack, '\0');
  auto* const start = reinterpret_cast<uint8_t*>(data.data());
  uint8_t* out = start + kChunkChecksumBytes;
  *out++ = static_cast<uint8_t>(static_cast<unsigned>(time_encoding) |
                                static_cast<unsigned>(ValueEncoding::kHistograms) << 4);
  out = PutVarint(out, samples.size());
  *out++ = 0;  // no staleness markers
  out = times_.Write(out);
  data.resize(static_cast<size_t>(out - start));
  data += records_;
  Finish(sample_times_, PackEncoding(time_encoding, ValueEncoding::kHistograms), chunk);
}

void EncodeChunk(std::span<const TimestampMs> times, std::span<const double> values, Chunk* chunk) {
  ChunkEncoder encoder;
  encoder.Encode(times, values, chunk);
}

void EncodeHistogramChunk(std::span<const HistogramSample> samples, Chunk* chunk) {
  ChunkEncoder encoder;
  encoder.EncodeHistograms(samples, chunk);
}

}  // namespace vigil::chunks
