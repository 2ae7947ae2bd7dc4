// SPDX-License-Identifier: Apache-2.0
// The receiver's answers, with a store that only counts.
#include "server/remote/write_receiver.h"

#include <gtest/gtest.h>
#include <snappy.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/support/remote_write_message.h"

namespace vigil::remote {
namespace {

using test::LabelField;
using test::Message;
using test::SampleField;
using test::SeriesField;

class CountingAppender : public storage::Appender {
 public:
  Result<storage::SeriesRef> Resolve(const Labels& labels) override {
    ++resolved;
    if (labels.MetricName() == limited) return BadData("the limit of 1 series is reached");
    return refs.try_emplace(labels, refs.size() + 1).first->second;
  }
  Result<storage::AppendOutcome> Append(const storage::SampleBatch& batch,
                                        storage::AppendMode mode) override {
    EXPECT_EQ(mode, expected_mode);
    if (behind) return Unavailable("the journal is behind");
    storage::AppendOutcome outcome;
    outcome.position = 7;
    if (forget_once) {
      forget_once = false;
      outcome.unknown_series = 1;
      outcome.first_reason = storage::SampleVerdict::kUnknownSeries;
      return outcome;
    }
    if (verdict != storage::SampleVerdict::kAccepted) {
      outcome.out_of_order = 1;
      outcome.first_reason = verdict;
      return outcome;
    }
    for (const storage::SeriesRef ref : batch.refs) {
      const auto is_late = [&](const auto& one) {
        return one.second == ref && one.first.MetricName() == late;
      };
      outcome.out_of_order += std::any_of(refs.begin(), refs.end(), is_late) ? 1 : 0;
    }
    if (outcome.out_of_order > 0) outcome.first_reason = storage::SampleVerdict::kOutOfOrder;
    samples += batch.size() - outcome.out_of_order;
    outcome.accepted = batch.size() + batch.histograms.size() - outcome.out_of_order;
    outcome.accepted_histograms = batch.histograms.size();
    return outcome;
  }
  Result<void> WaitDurable(storage::JournalPosition position, int64_t) override {
    EXPECT_EQ(position, 7u);
    ++waits;
    return Ok();
  }

  void AppendExemplars(const storage::ExemplarBatch& batch) override {
    exemplars += batch.refs.size();
  }

  void PutMetadata(std::span<const storage::MetricMetadata> rows) override {
    metadata.insert(metadata.end(), rows.begin(), rows.end());
  }

  std::map<Labels, storage::SeriesRef> refs;
  std::vector<storage::MetricMetadata> metadata;
  std::string limited;
  std::string late;  // samples of this metric are out of order
  storage::AppendMode expected_mode = storage::AppendMode::kAllOrNothing;
  size_t exemplars = 0;
  size_t resolved = 0, samples = 0, waits = 0;
  bool behind = false, forget_once = false;
  storage::SampleVerdict verdict = storage::SampleVerdict::kAccepted;
};

http::Request Post(const std::string& message) {
  http::Request request;
  request.method = "POST";
  snappy::Compress(message.data(), message.size(), &request.body);
  request.headers.Add("Content-Type", "application/x-protobuf");
  request.headers.Add("Content-Encoding", "snappy");
  return request;
}

const std::string kOneSeries = SeriesField(LabelField("__name__", "up") + SampleField(1, 1000));

TEST(WriteReceiver, AcknowledgesOnlyAfterTheJournal) {
  CountingAppender appender;
  WriteReceiver receiver(appender);
  EXPECT_EQ(receiver.Handle(Post(kOneSeries)).status, 204);
  EXPECT_EQ(appender.samples, 1u);
  EXPECT_EQ(appender.waits, 1u);
}

TEST(WriteReceiver, ResolvesASeriesOnce) {
  CountingAppender appender;
  WriteReceiver receiver(appender);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(receiver.Handle(Post(kOneSeries)).status, 204);
  EXPECT_EQ(appender.resolved, 1u);
  EXPECT_EQ(receiver.stats().cached_series.load(), 1u);
}

TEST(WriteReceiver, ResolvesAgainWhenTheStoreForgotASeries) {
  CountingAppender appender;
  WriteReceiver receiver(appender);
  EXPECT_EQ(receiver.Handle(Post(kOneSeries)).status, 204);
  appender.forget_once = true;
  EXPECT_EQ(receiver.Handle(Post(kOneSeries)).status, 204);
  EXPECT_EQ(appender.resolved, 2u);
  EXPECT_EQ(appender.samples, 2u);
}

TEST(WriteReceiver, SkipsSeriesWithInvalidLabels) {
  CountingAppender appender;
  WriteReceiver receiver(appender);
  const std::string message =
      SeriesField(LabelField("job", "nameless") + SampleField(1, 1000)) + kOneSeries;
  EXPECT_EQ(receiver.Handle(Post(message)).status, 204);
  EXPECT_EQ(appender.samples, 1u);
  EXPECT_EQ(receiver.stats().invalid_series.load(), 1u);
}

TEST(WriteReceiver, CountsSeriesWithoutLabelsAndKeepsNothingOfThem) {
  WriteRequest request;
  ASSERT_TRUE(DecodeWriteRequest(
      SeriesField("") + SeriesField(SampleField(1, 1000)) + kOneSeries + SeriesField(""),
      &request));
  EXPECT_EQ(request.unlabelled, 3u);
  ASSERT_EQ(request.series.size(), 1u);
  EXPECT_EQ(request.series[0].first_sample, 0u);
  EXPECT_EQ(request.timestamps.size(), 1u);

  CountingAppender appender;
  WriteReceiver receiver(appender);
  EXPECT_EQ(receiver.Handle(Post(SeriesField("") + kOneSeries + SeriesField(""))).status, 204);
  EXPECT_EQ(appender.samples, 1u);
  EXPECT_EQ(receiver.stats().invalid_series.load(), 2u);
}

http::Request PostOtlp() {
  using test::Double;
  const auto attribute = [](uint32_t field, std::string_view key, std::string_view value) {
    return Message(field, Message(1, key) + Message(2, Message(1, value)));
  };
  const std::string time = test::Varint(3 << 3 | 1) + std::string(8, '\x11');
  http::Request request;
  request.method = "POST";
  request.headers.Add("Content-Type", "application/x-protobuf");
  request.body = Message(
      1, Message(1, attribute(1, "service.name", "shop") + attribute(1, "host", "h")) +
             Message(2, Message(2, Message(1, "g") + Message(5, Message(1, time + Double(4, 1))))));
  return request;
}

TEST(WriteReceiver, TargetInfoMayBeRefused) {
  CountingAppender appender;
  appender.expected_mode = storage::AppendMode::kSenderKeeps;
  WriteReceiver receiver(appender);
  EXPECT_EQ(receiver.HandleOtlp(PostOtlp()).status, 200);
  EXPECT_EQ(appender.samples, 2u);
  appender.late = "target_info";
  EXPECT_EQ(receiver.HandleOtlp(PostOtlp()).status, 200);
  EXPECT_EQ(appender.samples, 3u);
  EXPECT_EQ(receiver.stats().samples.load(), 3u);
  appender.late = "g";
  EXPECT_EQ(receiver.HandleOtlp(PostOtlp()).status, 400);
  EXPECT_EQ(appender.samples, 4u);
}

TEST(WriteReceiver, AnswersOtlpInTheEncodingOfTheRequest) {
  CountingAppender appender;
  appender.expected_mode = storage::AppendMode::kSenderKeeps;
  auto config = std::make_shared<config::Config>();
  config->otlp.translation_strategy = "NoTranslation";
  WriteReceiver::Options options;
  options.config = [&config] { return config; };
  WriteReceiver receiver(appender, options);
  http::Request json;
  json.method = "POST";
  json.headers.Add("Content-Type", "application/json; charset=utf-8");
  json.body = R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a.b","gauge":)"
              R"({"dataPoints":[{"timeUnixNano":"1","asInt":1}]}}]}]}]})";
  http::Response response = receiver.HandleOtlp(json);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, "{}");
  ASSERT_EQ(appender.refs.size(), 1U);
  EXPECT_EQ(appender.refs.begin()->first.MetricName(), "a.b");
  // A new configuration counts from the next request on.
  config = std::make_shared<config::Config>();
  EXPECT_EQ(receiver.HandleOtlp(json).status, 200);
  EXPECT_EQ(appender.refs.size(), 2U);
  json.body = "{";
  response = receiver.HandleOtlp(json);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body,
            R"({"code":3,"message":"the body is not an OTLP export request: unexpected EOF"})");
  http::Request protobuf = PostOtlp();
  protobuf.body = "\x0a";
  response = receiver.HandleOtlp(protobuf);
  EXPECT_EQ(response.content_type, "application/x-protobuf");
  EXPECT_TRUE(response.body.starts_with("\x08\x03\x12"));
}

TEST(WriteReceiver, SaysWhyASampleWasRefused) {
  CountingAppender appender;
  appender.verdict = storage::SampleVerdict::kOutOfOrder;
  WriteReceiver receiver(appender);
  const http::Response response = receiver.Handle(Post(kOneSeries));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, "out of order sample\n");
  EXPECT_EQ(appender.waits, 0u);
}

TEST(WriteReceiver, AsksToComeBackWhenTheJournalIsBehind) {
  CountingAppender appender;
  appender.behind = true;
  WriteReceiver receiver(appender);
  const http::Response response = receiver.Handle(Post(kOneSeries));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.headers.Get("Retry-After"), "1");
}

TEST(WriteReceiver, StoresTheOthersWhenASeriesLimitIsReached) {
  CountingAppender appender;
  appender.limited = "one_more";
  WriteReceiver receiver(appender);
  const std::string message =
      SeriesField(LabelField("__name__", "one_more") + SampleField(1, 1000)) + kOneSeries;
  const http::Response response = receiver.Handle(Post(message));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, "the limit of 1 series is reached\n");
  EXPECT_EQ(appender.samples, 1u);
  EXPECT_EQ(appender.waits, 1u);
  EXPECT_EQ(receiver.stats().refused_series.load(), 1u);
}

TEST(WriteReceiver, TakesHistogramsAndExemplars) {
  CountingAppender appender;
  WriteReceiver receiver(appender);
  const std::string message =
      SeriesField(LabelField("__name__", "h") + Message(4, test::IntegerHistogram(1000)) +
                  Message(3, LabelField("trace_id", "a") + test::Double(2, 1)));
  EXPECT_EQ(receiver.Handle(Post(message)).status, 204);
  EXPECT_EQ(receiver.stats().histograms.load(), 1u);
  EXPECT_EQ(receiver.stats().samples.load(), 0u);
  EXPECT_EQ(appender.exemplars, 1u);
}

TEST(WriteReceiver, TakesMetadata) {
  CountingAppender appender;
  WriteReceiver receiver(appender);
  const auto metadata = [](uint64_t type, std::string_view family, std::string_view help) {
    return Message(
        3, test::Varint(1, type) + Message(2, family) + Message(4, help) + Message(5, "seconds"));
  };
  EXPECT_EQ(receiver
                .Handle(Post(metadata(3, "h", "How long") + metadata(99, "new", "") +
                             metadata(1, "", "nameless") + metadata(1, "bad", "\xff")))
                .status,
            204);
  EXPECT_EQ(appender.metadata,
            (std::vector<storage::MetricMetadata>{{"h", "histogram", "How long", "seconds"},
                                                  {"new", "unknown", "", "seconds"}}));
}

http::Request PostV2(const std::string& message) {
  http::Request request = Post(message);
  request.headers.Set("Content-Type",
                      "application/x-protobuf;proto=io.prometheus.write.v2.Request");
  return request;
}

TEST(WriteReceiver, TakesMetadataOfNewSeriesOfVersionTwo) {
  CountingAppender appender;
  appender.expected_mode = storage::AppendMode::kSenderKeeps;
  WriteReceiver receiver(appender);
  std::string symbols;
  for (const char* symbol : {"", "__name__", "h_bucket", "up", "How long", "seconds"}) {
    symbols += Message(4, symbol);
  }
  const auto series = [](std::string_view labels, uint64_t type) {
    return Message(5,
                   Message(1, labels) + SampleField(1, 1000) +
                       Message(5, test::Varint(1, type) + test::Varint(3, 4) + test::Varint(4, 5)));
  };
  const std::string message = symbols + series("\x01\x02", 3) + series("\x01\x03", 2) +
                              Message(5, Message(1, "\x01\x03") + Message(5, test::Varint(3, 77)));
  EXPECT_EQ(receiver.Handle(PostV2(message)).status, 204);
  const std::vector<storage::MetricMetadata> told = {{"h", "histogram", "How long", "seconds"},
                                                     {"up", "gauge", "How long", "seconds"}};
  EXPECT_EQ(appender.metadata, told);
  // It comes with every sample, and is looked at once.
  EXPECT_EQ(receiver.Handle(PostV2(message)).status, 204);
  EXPECT_EQ(appender.metadata, told);
}

TEST(WriteReceiver, SaysHowMuchOfAVersionTwoRequestWasWritten) {
  CountingAppender appender;
  appender.expected_mode = storage::AppendMode::kSenderKeeps;
  WriteReceiver receiver(appender);
  const std::string symbols = Message(4, "") + Message(4, "__name__") + Message(4, "up");
  const std::string series = Message(
      5, Message(1, "\x01\x02") + SampleField(1, 1000) + Message(3, test::IntegerHistogram(2000)));
  const http::Response response = receiver.Handle(PostV2(symbols + series));
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.headers.Get("X-Prometheus-Remote-Write-Samples-Written"), "1");
  EXPECT_EQ(response.headers.Get("X-Prometheus-Remote-Write-Histograms-Written"), "1");
  EXPECT_EQ(response.headers.Get("X-Prometheus-Remote-Write-Exemplars-Written"), "0");
  const std::string nameless = Message(5, Message(1, "") + SampleField(1, 1000));
  const http::Response partial = receiver.Handle(PostV2(symbols + series + nameless));
  EXPECT_EQ(partial.status, 400);
  EXPECT_EQ(partial.headers.Get("X-Prometheus-Remote-Write-Samples-Written"), "1");
  EXPECT_EQ(appender.waits, 2u);
}

TEST(WriteReceiver, RefusesForeignEncodings) {
  CountingAppender appender;
  WriteReceiver receiver(appender);
  http::Request gzip = Post(kOneSeries);
  gzip.headers.Set("Content-Encoding", "gzip");
  EXPECT_EQ(receiver.Handle(gzip).status, 415);
  http::Request json = Post(kOneSeries);
  json.headers.Set("Content-Type", "application/json");
  EXPECT_EQ(receiver.Handle(json).status, 415);
  http::Request v2 = Post(kOneSeries);
  v2.headers.Set("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v3.Request");
  EXPECT_EQ(receiver.Handle(v2).status, 415);
  EXPECT_EQ(appender.samples, 0u);
}

TEST(WriteReceiver, RefusesGarbageAndOversizedBodies) {
  CountingAppender appender;
  WriteReceiver::Options options;
  options.max_decoded_bytes = 1000;
  WriteReceiver receiver(appender, options);
  http::Request garbage = Post(kOneSeries);
  garbage.body = "\xff\xff\xff\xff\xff\xff garbage";
  EXPECT_EQ(receiver.Handle(garbage).status, 400);
  http::Request not_protobuf = Post(std::string(100, '\xff'));
  EXPECT_EQ(receiver.Handle(not_protobuf).status, 400);
  EXPECT_EQ(receiver.Handle(Post(std::string(2000, 'x'))).status, 400);
  EXPECT_EQ(
      receiver.Handle(Post(SeriesField(LabelField("__name__", "h") + Message(4, "\xff")))).status,
      400);
  EXPECT_EQ(appender.samples, 0u);
  EXPECT_EQ(receiver.stats().failed_requests.load(), 4u);
}

}  // namespace
}  // namespace vigil::remote
