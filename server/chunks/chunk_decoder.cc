// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/chunk_decoder.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "server/chunks/chunk_format.h"
#include "server/chunks/crc32c.h"
#include "server/chunks/histogram_record.h"
#include "server/chunks/summary.h"

namespace vigil::chunks {
namespace {

Error Broken(std::string_view what) { return BadData("chunk is broken: " + std::string(what)); }

bool ReadSummaryNumber(ByteReader* reader, const ChunkSummary& summary, double* out) {
  uint8_t control = 0;
  if (!reader->Byte(&control)) return false;
  if (control == kSameAsFirst || control == kSameAsLast) {
    *out = control == kSameAsFirst ? summary.first : summary.last;
    return true;
  }
  Number number;
  if (!reader->NumberAfter(control, &number)) return false;
  *out = number.value;
  return true;
}

bool ReadSummary(ByteReader* reader, ChunkSummary* summary) {
  Number first;
  uint64_t resets = 0;
  if (!reader->ReadNumber(&first)) return false;
  summary->first = first.value;
  if (!ReadSummaryNumber(reader, *summary, &summary->last) ||
      !ReadSummaryNumber(reader, *summary, &summary->min) ||
      !ReadSummaryNumber(reader, *summary, &summary->max) ||
      !ReadSummaryNumber(reader, *summary, &summary->sum) || !reader->Varint(&resets) ||
      resets > summary->count) {
    return false;
  }
  summary->resets = static_cast<uint32_t>(resets);
  return true;
}

struct Header {
  TimeEncoding times;
  ValueEncoding values;
  ChunkSummary summary;
};

// Leaves the reader in front of the times.
Result<Header> ReadHeader(const ChunkView& chunk, ByteReader* reader) {
  if (chunk.data.size() < kChunkChecksumBytes) return Broken("it is shorter than its header");
  uint32_t stored = 0;
  std::memcpy(&stored, chunk.data.data(), sizeof(stored));
  const std::string_view body = chunk.data.substr(kChunkChecksumBytes);
  if (stored != Crc32c(body)) return Broken("the checksum is wrong");
  *reader = ByteReader(body);
  uint8_t encoding = 0;
  uint64_t count = 0;
  uint64_t stale = 0;
  if (!reader->Byte(&encoding) || !reader->Varint(&count) || !reader->Varint(&stale)) {
    return Broken("it ends in its header");
  }
  if (count == 0 || count > kMaxChunkSamples || stale > count) {
    return Broken("the count is out of range");
  }
  Header header{
      static_cast<TimeEncoding>(encoding & 15), static_cast<ValueEncoding>(encoding >> 4), {}};
  if (count != chunk.count || PackEncoding(header.times, header.values) != chunk.encoding) {
    return Broken("the row has another count or encoding");
  }
  header.summary.count = static_cast<uint32_t>(count);
  header.summary.stale = static_cast<uint32_t>(stale);
  const bool summed =
      header.values != ValueEncoding::kConst && header.values != ValueEncoding::kHistograms;
  if (summed && stale < count && !ReadSummary(reader, &header.summary)) {
    return Broken("the summary is out of shape");
  }
  return header;
}

// Keeps [first, last) of the items behind `from`.
template <typename T>
void Trim(std::vector<T>* column, size_t from, size_t first, size_t last) {
  const auto start = column->begin() + static_cast<ptrdiff_t>(from);
  if (first > 0) {
    std::copy(start + static_cast<ptrdiff_t>(first), start + static_cast<ptrdiff_t>(last), start);
  }
  column->resize(from + last - first);
}

// Appends the histograms within the span; the reader is in front of the times.
Result<void> DecodeHistograms(const ChunkView& chunk, const Header& header, ByteReader* reader,
                              TimestampMs min_time, TimestampMs max_time,
                              std::vector<HistogramSample>* out) {
  const size_t before = out->size();
  std::vector<TimestampMs> times(header.summary.count);
  times[0] = chunk.min_time;
  bool good = header.summary.stale == 0 &&
              ReadTimes(header.times, reader, times.size(), times.data()) &&
              times.back() == chunk.max_time;
  HistogramReader records;
  for (size_t i = 0; good && i < times.size(); ++i) {
    if (times[i] < min_time || times[i] > max_time) {
      good = records.Next(reader, nullptr);
      continue;
    }
    HistogramPtr histogram;
    good = records.Next(reader, &histogram);
    if (good) out->push_back({times[i], std::move(histogram)});
  }
  if (good && records.AtRecordEnd() && reader->AtEnd()) return Ok();
  out->resize(before);
  return Broken("its columns do not fit its header");
}

}  // namespace

Result<void> DecodeChunk(const ChunkView& chunk, TimestampMs min_time, TimestampMs max_time,
                         SampleColumns* out) {
  ByteReader reader({});
  const Header header = TRY(ReadHeader(chunk, &reader));
  if (header.values == ValueEncoding::kHistograms) {
    return DecodeHistograms(chunk, header, &reader, min_time, max_time, &out->histograms);
  }
  const size_t count = header.summary.count;
  const size_t before = out->timestamps.size();
  out->timestamps.resize(before + count);
  out->values.resize(before + count);
  TimestampMs* const times = out->timestamps.data() + before;
  times[0] = chunk.min_time;
  bool good = ReadTimes(header.times, &reader, count, times) && times[count - 1] == chunk.max_time;
  ValueRange range{count, 0, count};
  if (good && (min_time > chunk.min_time || max_time < chunk.max_time)) {
    const TimestampMs* const end = times + count;
    const TimestampMs* const first = std::lower_bound<const TimestampMs*>(times, end, min_time);
    const TimestampMs* const last =
        std::max(first, std::upper_bound<const TimestampMs*>(times, end, max_time));
    range.from = static_cast<size_t>(first - times);
    range.to = static_cast<size_t>(last - times);
  }
  good = good && ReadValues(header.values, &reader, range, out->values.data() + before) &&
         reader.AtEnd();
  if (!good) {
    out->timestamps.resize(before);
    out->values.resize(before);
    return Broken("its columns do not fit its header");
  }
  Trim(&out->timestamps, before, range.from, range.to);
  Trim(&out->values, before, range.from, range.to);
  return Ok();
}

Result<ChunkSummary> ReadChunkSummary(const ChunkView& chunk) {
  ByteReader reader({});
  const Header header = TRY(ReadHeader(chunk, &reader));
  if (header.values != ValueEncoding::kConst) return header.summary;
  // Everything follows from the one value, which stands behind the times.
  SampleColumns columns;
  TRY(DecodeChunk(chunk, chunk.min_time, chunk.max_time, &columns));
  return SummarizeConst(columns.values[0], header.summary.count);
}

}  // namespace vigil::chunks
