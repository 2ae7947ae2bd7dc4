// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/journal_page.h"

#include <bit>
#include <cstring>
#include <utility>

#include "server/chunks/bytes.h"
#include "server/chunks/crc32c.h"

namespace vigil::chunks {
namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kChecksumStart = 5;
constexpr size_t kMaxPageSamples = 32767;
// Format, checksum and the count.
constexpr size_t kMaxHeaderBytes = kChecksumStart + 3;
// The most that a sample adds: of ids and times the run before and its own, and the value.
constexpr size_t kMaxRunBytes = 3 + kMaxVarintBytes;
constexpr size_t kMaxSampleBytes = 4 * kMaxRunBytes + kMaxNumberBytes;
constexpr uint8_t kRepeat = 0x90;

// A column of runs; the open run is written when it ends.
class RunColumn {
 public:
  // Starts a run whose first item is `delta` from the item before.
  void Start(int64_t delta) {
    End();
    delta_ = delta;
    length_ = 1;
  }
  void Extend() { ++length_; }
  void End() {
    if (length_ == 0) return;
    next_ = PutVarint(next_, length_);
    next_ = PutZigZag(next_, delta_);
    length_ = 0;
  }
  void Clear() {
    next_ = bytes_;
    length_ = 0;
  }
  [[nodiscard]] size_t size() const { return static_cast<size_t>(next_ - bytes_); }
  [[nodiscard]] const uint8_t* data() const { return bytes_; }

 private:
  uint8_t bytes_[kMaxJournalPageBytes + kSlack];
  uint8_t* next_ = bytes_;
  uint32_t length_ = 0;
  int64_t delta_ = 0;
};

// Fills one page after the other, sample by sample.
class PageWriter {
 public:
  explicit PageWriter(std::vector<std::string>* pages) : pages_(pages) { Clear(); }

  void Add(int64_t series, TimestampMs timestamp, double value) {
    if (count_ == kMaxPageSamples || Size() + kMaxSampleBytes > kMaxJournalPageBytes) Finish();
    if (count_ > 0 && series == WrapAdd(series_, 1)) {
      ids_.Extend();
    } else {
      ids_.Start(WrapSub(series, series_));
    }
    if (count_ > 0 && timestamp == timestamp_) {
      times_.Extend();
    } else {
      times_.Start(WrapSub(timestamp, timestamp_));
    }
    AddValue(value);
    series_ = series;
    timestamp_ = timestamp;
    ++count_;
  }

  void Finish() {
    if (count_ == 0) return;
    ids_.End();
    times_.End();
    uint8_t header[kMaxVarintBytes];
    const auto header_size = static_cast<size_t>(PutVarint(header, count_) - header);
    const auto value_size = static_cast<size_t>(next_value_ - values_);
    std::string page(kChecksumStart + header_size + ids_.size() + times_.size() + value_size, '\0');
    char* out = page.data();
    *out = static_cast<char>(kFormat);
    out += kChecksumStart;
    const auto put = [&out](const uint8_t* data, size_t size) {
      std::memcpy(out, data, size);
      out += size;
    };
    put(header, header_size);
    put(ids_.data(), ids_.size());
    put(times_.data(), times_.size());
    put(values_, value_size);
    const uint32_t crc = Crc32c(std::string_view(page).substr(kChecksumStart));
    std::memcpy(page.data() + 1, &crc, sizeof(crc));
    pages_->push_back(std::move(page));
    Clear();
  }

 private:
  [[nodiscard]] size_t Size() const {
    return kMaxHeaderBytes + ids_.size() + times_.size() +
           static_cast<size_t>(next_value_ - values_);
  }

  void AddValue(double value) {
    const uint64_t bits = std::bit_cast<uint64_t>(value);
    if (count_ > 0 && bits == value_bits_) {
      if (repeat_ != nullptr && *repeat_ < kRepeat + 15) {
        ++*repeat_;
      } else {
        repeat_ = next_value_;
        *next_value_++ = kRepeat;
      }
      return;
    }
    repeat_ = nullptr;
    value_bits_ = bits;
    next_value_ = PutNumber(next_value_, value);
  }

  void Clear() {
    ids_.Clear();
    times_.Clear();
    next_value_ = values_;
    repeat_ = nullptr;
    series_ = 0;
    timestamp_ = 0;
    count_ = 0;
  }

  std::vector<std::string>* pages_;
  RunColumn ids_;
  RunColumn times_;
  uint8_t values_[kMaxJournalPageBytes + kSlack];
  uint8_t* next_value_ = values_;
  uint8_t* repeat_ = nullptr;  // the last byte written, when it is a repeat
  uint64_t value_bits_ = 0;
  int64_t series_ = 0;
  TimestampMs timestamp_ = 0;
  size_t count_ = 0;
};

Error Broken(std::string_view what) {
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
    if ((control & 0xf0) == kRepeat) {
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

}  // namespace

void EncodeJournalPages(std::span<const int64_t> series, std::span<const TimestampMs> timestamps,
                        std::span<const double> values, std::vector<std::string>* pages) {
  CHECK(series.size() == timestamps.size() && series.size() == values.size());
  if (series.empty()) return;
  PageWriter writer(pages);
  for (size_t i = 0; i < series.size(); ++i) writer.Add(series[i], timestamps[i], values[i]);
  writer.Finish();
}

Result<void> DecodeJournalPage(std::string_view page, JournalSamples* out) {
  if (page.size() < kChecksumStart) return Broken("it is shorter than its header");
  if (static_cast<uint8_t>(page[0]) != kFormat) return Broken("its format is unknown");
  uint32_t stored = 0;
  std::memcpy(&stored, page.data() + 1, sizeof(stored));
  page.remove_prefix(kChecksumStart);
  if (stored != Crc32c(page)) return Broken("the checksum is wrong");
  ByteReader reader(page);
  uint64_t count = 0;
  if (!reader.Varint(&count) || count == 0 || count > kMaxPageSamples) {
    return Broken("the count is out of range");
  }
  const size_t before = out->size();
  if (ReadSeries(&reader, count, &out->series) && ReadTimes(&reader, count, &out->timestamps) &&
      ReadValues(&reader, count, &out->values)) {
    return Ok();
  }
  out->series.resize(before);
  out->timestamps.resize(before);
  out->values.resize(before);
  return Broken("its columns do not fit its count");
}

}  // namespace vigil::chunks
