// SPDX-License-Identifier: Apache-2.0
// Decoding of remote write requests built by hand, byte by byte.
#include "server/remote/write_request.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>

#include "tests/support/remote_write_message.h"

namespace vigil::remote {
namespace {

using test::LabelField;
using test::Message;
using test::SampleField;
using test::SeriesField;

TEST(WriteRequest, ReadsLabelsAndSamplesIntoColumns) {
  const std::string message = SeriesField(LabelField("__name__", "up") + LabelField("job", "x") +
                                          SampleField(1.5, 1000) + SampleField(2.5, 2000)) +
                              SeriesField(LabelField("__name__", "down") + SampleField(-1, -5));
  WriteRequest request;
  ASSERT_TRUE(DecodeWriteRequest(message, &request).has_value());
  ASSERT_EQ(request.series.size(), 2u);
  EXPECT_EQ(request.series[1].first_sample, 2u);
  EXPECT_EQ(request.values, (std::vector<double>{1.5, 2.5, -1}));
  EXPECT_EQ(request.timestamps, (std::vector<TimestampMs>{1000, 2000, -5}));
  EXPECT_EQ(DecodeLabels(request.series[0].raw_labels).value(),
            Labels::Of({{"__name__", "up"}, {"job", "x"}}));
}

TEST(WriteRequest, KeepsTheBitsOfTheStalenessMarker) {
  WriteRequest request;
  ASSERT_TRUE(DecodeWriteRequest(
                  SeriesField(LabelField("__name__", "up") + SampleField(StaleNaN(), 1)), &request)
                  .has_value());
  EXPECT_TRUE(IsStaleNaN(request.values[0]));
}

TEST(WriteRequest, CountsHistogramsAndExemplars) {
  WriteRequest request;
  ASSERT_TRUE(DecodeWriteRequest(SeriesField(LabelField("__name__", "h") + Message(3, "") +
                                             Message(4, "") + Message(4, "")),
                                 &request)
                  .has_value());
  EXPECT_EQ(request.exemplars, 1u);
  EXPECT_EQ(request.histograms, 2u);
}

TEST(WriteRequest, RefusesEveryTruncation) {
  const std::string message =
      SeriesField(LabelField("__name__", "up") + SampleField(1.5, 1'700'000'000'000));
  WriteRequest request;
  for (size_t size = 1; size < message.size(); ++size) {
    Result<void> decoded = DecodeWriteRequest(message.substr(0, size), &request);
    ASSERT_FALSE(decoded.has_value()) << size;
    EXPECT_EQ(decoded.error().kind, ErrorKind::kBadData);
  }
}

TEST(DecodeLabels, SortsAndRefusesWhatUpstreamRefuses) {
  EXPECT_EQ(DecodeLabels(LabelField("z", "1") + LabelField("__name__", "up")).value(),
            Labels::Of({{"__name__", "up"}, {"z", "1"}}));
  EXPECT_FALSE(DecodeLabels(LabelField("job", "x")).has_value());
  EXPECT_FALSE(DecodeLabels(LabelField("__name__", "")).has_value());
  EXPECT_FALSE(
      DecodeLabels(LabelField("__name__", "a") + LabelField("b", "1") + LabelField("b", "2"))
          .has_value());
  EXPECT_FALSE(DecodeLabels(LabelField("__name__", "a") + LabelField("", "1")).has_value());
  EXPECT_FALSE(DecodeLabels(LabelField("__name__", "a") + LabelField("b", "\xff")).has_value());
}

}  // namespace
}  // namespace vigil::remote
