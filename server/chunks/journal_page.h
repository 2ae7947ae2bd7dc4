// SPDX-License-Identifier: Apache-2.0
// A journal page: accepted samples of many series, self-contained, at most 8,000 bytes so that it
// fits one row of one database page. This text is the format; chunk.h explains varint, zigzag and
// number.
//
// Page of float samples.
//   0        format, 1
//   1..4     crc32c of all bytes from 5 on
//   varint   n, number of samples, 1..32767
//   series   runs until n samples are covered:
//              varint len >= 1, zigzag d: the id of the first sample of the run is the id of the
//              sample before (0 at the start of the page) plus d; within the run ids rise by 1
//   times    runs until n samples are covered:
//              varint len >= 1, zigzag d: all samples of the run have the timestamp of the run
//              before (0 at the start of the page) plus d
//   values   until n values are known: a number; or the control byte 9r (hexadecimal, r = 0..15):
//            the next r + 1 values have the bits of the value before (not as the first one)
//   The page ends with the last byte of the values.
// Series, times and values number the samples alike; samples are in the order they were accepted.
//
// Page of native histograms: the same with format 2, and with records as in histogram_record.h in
// the place of the values, one per sample. The counts of the sample before are bases only when it
// is of the same series (ForgetCounts() otherwise).
//
// A single histogram that is too large for a page is a run of pages, each a part of it:
//   0        format, 3
//   1..4     crc32c of all bytes from 5 on
//   varint   i, the number of this part, from 0 on
//   varint   n, how many parts there are, >= 2
//   bytes    the parts together are a page of format 2 from its byte 5 on, with one sample
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/sample.h"

namespace vigil::chunks {

inline constexpr size_t kMaxJournalPageBytes = 8000;

// A histogram whose parts are being collected.
struct JournalParts {
  std::string bytes;
  uint64_t next = 0;
  uint64_t count = 0;  // 0: nothing is being collected
};

// Samples of many series as columns of equal length; series are ids of the database.
struct JournalSamples {
  std::vector<int64_t> series;
  std::vector<TimestampMs> timestamps;
  std::vector<double> values;
  // The native histograms and their series.
  std::vector<int64_t> histogram_series;
  std::vector<HistogramSample> histograms;
  JournalParts parts;  // of a histogram that the next pages go on with

  // Of the float samples.
  [[nodiscard]] size_t size() const { return series.size(); }
  // Keeps the parts.
  void Clear() {
    series.clear();
    timestamps.clear();
    values.clear();
    histogram_series.clear();
    histograms.clear();
  }
};

// Appends as many pages as the samples need to *pages, in their order. Nothing for no samples.
// REQUIRES: columns of equal length.
void EncodeJournalPages(std::span<const int64_t> series, std::span<const TimestampMs> timestamps,
                        std::span<const double> values, std::vector<std::string>* pages);
// The same for native histograms. REQUIRES: columns of equal length, IsWellFormed() histograms.
void EncodeHistogramJournalPages(std::span<const int64_t> series,
                                 std::span<const HistogramSample> samples,
                                 std::vector<std::string>* pages);

// Appends the page's samples to *out; decode all pages into the same object in their order, because
// a large histogram is only there with its last part. bad_data when the bytes are not what was
// written; *out then has the samples it had before.
Result<void> DecodeJournalPage(std::string_view page, JournalSamples* out);

}  // namespace vigil::chunks
