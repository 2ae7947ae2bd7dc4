// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "server/chunks/bytes.h"
#include "server/chunks/crc32c.h"
#include "server/chunks/histogram_record.h"
#include "server/chunks/journal_page.h"
#include "server/chunks/journal_runs.h"

namespace vigil::chunks {
namespace {

Error BrokenPage(std::string_view what) {
  return BadData("journal page is broken: " + std::string(what));
}

bool ReadSeries(ByteReader* reader, size_t count, std::vector<int64_t>* out) {
  int64_t series = 0;
  while (count > 0) {
    uint64_t length = 0;
    int64_t delta = 0;
    if (!reader->Varint(&length) || !reader->ZigZagVarint(&delta)) return false;
    if (length == 0 || length > count) return false;
    series = WrapAdd(series, delta);
    for (uint64_t i = 0; i < length; ++i) {
      if (i > 0) series = WrapAdd(series, 1);
      out->push_back(series);
    }
    count -= length;
  }
  return true;
}

bool ReadTimes(ByteReader* reader, size_t count, std::vector<TimestampMs>* out) {
  TimestampMs timestamp = 0;
  while (count > 0) {
    uint64_t length = 0;
    int64_t delta = 0;
    if (!reader->Varint(&length) || !reader->ZigZagVarint(&delta)) return false;
    if (length == 0 || length > count) return false;
    timestamp = WrapAdd(timestamp, delta);
    out->insert(out->end(), length, timestamp);
    count -= length;
  }
  return true;
}

bool ReadValues(ByteReader* reader, size_t count, std::vector<double>* out) {
  Number number;
  bool first = true;
  while (count > 0) {
    uint8_t control = 0;
    if (!reader->Byte(&control)) return false;
    if ((control & 0xf0) == kRepeatedValue) {
      const size_t length = (control & 15U) + 1;
      if (first || length > count) return false;
      out->insert(out->end(), length, number.value);
      count -= length;
      continue;
    }
    if (!reader->NumberAfter(control, &number)) return false;
    out->push_back(number.value);
    first = false;
    --count;
  }
  return reader->AtEnd();
}

bool ReadRecords(ByteReader* reader, std::span<const int64_t> series,
                 std::span<const TimestampMs> times, std::vector<HistogramSample>* out) {
  HistogramReader records;
  for (size_t i = 0; i < series.size(); ++i) {
    if (i > 0 && series[i] != series[i - 1]) records.ForgetCounts();
    HistogramPtr histogram;
    if (!records.Next(reader, &histogram) || !records.AtRecordEnd()) return false;
    out->push_back({times[i], std::move(histogram)});
  }
  return reader->AtEnd();
}

Result<void> ReadFloatPage(ByteReader* reader, size_t count, JournalSamples* out) {
  const size_t before = out->size();
  if (ReadSeries(reader, count, &out->series) && ReadTimes(reader, count, &out->timestamps) &&
      ReadValues(reader, count, &out->values)) {
    return Ok();
  }
  out->series.resize(before);
  out->timestamps.resize(before);
  out->values.resize(before);
  return BrokenPage("its columns do not fit its count");
}

Result<void> ReadHistogramPage(ByteReader* reader, size_t count, JournalSamples* out) {
  const size_t before = out->histograms.size();
  std::vector<TimestampMs> times;
  if (ReadSeries(reader, count, &out->histogram_series) && ReadTimes(reader, count, &times) &&
      ReadRecords(reader, std::span(out->histogram_series).subspan(before), times,
                  &out->histograms)) {
    return Ok();
  }
  out->histogram_series.resize(before);
  out->histograms.resize(before);
  return BrokenPage("its histograms do not fit its count");
}

// The page behind its checksum.
Result<void> ReadBody(uint8_t format, std::string_view body, JournalSamples* out) {
  ByteReader reader(body);
  uint64_t count = 0;
  if (!reader.Varint(&count) || count == 0 || count > kMaxPageSamples) {
    return BrokenPage("the count is out of range");
  }
  return format == kFloatPage ? ReadFloatPage(&reader, count, out)
                              : ReadHistogramPage(&reader, count, out);
}

// Puts the part to those before it; the last one makes a histogram of them.
Result<void> ReadPart(std::string_view body, JournalSamples* out) {
  ByteReader reader(body);
  uint64_t number = 0;
  uint64_t count = 0;
  if (!reader.Varint(&number) || !reader.Varint(&count) || count < 2 || number >= count) {
    return BrokenPage("the number of the part is out of range");
  }
  if (number == 0) out->parts = {{}, 0, count};
  if (out->parts.count != count || out->parts.next != number) {
    out->parts = {};
    return BrokenPage("the part before it is missing");
  }
  out->parts.bytes += body.substr(body.size() - reader.left());
  if (++out->parts.next < count) return Ok();
  const JournalParts parts = std::exchange(out->parts, {});
  return ReadBody(kHistogramPage, parts.bytes, out);
}

}  // namespace

Result<void> DecodeJournalPage(std::string_view page, JournalSamples* out) {
  if (page.size() < kJournalChecksumEnd) return BrokenPage("it is shorter than its header");
  const auto format = static_cast<uint8_t>(page[0]);
  if (format < kFloatPage || format > kPartPage) return BrokenPage("its format is unknown");
  uint32_t stored = 0;
  std::memcpy(&stored, page.data() + 1, sizeof(stored));
  page.remove_prefix(kJournalChecksumEnd);
  if (stored != Crc32c(page)) return BrokenPage("the checksum is wrong");
  if (format == kPartPage) return ReadPart(page, out);
  out->parts = {};  // the pages with the rest are lost
  return ReadBody(format, page, out);
}

}  // namespace vigil::chunks
