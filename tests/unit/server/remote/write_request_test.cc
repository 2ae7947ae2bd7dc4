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

TEST(WriteRequest, ReadsIntegerHistograms) {
  WriteRequest request;
  ASSERT_TRUE(DecodeWriteRequest(SeriesField(LabelField("__name__", "h") +
                                             Message(4, test::IntegerHistogram(1000)) +
                                             Message(4, test::IntegerHistogram(2000))),
                                 &request)
                  .has_value());
  ASSERT_EQ(request.histograms.size(), 2u);
  EXPECT_EQ(request.series[0].histogram_count, 2u);
  EXPECT_EQ(request.histograms[1].timestamp, 2000);
  const Histogram& h = *request.histograms[0].histogram;
  EXPECT_TRUE(h.integer);
  EXPECT_EQ(h.reset_hint, CounterResetHint::kNotReset);
  EXPECT_EQ(h.schema, 1);
  EXPECT_EQ(h.count, 11);
  EXPECT_EQ(h.sum, 18.5);
  EXPECT_EQ(h.zero_threshold, 0.001);
  EXPECT_EQ(h.zero_count, 1);
  EXPECT_EQ(h.positive_spans, (std::vector<BucketSpan>{{-2, 1}, {3, 1}}));
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{2, 5}));
  EXPECT_EQ(h.negative_buckets, (std::vector<double>{3}));
}

TEST(WriteRequest, ReadsFloatHistogramsWithCustomBuckets) {
  using test::Double;
  using test::Varint;
  const std::string body = Double(2, 4.5) + Double(3, 7) + Varint(4, test::ZigZag(-53)) +
                           Double(7, 0) + test::SpanField(11, 0, 3) + Double(13, 1) +
                           test::PackedDoubles(13, {2, 1.5}) + test::PackedDoubles(16, {0.5, 2}) +
                           Varint(15, 7);
  WriteRequest request;
  ASSERT_TRUE(
      DecodeWriteRequest(SeriesField(LabelField("__name__", "h") + Message(4, body)), &request)
          .has_value());
  const Histogram& h = *request.histograms.at(0).histogram;
  EXPECT_FALSE(h.integer);
  EXPECT_EQ(h.schema, kCustomBucketsSchema);
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{1, 2, 1.5}));
  EXPECT_EQ(h.custom_values, (std::vector<double>{0.5, 2}));
}

TEST(WriteRequest, ReadsTheEndOfAHistogramSeriesAsAFloat) {
  WriteRequest request;
  const std::string stale = Message(4, test::IntegerHistogram(1000, StaleNaN()));
  ASSERT_TRUE(
      DecodeWriteRequest(SeriesField(LabelField("__name__", "h") + stale), &request).has_value());
  EXPECT_TRUE(request.histograms.empty());
  EXPECT_EQ(request.timestamps, (std::vector<TimestampMs>{1000}));
  EXPECT_TRUE(IsStaleNaN(request.values.at(0)));
}

TEST(WriteRequest, RefusesHistogramsThatAreNone) {
  const std::string too_many = test::IntegerHistogram(1) + test::PackedZigZag(12, {1, 1});
  const std::string no_type = test::Message(4, "schema as text");
  WriteRequest request;
  for (const std::string& body : {too_many, no_type}) {
    const auto decoded =
        DecodeWriteRequest(SeriesField(LabelField("__name__", "h") + Message(4, body)), &request);
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(decoded.error().kind, ErrorKind::kBadData);
  }
}

TEST(WriteRequest, FitsTheSchemasOfHistograms) {
  const auto decode = [](int64_t schema, WriteRequest* request) {
    // The last field of a number wins.
    const std::string body = test::IntegerHistogram(1) + test::Varint(4, test::ZigZag(schema));
    return DecodeWriteRequest(SeriesField(LabelField("__name__", "h") + Message(4, body)), request);
  };
  WriteRequest fine;
  ASSERT_TRUE(decode(12, &fine).has_value());
  EXPECT_EQ(fine.histograms.at(0).histogram->schema, 8);
  EXPECT_EQ(fine.histograms.at(0).histogram->positive_spans, (std::vector<BucketSpan>{{0, 2}}));
  for (const int64_t schema : {-563, -5, 53}) {
    WriteRequest none;
    const auto decoded = decode(schema, &none);
    ASSERT_FALSE(decoded.has_value()) << schema;
    EXPECT_TRUE(decoded.error().message.ends_with("got schema " + std::to_string(schema)))
        << decoded.error().message;
  }
}

TEST(WriteRequest, ReadsExemplars) {
  WriteRequest request;
  const std::string exemplar =
      LabelField("trace_id", "abc") + test::Double(2, 0.25) + test::Varint(3, 1500);
  // The request's views point into it.
  const std::string message = SeriesField(LabelField("__name__", "h") + SampleField(1, 1) +
                                          Message(3, exemplar) + Message(3, ""));
  ASSERT_TRUE(DecodeWriteRequest(message, &request).has_value());
  ASSERT_EQ(request.exemplars.size(), 2u);
  EXPECT_EQ(request.series[0].exemplar_count, 2u);
  EXPECT_EQ(request.exemplars[0].value, 0.25);
  EXPECT_EQ(request.exemplars[0].timestamp, 1500);
  EXPECT_EQ(DecodeExemplarLabels(request.exemplars[0].raw_labels).value(),
            Labels::Of({{"trace_id", "abc"}}));
  EXPECT_TRUE(DecodeExemplarLabels(request.exemplars[1].raw_labels)->empty());
}

// Symbols: "", __name__, up, job, x, trace_id, abc.
std::string V2Symbols() {
  std::string out;
  for (const char* symbol : {"", "__name__", "up", "job", "x", "trace_id", "abc"}) {
    out += Message(4, symbol);
  }
  return out;
}

std::string Refs(const std::vector<uint64_t>& refs) {
  std::string body;
  for (const uint64_t ref : refs) body += test::Varint(ref);
  return Message(1, body);
}

TEST(WriteRequestV2, ReadsTheSameAsTheFirstVersion) {
  const std::string exemplar = Refs({5, 6}) + test::Double(2, 0.25) + test::Varint(3, 1500);
  const std::string message =
      Message(5, Refs({1, 2, 3, 4}) + SampleField(1.5, 1000) +
                     Message(3, test::IntegerHistogram(2000)) + Message(4, exemplar)) +
      V2Symbols() + Message(5, Refs({1, 2}) + SampleField(-1, -5));
  WriteRequest request;
  ASSERT_TRUE(DecodeWriteRequestV2(message, &request).has_value());
  ASSERT_EQ(request.series.size(), 2u);
  EXPECT_EQ(request.values, (std::vector<double>{1.5, -1}));
  EXPECT_EQ(request.timestamps, (std::vector<TimestampMs>{1000, -5}));
  EXPECT_EQ(request.series[0].raw_labels, LabelField("__name__", "up") + LabelField("job", "x"));
  EXPECT_EQ(request.series[1].raw_labels, LabelField("__name__", "up"));
  ASSERT_EQ(request.histograms.size(), 1u);
  EXPECT_EQ(request.histograms[0].histogram->count, 11);
  ASSERT_EQ(request.exemplars.size(), 1u);
  EXPECT_EQ(request.exemplars[0].raw_labels, LabelField("trace_id", "abc"));
}

TEST(WriteRequestV2, RefusesReferencesThatLeadNowhere) {
  WriteRequest request;
  const auto error = [&](const std::string& message) {
    const auto decoded = DecodeWriteRequestV2(message, &request);
    EXPECT_FALSE(decoded.has_value());
    return decoded.has_value() ? std::string() : decoded.error().message;
  };
  EXPECT_EQ(error(V2Symbols() + Message(5, Refs({1, 7}))),
            "labelRefs 1 (name) = 7 (value) outside of symbols table (size 7)");
  EXPECT_EQ(error(V2Symbols() + Message(5, Refs({1}))), "invalid labelRefs length 1");
  EXPECT_EQ(error(Message(4, "x")),
            "the first symbol of a remote write 2.0 request must be the empty string");
  EXPECT_NE(error("\xff"), "");
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
