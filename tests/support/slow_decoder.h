// SPDX-License-Identifier: Apache-2.0
// The slow twin of the decoders: written from the text in chunk.h and journal_page.h, byte by byte
// and bit by bit, with nothing in common with the fast code. It trusts its input.
#pragma once

#include <string_view>
#include <vector>

#include "client-lib/model/sample.h"
#include "server/chunks/journal_page.h"
#include "tests/support/slow_cursor.h"

namespace vigil::chunks::testing {

// Goes over the records of histogram_record.h.
class SlowRecords {
 public:
  Histogram Next(SlowCursor* in);

 private:
  void ReadLayout(SlowCursor* in);
  void ReadIntegers(SlowCursor* in);
  void ReadFloats(SlowCursor* in);

  Histogram now_;
  int64_t rest_ = 0;
  bool whole_ = true;
  uint64_t repeats_ = 0;
};

// Appends timestamps of a chunk behind the first one.
void SlowTimes(SlowCursor& in, unsigned encoding, size_t count, std::vector<TimestampMs>* times);
// REQUIRES: a good chunk.
SampleColumns SlowDecodeChunk(std::string_view data, TimestampMs min_time);
// REQUIRES: a good chunk of native histograms.
std::vector<HistogramSample> SlowDecodeHistogramChunk(std::string_view data, TimestampMs min_time);
// REQUIRES: a good page of float samples.
JournalSamples SlowDecodeJournalPage(std::string_view page);

}  // namespace vigil::chunks::testing
