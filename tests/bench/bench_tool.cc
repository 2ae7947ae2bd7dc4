// SPDX-License-Identifier: Apache-2.0
// The load side of the benchmarks: serves scrape targets, sends remote write. Driven by run.py.
//   vigil-bench targets PORT SERIES          serve /t/<n>/metrics until killed
//   vigil-bench write URL SERIES PER_REQUEST ROUNDS STEP_MS START_MS [SHAPE]
//   vigil-bench history URL END_MS
//   vigil-bench span URL SERIES SPAN_MS STEP_MS END_MS    mixed series, in order of time
//   vigil-bench push URL PUSHES GROUPS CONNECTIONS       prints pushes per second
//   vigil-bench ask URL CONNECTIONS MILLISECONDS         prints requests, seconds, median and 99th
//                                                        percentile in ms, bytes of one answer
#include <snappy.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/strings.h"
#include "client-lib/http/client.h"
#include "client-lib/http/server.h"
#include "client-lib/model/float_text.h"
#include "tests/bench/asker.h"
#include "tests/bench/workload.h"
#include "tests/support/remote_write_message.h"

namespace vigil::bench {
namespace {

constexpr size_t kBuckets = 10;

// Of ten series four are counters, three gauges, three histogram buckets.
std::string Page(uint64_t target, size_t series, uint64_t tick) {
  std::string page;
  page.reserve(series * 80);
  const auto add = [&](std::string_view name, std::string_view label, size_t i, double value) {
    page.append(name).append("{").append(label).append("=\"").append(std::to_string(i));
    page.append("\",zone=\"eu-west\",service=\"checkout\"} ");
    AppendFloatExposition(value, &page);
    page.push_back('\n');
  };
  const size_t counters = series * 4 / 10, gauges = series * 3 / 10;
  page.append("# TYPE app_requests_total counter\n");
  for (size_t i = 0; i < counters; ++i) {
    add("app_requests_total", "path", i, Counter(target << 32 | i, tick));
  }
  page.append("# TYPE app_queue_depth gauge\n");
  for (size_t i = 0; i < gauges; ++i) {
    add("app_queue_depth", "queue", i, Gauge(target << 32 | (i + counters), tick));
  }
  page.append("# TYPE app_latency_seconds histogram\n");
  for (size_t i = 0; i < series - counters - gauges; ++i) {
    const uint64_t histogram = target << 32 | (1u << 24) | i / kBuckets;
    page.append("app_latency_seconds_bucket{route=\"").append(std::to_string(i / kBuckets));
    page.append("\",le=\"").append(std::to_string(i % kBuckets)).append(".5\"} ");
    AppendFloatExposition(Bucket(histogram, i % kBuckets, kBuckets, tick), &page);
    page.push_back('\n');
  }
  return page;
}

int ServeTargets(int port, size_t series) {
  http::Router router;
  router.Add("GET", "/t/:n/metrics", [series](const http::Request& request) {
    const uint64_t target = ParseUint(request.PathValue("n")).value_or(0);
    const auto tick = static_cast<uint64_t>(Clock::System().Now() / 1000);
    http::Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = Page(target, series, tick);
    return response;
  });
  http::ServerOptions options;
  options.listen_addresses = {"127.0.0.1:" + std::to_string(port)};
  options.threads = 128;
  options.keep_alive_timeout_ms = 60'000;
  auto server = http::Server::Start(std::move(options), [&router](const http::Request& request) {
    http::Request copy = request;
    return router.Dispatch(copy);
  });
  if (!server) {
    std::fprintf(stderr, "vigil-bench: %s\n", server.error().message.c_str());
    return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

// What the series of a remote-write run look like.
enum class Shape { kMixed, kCounters, kHistogram };

std::string SeriesLabels(Shape shape, size_t i) {
  using test::LabelField;
  const std::string number = std::to_string(i);
  switch (shape) {
    case Shape::kCounters:
      return LabelField("__name__", "bench_requests_total") +
             LabelField("instance", "host-" + std::to_string(i % 10)) + LabelField("job", "bench") +
             LabelField("path", "/p/" + number);
    case Shape::kHistogram:
      return LabelField("__name__", "bench_latency_seconds_bucket") +
             LabelField("instance", "host-" + std::to_string(i / kBuckets)) +
             LabelField("job", "bench") + LabelField("le", std::to_string(i % kBuckets + 1) + ".0");
    case Shape::kMixed:
      break;
  }
  static constexpr std::array<const char*, 10> kNames = {
      "rw_requests_total", "rw_bytes_total", "rw_errors_total", "rw_jobs_total",
      "rw_depth",          "rw_temperature", "rw_utilisation",  "rw_latency_bucket",
      "rw_size_bucket",    "rw_wait_bucket"};
  return LabelField("__name__", kNames[i % 10]) +
         LabelField("instance", "host-" + std::to_string(i / 500)) + LabelField("job", "bench") +
         LabelField("path", "/p/" + number);
}

double SeriesValue(Shape shape, size_t i, uint64_t tick) {
  if (shape == Shape::kCounters) return Counter(i, tick);
  if (shape == Shape::kHistogram) return Bucket(i / kBuckets, i % kBuckets, kBuckets, tick);
  if (i % 10 < 4) return Counter(i, tick);
  if (i % 10 < 7) return Gauge(i, tick);
  return Bucket(i / 10, i % 10 - 7, 3, tick);
}

struct WriteRun {
  std::string url;
  size_t series = 0, per_request = 0;
  uint64_t rounds = 0;
  int64_t step_ms = 0, start_ms = 0;
  Shape shape = Shape::kMixed;
};

// Sends one request after the other, as one shard of a sender does; 503 is repeated.
class Sender {
 public:
  explicit Sender(std::string url) : url_(std::move(url)) {}

  bool Send(const std::string& message) {
    snappy::Compress(message.data(), message.size(), &body_);
    for (int attempt = 0; attempt < 600; ++attempt) {
      const int status = SendOnce();
      if (status == 204 || status == 200) return true;
      if (status != 503) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    std::fprintf(stderr, "vigil-bench: %s\n", text_.c_str());
    return false;
  }

 private:
  int SendOnce() {
    http::ClientRequest request;
    request.method = "POST";
    request.url = url_;
    request.headers.Add("Content-Type", "application/x-protobuf");
    request.headers.Add("Content-Encoding", "snappy");
    request.headers.Add("X-Prometheus-Remote-Write-Version", "0.1.0");
    request.body = body_;
    request.timeout_ms = 60'000;
    bool done = false;
    int status = 0;
    client_->Start(std::move(request), [&](Result<http::ClientResponse> answer, std::string) {
      done = true;
      status = answer ? answer->status : -1;
      text_ =
          answer ? "HTTP " + std::to_string(status) + ": " + answer->body : answer.error().message;
    });
    while (!done) client_->Poll(1000);
    return status;
  }

  std::string url_;
  std::string body_;
  std::string text_;
  std::unique_ptr<http::AsyncClient> client_ = http::AsyncClient::Create();
};

// One sample per series and round.
int Write(const WriteRun& run) {
  std::vector<std::string> labels(run.series);
  for (size_t i = 0; i < run.series; ++i) labels[i] = SeriesLabels(run.shape, i);
  Sender sender(run.url);
  std::string message;
  for (uint64_t round = 0; round < run.rounds; ++round) {
    const int64_t timestamp = run.start_ms + static_cast<int64_t>(round) * run.step_ms;
    for (size_t begin = 0; begin < run.series; begin += run.per_request) {
      message.clear();
      for (size_t i = begin; i < std::min(run.series, begin + run.per_request); ++i) {
        message += test::SeriesField(
            labels[i] + test::SampleField(SeriesValue(run.shape, i, round), timestamp));
      }
      if (!sender.Send(message)) return 1;
    }
  }
  return 0;
}

struct HistoryPart {
  Shape shape;
  size_t series;
  int64_t step_ms;
  int64_t span_ms;  // before the end
};

// The parts up to the end, in order of time, in requests of five minutes.
int SendParts(const std::string& url, std::span<const HistoryPart> parts, int64_t end_ms) {
  constexpr int64_t kSlice = 300'000;
  int64_t longest = 0;
  for (const HistoryPart& part : parts) longest = std::max(longest, part.span_ms);
  Sender sender(url);
  for (int64_t slice = end_ms - longest; slice < end_ms; slice += kSlice) {
    std::string message;
    for (const HistoryPart& part : parts) {
      if (slice < end_ms - part.span_ms) continue;
      for (size_t i = 0; i < part.series; ++i) {
        std::string fields = SeriesLabels(part.shape, i);
        for (int64_t t = slice; t < slice + kSlice; t += part.step_ms) {
          const auto tick = static_cast<uint64_t>((t - (end_ms - longest)) / part.step_ms);
          fields += test::SampleField(SeriesValue(part.shape, i, tick), t);
        }
        message += test::SeriesField(fields);
      }
    }
    if (!sender.Send(message)) return 1;
  }
  return 0;
}

// The data of the query table: 24 h of 100 counters and 50 buckets at 30 s, and an hour of 2500
// mixed series at 15 s.
int History(const std::string& url, int64_t end_ms) {
  constexpr int64_t kDay = 86'400'000;
  constexpr std::array<HistoryPart, 3> kParts = {{{Shape::kCounters, 100, 30'000, kDay},
                                                  {Shape::kHistogram, 50, 30'000, kDay},
                                                  {Shape::kMixed, 2500, 15'000, 3'600'000}}};
  return SendParts(url, kParts, end_ms);
}

// Keeps `connections` pushes under way until `pushes` are done.
int Push(const std::string& url, size_t pushes, size_t groups, size_t connections) {
  auto client = http::AsyncClient::Create();
  size_t started = 0, finished = 0, failed = 0;
  const auto begin = Clock::System().MonotonicNs();
  while (finished < pushes) {
    while (started < pushes && client->in_flight() < connections) {
      http::ClientRequest request;
      request.method = "PUT";
      request.url = url + "/metrics/job/batch/instance/" + std::to_string(started % groups);
      const std::string value = std::to_string(started);
      request.body = "# TYPE batch_duration_seconds gauge\nbatch_duration_seconds " + value +
                     "\n# TYPE batch_records_total counter\nbatch_records_total{kind=\"a\"} " +
                     value + "\nbatch_records_total{kind=\"b\"} " + value + "\n";
      ++started;
      client->Start(std::move(request), [&](Result<http::ClientResponse> answer, std::string) {
        ++finished;
        if (!answer || answer->status != 200) ++failed;
      });
    }
    client->Poll(1000);
  }
  if (failed > 0) {
    std::fprintf(stderr, "vigil-bench: %zu of %zu pushes failed\n", failed, pushes);
    return 1;
  }
  const double seconds = static_cast<double>(Clock::System().MonotonicNs() - begin) / 1e9;
  std::printf("%.1f\n", static_cast<double>(pushes) / seconds);
  return 0;
}

int Ask(const std::string& url, size_t connections, uint64_t milliseconds) {
  const Result<Asked> asked = AskRepeatedly(url, connections, milliseconds);
  if (!asked) {
    std::fprintf(stderr, "vigil-bench: %s\n", asked.error().message.c_str());
    return 1;
  }
  const std::vector<double>& took_ms = asked->took_ms;
  std::printf("%zu %.6f %.4f %.4f %zu\n", took_ms.size(), asked->seconds,
              took_ms[took_ms.size() / 2], took_ms[(took_ms.size() - 1) * 99 / 100], asked->bytes);
  return 0;
}

int Main(const std::vector<std::string>& args) {
  const auto number = [&](size_t i) { return ParseUint(args[i]).value_or(0); };
  if (args.size() == 3 && args[0] == "targets") {
    return ServeTargets(static_cast<int>(number(1)), number(2));
  }
  if (args.size() == 3 && args[0] == "history") {
    return History(args[1], static_cast<int64_t>(number(2)));
  }
  if (args.size() == 6 && args[0] == "span") {
    const std::array<HistoryPart, 1> parts = {
        {{Shape::kMixed, number(2), static_cast<int64_t>(number(4)),
          static_cast<int64_t>(number(3))}}};
    return SendParts(args[1], parts, static_cast<int64_t>(number(5)));
  }
  if (args.size() == 4 && args[0] == "ask") return Ask(args[1], number(2), number(3));
  if (args.size() == 5 && args[0] == "push") {
    return Push(args[1], number(2), number(3), number(4));
  }
  if (args.size() >= 7 && args[0] == "write") {
    WriteRun run;
    run.url = args[1];
    run.series = number(2);
    run.per_request = number(3);
    run.rounds = number(4);
    run.step_ms = static_cast<int64_t>(number(5));
    run.start_ms = static_cast<int64_t>(number(6));
    if (args.size() > 7 && args[7] == "counters") run.shape = Shape::kCounters;
    if (args.size() > 7 && args[7] == "histogram") run.shape = Shape::kHistogram;
    return Write(run);
  }
  std::fputs("vigil-bench: see the head of tests/bench/bench_tool.cc\n", stderr);
  return 2;
}

}  // namespace
}  // namespace vigil::bench

int main(int argc, char** argv) { return vigil::bench::Main({argv + 1, argv + argc}); }
