// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/journal_page.h"

#include <bit>
#include <cstring>

#include "server/chunks/bytes.h"
#include "server/chunks/crc32c.h"
#include "server/chunks/journal_runs.h"

namespace vigil::chunks {
namespace {

// Fills one page after the other, sample by sample.
class FloatPageWriter {
 public:
  explicit FloatPageWriter(std::vector<std::string>* pages) : pages_(pages) {}

  void Add(int64_t series, TimestampMs timestamp, double value) {
    if (columns_.count() == kMaxPageSamples ||
        Size() + kMaxSampleRunBytes + kMaxNumberBytes > kMaxJournalPageBytes) {
      Finish();
    }
    AddValue(value);
    columns_.Add(series, timestamp);
  }

  void Finish() {
    if (columns_.count() == 0) return;
    pages_->push_back(
        columns_.Page(kFloatPage, values_, static_cast<size_t>(next_value_ - values_)));
    columns_.Clear();
    next_value_ = values_;
    repeat_ = nullptr;
  }

 private:
  [[nodiscard]] size_t Size() const {
    return kMaxJournalHeaderBytes + columns_.size() + static_cast<size_t>(next_value_ - values_);
  }

  void AddValue(double value) {
    const uint64_t bits = std::bit_cast<uint64_t>(value);
    if (columns_.count() > 0 && bits == value_bits_) {
      if (repeat_ != nullptr && *repeat_ < kRepeatedValue + 15) {
        ++*repeat_;
      } else {
        repeat_ = next_value_;
        *next_value_++ = kRepeatedValue;
      }
      return;
    }
    repeat_ = nullptr;
    value_bits_ = bits;
    next_value_ = PutNumber(next_value_, value);
  }

  std::vector<std::string>* pages_;
  PageColumns columns_;
  uint8_t values_[kMaxJournalPageBytes + kSlack];
  uint8_t* next_value_ = values_;
  uint8_t* repeat_ = nullptr;  // the last byte written, when it is a repeat
  uint64_t value_bits_ = 0;
};

}  // namespace

std::string PageColumns::Page(uint8_t format, const void* values, size_t value_size) {
  ids_.End();
  times_.End();
  uint8_t header[kMaxVarintBytes];
  const auto header_size = static_cast<size_t>(PutVarint(header, count_) - header);
  std::string page(kJournalChecksumEnd + header_size + size() + value_size, '\0');
  char* out = page.data();
  *out = static_cast<char>(format);
  out += kJournalChecksumEnd;
  const auto put = [&out](const void* data, size_t bytes) {
    std::memcpy(out, data, bytes);
    out += bytes;
  };
  put(header, header_size);
  put(ids_.data(), ids_.size());
  put(times_.data(), times_.size());
  put(values, value_size);
  SetChecksum(&page);
  return page;
}

void SetChecksum(std::string* page) {
  const uint32_t crc = Crc32c(std::string_view(*page).substr(kJournalChecksumEnd));
  std::memcpy(page->data() + 1, &crc, sizeof(crc));
}

void EncodeJournalPages(std::span<const int64_t> series, std::span<const TimestampMs> timestamps,
                        std::span<const double> values, std::vector<std::string>* pages) {
  CHECK(series.size() == timestamps.size() && series.size() == values.size());
  if (series.empty()) return;
  FloatPageWriter writer(pages);
  for (size_t i = 0; i < series.size(); ++i) writer.Add(series[i], timestamps[i], values[i]);
  writer.Finish();
}

}  // namespace vigil::chunks
