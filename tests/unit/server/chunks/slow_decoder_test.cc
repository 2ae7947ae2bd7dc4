// SPDX-License-Identifier: Apache-2.0
#include "tests/support/slow_decoder.h"

#include <gtest/gtest.h>

namespace vigil::chunks::testing {
namespace {

// The example of the header's text, by hand.
TEST(SlowDecoder, ReadsAChunkWrittenByHand) {
  const std::string_view chunk("\0\0\0\0\x00\x03\x00\x0a\x12\x39\x30", 11);
  const SampleColumns samples = SlowDecodeChunk(chunk, 1000);
  EXPECT_EQ(samples.timestamps, (std::vector<TimestampMs>{1000, 1010, 1020}));
  EXPECT_EQ(samples.values, std::vector<double>(3, 1234.5));
}

// One record by hand: integer, schema 3, one span of two buckets at index 5, counts 2, 0, 1, 1.
TEST(SlowRecords, ReadsARecordWrittenByHand) {
  const std::string_view bytes("\x0c\x06\x00\x01\x0a\x02\x00\x00\x11\x0f\x02\xa0", 12);
  SlowCursor in{bytes, 0};
  SlowRecords records;
  const Histogram histogram = records.Next(&in);
  EXPECT_EQ(in.at, bytes.size());
  EXPECT_TRUE(histogram.integer);
  EXPECT_EQ(histogram.schema, 3);
  EXPECT_EQ(histogram.positive_spans, (std::vector<BucketSpan>{{5, 2}}));
  EXPECT_EQ(histogram.positive_buckets, (std::vector<double>{1, 1}));
  EXPECT_EQ(histogram.count, 2);
  EXPECT_EQ(histogram.sum, 1.5);
}

}  // namespace
}  // namespace vigil::chunks::testing
