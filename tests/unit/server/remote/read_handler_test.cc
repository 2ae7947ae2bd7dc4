// SPDX-License-Identifier: Apache-2.0
#include "server/remote/read_handler.h"

#include <gtest/gtest.h>
#include <snappy.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "server/chunks/crc32c.h"
#include "server/remote/histogram_message.h"
#include "server/remote/proto_reader.h"
#include "server/remote/write_request.h"
#include "tests/support/memory_storage.h"
#include "tests/support/remote_write_message.h"
#include "tests/support/sample_histograms.h"
#include "tests/support/slow_tsdb_chunks.h"

namespace vigil::remote {
namespace {

using test::Message;
using test::Varint;

std::string MatcherField(uint64_t type, std::string_view name, std::string_view value) {
  return Message(3, Varint(1, type) + Message(2, name) + Message(3, value));
}

std::string QueryField(std::string_view matchers, uint64_t start = 0, uint64_t end = 100'000) {
  return Message(1, Varint(1, start) + Varint(2, end) + std::string(matchers));
}

std::string Snappy(std::string_view message) {
  std::string out;
  snappy::Compress(message.data(), message.size(), &out);
  return out;
}

// One frame off the stream: checks length and sum, gives the ChunkedReadResponse.
std::string_view TakeFrame(std::string_view* stream) {
  uint64_t size = 0;
  EXPECT_TRUE(TakeVarint(stream, &size));
  uint32_t crc = 0;
  for (size_t i = 0; i < 4; ++i) crc = crc << 8 | static_cast<uint8_t>((*stream)[i]);
  stream->remove_prefix(4);
  const std::string_view message = stream->substr(0, size);
  EXPECT_EQ(chunks::Crc32c(message), crc);
  stream->remove_prefix(size);
  return message;
}

// A place in the list of running requests, without the list.
class FakeTask : public ReadTask {
 public:
  [[nodiscard]] std::stop_token stop() const override { return stop_source.get_token(); }
  void Describe(std::string what) override { text = std::move(what); }
  void Start() override { started = true; }
  void BeginSending() override { sending = true; }
  Result<void> CheckAlive() override {
    if (stop_source.stop_requested()) return Canceled("the request was canceled");
    if (checks_left == 0) return Timeout("the request took longer than 1 ms");
    --checks_left;
    return Ok();
  }
  Result<void> Reach(size_t bytes) override {
    most_bytes = std::max(most_bytes, bytes);
    return bytes <= max_bytes ? Ok() : ExecutionError("too much memory");
  }
  void CountSelected(const storage::SeriesSet& set) override { series += set.size(); }
  void CountSamples(size_t count) override { samples += count; }

  std::stop_source stop_source;
  std::string text;
  std::atomic<bool> started = false;
  bool sending = false;
  int checks_left = 1'000'000;
  size_t max_bytes = SIZE_MAX;
  size_t most_bytes = 0;
  size_t series = 0;
  size_t samples = 0;
};

class ReadHandlerTest : public ::testing::Test {
 protected:
  ReadHandlerTest() {
    for (int i = 1; i <= 300; ++i) {
      store_.Add(Labels::Of({{"__name__", "up"}, {"job", "a"}}), i * 100, i);
    }
    store_.Add(Labels::Of({{"__name__", "up"}, {"job", "b"}, {"site", "own"}}), 5000, 7);
    for (const HistogramSample& sample : testing::MakeHistograms(10, true, 1)) {
      store_.AddHistogram(Labels::Of({{"__name__", "sizes"}}), sample.timestamp % 100'000,
                          *sample.histogram);
    }
  }
  ReadHandler::Options options_;
  http::Response Post(std::string_view message) {
    ReadHandler handler(
        store_, [this] { return external_; }, options_);
    http::Request request;
    request.body = Snappy(message);
    task_ = std::make_shared<FakeTask>();
    task_->checks_left = checks_;
    task_->max_bytes = max_bytes_;
    http::Response response = handler.Handle(request, task_);
    EXPECT_TRUE(task_->started);
    if (response.stream != nullptr) {
      EXPECT_EQ(handler.queries(), 1u);
      EXPECT_TRUE(task_->sending);
      complete_ = response.stream([&](std::string_view bytes) {
        response.body.append(bytes);
        return true;
      });
      EXPECT_TRUE(complete_ || checks_ < 1'000);
      response.stream = nullptr;
    }
    if (response.kept != nullptr) {
      EXPECT_EQ(handler.queries(), 1u) << "it counts until it is sent";
      response.kept.reset();
    }
    EXPECT_EQ(handler.queries(), 0u);
    return response;
  }
  std::shared_ptr<FakeTask> task_;
  int checks_ = 1'000'000;
  size_t max_bytes_ = SIZE_MAX;
  bool complete_ = false;
  tests::MemoryStorage store_;
  Labels external_;
};

// The answer's time series have the layout of those in a write request.
WriteRequest SamplesOf(const http::Response& response, std::string* message) {
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.content_type, "application/x-protobuf");
  EXPECT_EQ(response.headers.Get("Content-Encoding"), "snappy");
  EXPECT_TRUE(snappy::Uncompress(response.body.data(), response.body.size(), message));
  ProtoReader reader(*message);
  const auto result = reader.Next();
  WriteRequest samples;
  EXPECT_TRUE(DecodeWriteRequest(result->bytes, &samples).has_value());
  return samples;
}

TEST_F(ReadHandlerTest, AnswersSamplesWithinTheTimes) {
  std::string message;
  const WriteRequest read =
      SamplesOf(Post(QueryField(MatcherField(0, "__name__", "up"), 4'900, 5'100)), &message);
  ASSERT_EQ(read.series.size(), 2u);
  EXPECT_EQ(DecodeLabels(read.series[0].raw_labels).value(),
            Labels::Of({{"__name__", "up"}, {"job", "a"}}));
  EXPECT_EQ(read.timestamps, (std::vector<TimestampMs>{4'900, 5'000, 5'100, 5'000}));
  EXPECT_EQ(read.values, (std::vector<double>{49, 50, 51, 7}));
}

TEST_F(ReadHandlerTest, AddsExternalLabelsAndLooksPastThem) {
  external_ = Labels::Of({{"replica", "1"}, {"site", "north"}});
  std::string message;
  const WriteRequest read =
      SamplesOf(Post(QueryField(MatcherField(0, "__name__", "up") +
                                    MatcherField(0, "replica", "1") + MatcherField(2, "job", "a|b"),
                                5'000, 5'000)),
                &message);
  ASSERT_EQ(read.series.size(), 2u);
  EXPECT_EQ(DecodeLabels(read.series[0].raw_labels).value(),
            Labels::Of({{"__name__", "up"}, {"job", "a"}, {"replica", "1"}, {"site", "north"}}));
  EXPECT_EQ(DecodeLabels(read.series[1].raw_labels).value(),
            Labels::Of({{"__name__", "up"}, {"job", "b"}, {"replica", "1"}, {"site", "own"}}));
}

TEST_F(ReadHandlerTest, SamplesHoldHistograms) {
  std::string message;
  const WriteRequest read =
      SamplesOf(Post(QueryField(MatcherField(0, "__name__", "sizes"))), &message);
  EXPECT_EQ(read.histograms.size(), 10u);
  EXPECT_TRUE(read.histograms[0].histogram->integer);
}

TEST_F(ReadHandlerTest, StreamsChunksInFrames) {
  options_.max_frame_bytes = 300;
  const std::string request = QueryField(MatcherField(0, "__name__", "sizes")) +
                              QueryField(MatcherField(0, "job", "a")) + Varint(2, 1);
  const http::Response response = Post(request);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type,
            "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");
  std::string_view rest = response.body;
  std::vector<double> values;
  size_t frames = 0;
  while (!rest.empty()) {
    ++frames;
    uint64_t query = 0;
    std::string_view series;
    ProtoReader frame(TakeFrame(&rest));
    while (auto field = frame.Next()) {
      if (field->number == 1) series = field->bytes;
      if (field->number == 2) query = field->varint;
    }
    std::string_view name;
    ProtoReader fields(series);
    while (auto field = fields.Next()) {
      if (field->number == 1) name = field->bytes;
      if (field->number != 2) continue;
      uint64_t encoding = 0;
      ProtoReader chunk(field->bytes);
      while (auto part = chunk.Next()) {
        if (part->number == 3) encoding = part->varint;
        if (part->number != 4) continue;
        EXPECT_EQ(encoding, query == 0 ? 2u : 1u);
        if (query == 0) continue;
        for (const Sample& sample : testing::DecodeXorChunk(part->bytes)) {
          values.push_back(sample.value);
        }
      }
    }
    EXPECT_FALSE(name.empty());
  }
  EXPECT_GE(frames, 3u);
  ASSERT_EQ(values.size(), 300u);
  for (int i = 0; i < 300; ++i) EXPECT_EQ(values[static_cast<size_t>(i)], i + 1);
}

TEST_F(ReadHandlerTest, RefusesWithUpstreamsTexts) {
  ReadHandler handler(
      store_, [] { return Labels(); }, options_);
  http::Request broken;
  broken.body = "xxx";
  EXPECT_EQ(handler.Handle(broken, std::make_shared<FakeTask>()).status, 400);
  EXPECT_EQ(handler.Handle(broken, std::make_shared<FakeTask>()).body, "snappy: corrupt input\n");
  EXPECT_EQ(Post("\x0a\x7f").status, 400);
  EXPECT_EQ(Post(Varint(2, 9)).status, 400);
  EXPECT_EQ(Post(QueryField(MatcherField(9, "a", "b"))).status, 500);
  EXPECT_EQ(Post(QueryField(MatcherField(2, "a", "("))).status, 500);
  options_.max_samples = 299;
  const http::Response many = Post(QueryField(MatcherField(0, "job", "a")));
  EXPECT_EQ(many.status, 400);
  EXPECT_EQ(many.body, "exceeded sample limit (299)\n");
}

TEST_F(ReadHandlerTest, RefusesTooManyQueriesAndMatchers) {
  const auto repeated = [](int count, const std::string& what) {
    std::string out;
    for (int i = 0; i < count; ++i) out += what;
    return out;
  };
  constexpr std::string_view kTooMuch =
      "the remote read request has more than 1000 queries or 10000 matchers and labels to group "
      "by: ask for less at once";
  EXPECT_TRUE(DecodeReadRequest(repeated(1'000, Message(1, ""))));
  EXPECT_EQ(DecodeReadRequest(repeated(1'001, Message(1, ""))).error().message, kTooMuch);
  EXPECT_TRUE(DecodeReadRequest(repeated(10, Message(1, repeated(1'000, Message(3, ""))))));
  EXPECT_EQ(
      DecodeReadRequest(repeated(10, Message(1, repeated(1'001, Message(3, ""))))).error().message,
      kTooMuch);
  const std::string groupings = Message(1, Message(4, repeated(10'001, Message(5, ""))));
  EXPECT_EQ(DecodeReadRequest(groupings).error().message, kTooMuch);
}

TEST_F(ReadHandlerTest, CountsTheSamplesOfAllQueriesTogether) {
  options_.max_samples = 599;
  const std::string query = QueryField(MatcherField(0, "job", "a"));
  EXPECT_EQ(Post(query).status, 200);
  EXPECT_EQ(task_->samples, 300u);
  const http::Response both = Post(query + query);
  EXPECT_EQ(both.status, 400);
  EXPECT_EQ(both.body, "exceeded sample limit (599)\n");
}

TEST_F(ReadHandlerTest, TellsWhatItReadsAndHowMuch) {
  Post(QueryField(MatcherField(0, "__name__", "up") + MatcherField(2, "job", "a|b")) +
       QueryField(MatcherField(1, "job", "b") + MatcherField(3, "job", "")));
  EXPECT_EQ(task_->text, "{__name__=\"up\",job=~\"a|b\"}, {job!=\"b\",job!~\"\"}");
  EXPECT_EQ(task_->series, 3u);
  EXPECT_EQ(task_->samples, 601u);
  EXPECT_GT(task_->most_bytes, 601u * 8);
}

TEST_F(ReadHandlerTest, EndsWhenItsTimeOrMemoryIsOver) {
  const std::string query = QueryField(MatcherField(0, "__name__", "up"));
  checks_ = 2;  // one for the query, one for its first series
  EXPECT_EQ(Post(query).status, 503);
  EXPECT_EQ(Post(query + Varint(2, 1)).status, 200);
  EXPECT_FALSE(complete_) << "a stream that has begun is cut off";
  checks_ = 1'000'000;
  max_bytes_ = 700;
  const http::Response response = Post(query);
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.body, "too much memory\n");
}

class ReadQueueTest : public ReadHandlerTest {
 protected:
  ReadQueueTest() {
    options_.max_concurrent = 1;
    options_.max_waiting = 1;
    options_.queue_timeout_ms = 600'000;
    handler_ = std::make_unique<ReadHandler>(
        store_, [] { return Labels(); }, options_);
    request_.body = Snappy(QueryField(MatcherField(0, "job", "a")));
    first_ = handler_->Handle(request_, std::make_shared<FakeTask>());
    EXPECT_EQ(first_.status, 200);
  }
  // Runs until it has its turn or is canceled.
  std::jthread Wait(std::shared_ptr<FakeTask> task, int* status) {
    std::jthread thread(
        [this, task, status] { *status = handler_->Handle(request_, task).status; });
    while (handler_->queries() < 2) std::this_thread::yield();
    return thread;
  }
  http::Request request_;
  std::unique_ptr<ReadHandler> handler_;
  http::Response first_;  // being sent: it has the only slot
};

TEST_F(ReadQueueTest, WaitsForItsTurn) {
  const auto task = std::make_shared<FakeTask>();
  int status = 0;
  std::jthread thread = Wait(task, &status);
  EXPECT_FALSE(task->started);
  first_ = http::Response();
  thread.join();
  EXPECT_EQ(status, 200);
  EXPECT_TRUE(task->started);
}

TEST_F(ReadQueueTest, MayBeCanceledInTheQueue) {
  const auto task = std::make_shared<FakeTask>();
  int status = 0;
  std::jthread thread = Wait(task, &status);
  task->stop_source.request_stop();
  thread.join();
  EXPECT_EQ(status, 499);
  EXPECT_FALSE(task->started);
}

TEST_F(ReadQueueTest, NoMoreThanSoManyWait) {
  const auto task = std::make_shared<FakeTask>();
  int status = 0;
  std::jthread thread = Wait(task, &status);
  while (true) {
    // The one before may not have come as far as the queue.
    const auto other = std::make_shared<FakeTask>();
    other->stop_source.request_stop();
    const http::Response response = handler_->Handle(request_, other);
    if (response.status == 499) continue;
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.body, "too many remote read queries are waiting, try again later\n");
    break;
  }
  task->stop_source.request_stop();
}

TEST(NegotiateResponseType, TakesTheFirstThatIsThere) {
  EXPECT_EQ(NegotiateResponseType({}).value(), ReadResponseType::kSamples);
  EXPECT_EQ(NegotiateResponseType({7, 1, 0}).value(), ReadResponseType::kStreamedXorChunks);
  EXPECT_FALSE(NegotiateResponseType({2, 3}).has_value());
}

}  // namespace
}  // namespace vigil::remote
