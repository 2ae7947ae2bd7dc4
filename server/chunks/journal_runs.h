// SPDX-License-Identifier: Apache-2.0
// What the writers of journal pages share; the format is told in journal_page.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "server/chunks/bytes.h"
#include "server/chunks/journal_page.h"

namespace vigil::chunks {

inline constexpr uint8_t kFloatPage = 1;
inline constexpr uint8_t kHistogramPage = 2;
inline constexpr uint8_t kPartPage = 3;
inline constexpr size_t kJournalChecksumEnd = 5;  // format and checksum
inline constexpr uint8_t kRepeatedValue = 0x90;
inline constexpr size_t kMaxPageSamples = 32767;
// Format, checksum and the count.
inline constexpr size_t kMaxJournalHeaderBytes = kJournalChecksumEnd + 3;
// The most that a sample adds to ids and times: of both the run before and its own.
inline constexpr size_t kMaxRunBytes = 3 + kMaxVarintBytes;
inline constexpr size_t kMaxSampleRunBytes = 4 * kMaxRunBytes;

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

// Ids and times of a page.
class PageColumns {
 public:
  void Add(int64_t series, TimestampMs timestamp) {
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
    series_ = series;
    timestamp_ = timestamp;
    ++count_;
  }
  void Clear() {
    ids_.Clear();
    times_.Clear();
    series_ = 0;
    timestamp_ = 0;
    count_ = 0;
  }
  [[nodiscard]] size_t count() const { return count_; }
  [[nodiscard]] int64_t series() const { return series_; }  // the last one
  // Bytes of both columns without their open runs.
  [[nodiscard]] size_t size() const { return ids_.size() + times_.size(); }

  // The page with these columns and the bytes of its values behind them; checksum included.
  std::string Page(uint8_t format, const void* values, size_t value_size);

 private:
  RunColumn ids_;
  RunColumn times_;
  int64_t series_ = 0;
  TimestampMs timestamp_ = 0;
  size_t count_ = 0;
};

// Writes the checksum of a page that is complete.
void SetChecksum(std::string* page);

}  // namespace vigil::chunks
