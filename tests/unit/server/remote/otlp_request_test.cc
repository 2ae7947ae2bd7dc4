// SPDX-License-Identifier: Apache-2.0
// What becomes of OTLP metrics: messages as exporters send them, and the series they are here.
// Each message is sent in JSON, too.
#include "server/remote/otlp_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "client-lib/model/float_text.h"
#include "server/remote/otlp_json.h"
#include "server/remote/otlp_names.h"
#include "server/remote/otlp_points.h"
#include "tests/support/otlp_json_text.h"
#include "tests/support/remote_write_message.h"

namespace vigil::remote {
namespace {

using test::Double;
using test::Message;
using test::PackedDoubles;
using test::Varint;
using test::ZigZag;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kNow = 1'700'000'000'000;

std::string Fixed64(uint32_t field, uint64_t value) {
  std::string out = Varint(field << 3 | 1);
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}
std::string PackedFixed(uint32_t field, const std::vector<uint64_t>& values) {
  std::string body;
  for (const uint64_t value : values) body += Fixed64(1, value).substr(1);
  return Message(field, body);
}
std::string PackedVarints(uint32_t field, const std::vector<uint64_t>& values) {
  std::string body;
  for (const uint64_t value : values) body += Varint(value);
  return Message(field, body);
}
// A message Attribute in the field.
std::string Text(uint32_t field, std::string_view key, std::string_view value) {
  return Message(field, Message(1, key) + Message(2, Message(1, value)));
}
std::string At(uint64_t ms) { return Fixed64(3, ms * kMs); }

// The rows of a request, one series a line.
class Translated {
 public:
  explicit Translated(std::string_view message, const OtlpSettings& settings = {}) {
    result = DecodeOtlpRequest(message, settings, &request_, &extras);
    if (!result) return;
    lines = Lines();
    SendJson(message, settings);
    EXPECT_TRUE(DecodeOtlpRequest(message, settings, &request_, &extras));
  }
  Result<void> result = Ok();
  std::vector<std::string> lines;
  OtlpExtras extras;
  [[nodiscard]] const WriteRequest& request() const { return request_; }

 private:
  void SendJson(std::string_view message, const OtlpSettings& settings) {
    const auto json = OtlpJsonToProtobuf(test::OtlpJsonText(message), 64 << 20);
    ASSERT_TRUE(json) << json.error().message;
    OtlpExtras json_extras;
    ASSERT_TRUE(DecodeOtlpRequest(*json, settings, &request_, &json_extras));
    EXPECT_EQ(Lines(), lines);
    EXPECT_EQ(json_extras.metadata, extras.metadata);
    EXPECT_EQ(json_extras.problems, extras.problems);
  }
  std::vector<std::string> Lines() {
    std::vector<std::string> all;
    for (const WriteSeries& series : request_.series) all.push_back(LineOf(series));
    return all;
  }
  std::string LineOf(const WriteSeries& series) {
    const auto labels = DecodeLabels(series.raw_labels);
    if (!labels) return labels.error().message;
    std::string line = labels->ToMetricString();
    for (size_t i = series.first_sample; i < series.first_sample + series.sample_count; ++i) {
      const double value = request_.values[i];
      line += " " + (IsStaleNaN(value) ? "stale" : FormatFloatF(value)) + "@" +
              std::to_string(request_.timestamps[i] - static_cast<int64_t>(kNow));
    }
    if (series.histogram_count > 0) line += " histogram";
    for (size_t i = 0; i < series.exemplar_count; ++i) {
      const WriteExemplar& exemplar = request_.exemplars[series.first_exemplar + i];
      line += " #" + DecodeExemplarLabels(exemplar.raw_labels)->ToString() + "=" +
              FormatFloatF(exemplar.value);
    }
    return line;
  }
  WriteRequest request_;
};

std::string Export(std::string_view resource, std::string_view metrics) {
  return Message(1, Message(1, resource) + Message(2, metrics));
}
std::string MetricMessage(std::string_view name, std::string_view unit, uint32_t type,
                          std::string_view data, std::string_view description = "Told") {
  return Message(
      2, Message(1, name) + Message(2, description) + Message(3, unit) + Message(type, data));
}
const std::string kCumulativeField = Varint(2, 2);

TEST(OtlpNames, AreTranslatedAsUpstream) {
  struct Row {
    std::string_view name, unit;
    OtlpKind kind;
    std::string_view want;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"http.server.duration", "ms", OtlpKind::kOther, "http_server_duration_milliseconds"},
           {"system.cpu.time", "s", OtlpKind::kCounter, "system_cpu_time_seconds_total"},
           {"total.requests", "", OtlpKind::kCounter, "requests_total"},
           {"system.memory.usage", "By", OtlpKind::kGauge, "system_memory_usage_bytes"},
           {"memory_bytes", "By", OtlpKind::kGauge, "memory_bytes"},
           {"cpu.utilization", "1", OtlpKind::kGauge, "cpu_utilization_ratio"},
           {"cpu.utilization", "1", OtlpKind::kOther, "cpu_utilization"},
           {"disk.io", "By/s", OtlpKind::kGauge, "disk_io_bytes_per_second"},
           {"fan.speed", "{rotations}/min", OtlpKind::kGauge, "fan_speed_per_min"},
           {"queue.length", "{items}", OtlpKind::kGauge, "queue_length"},
           {"a__b..c", "", OtlpKind::kGauge, "a_b_c"},
           {"3.14.digits", "", OtlpKind::kGauge, "_3_14_digits"},
           {"load", "%", OtlpKind::kGauge, "load_percent"},
           {"area", "m^2", OtlpKind::kGauge, "area_m_2"},
           {"job:rate", "", OtlpKind::kGauge, "job:rate"},
           {"...", "", OtlpKind::kGauge, ""}}) {
    EXPECT_EQ(OtlpMetricName(row.name, row.unit, row.kind, {}), row.want) << row.name << row.unit;
  }
  EXPECT_EQ(OtlpUnit("By/s"), "bytes_per_second");
  EXPECT_EQ(OtlpUnit("{x}"), "");
  EXPECT_EQ(OtlpLabelName("http.method", {}), "http_method");
  EXPECT_EQ(OtlpLabelName("2xx", {}), "key_2xx");
  EXPECT_EQ(OtlpLabelName("_a", {}), "key_a");
  EXPECT_EQ(OtlpLabelName("__a", {}), "__a");
  EXPECT_EQ(OtlpLabelName("a:b\u00fcc", {}), "a_b_c");
  EXPECT_EQ(OtlpLabelName("_-_", {}), "");
}

TEST(OtlpNames, FollowTheStrategy) {
  struct Row {
    std::string_view name, unit;
    OtlpKind kind;
    std::string_view escaped, unescaped_with_suffixes;
  };
  OtlpNaming escaped;
  escaped.suffixes = false;
  OtlpNaming unescaped;
  unescaped.escape = false;
  OtlpNaming untouched = unescaped;
  untouched.suffixes = false;
  for (const Row& row : std::initializer_list<Row>{
           {"http.server.duration", "ms", OtlpKind::kOther, "http_server_duration",
            "http.server.duration_milliseconds"},
           {"cpu.time", "s", OtlpKind::kCounter, "cpu_time", "cpu.time_seconds_total"},
           {"requests.total", "", OtlpKind::kCounter, "requests_total", "requests_total"},
           {"used.ratio", "1", OtlpKind::kGauge, "used_ratio", "used_ratio"},
           {"io_bytes", "By/s", OtlpKind::kGauge, "io_bytes", "io_bytes_per_second"},
           {"io.per_second", "By/s", OtlpKind::kGauge, "io_per_second", "io_bytes_per_second"},
           {"a__b..c.", "{x}", OtlpKind::kGauge, "a__b_c", "a__b..c."},
           {"2xx", "", OtlpKind::kGauge, "_2xx", "2xx"}}) {
    EXPECT_EQ(OtlpMetricName(row.name, row.unit, row.kind, escaped), row.escaped);
    EXPECT_EQ(OtlpMetricName(row.name, row.unit, row.kind, unescaped), row.unescaped_with_suffixes);
    EXPECT_EQ(OtlpMetricName(row.name, row.unit, row.kind, untouched), row.name);
  }
  EXPECT_EQ(OtlpLabelName("http.method", untouched), "http.method");
  EXPECT_EQ(OtlpLabelName("__", untouched), "");
  OtlpNaming labels;
  labels.key_before_underscore = false;
  labels.keep_underscores = false;
  EXPECT_EQ(OtlpLabelName("_a..b", labels), "_a_b");
  EXPECT_EQ(OtlpLabelName("__a__b__", labels), "__a_b__");
  EXPECT_EQ(OtlpLabelName("2..a", labels), "key_2_a");
}

const std::string kResource = Text(1, "service.name", "shop") +
                              Text(1, "service.namespace", "front") +
                              Text(1, "service.instance.id", "i-1") + Text(1, "host.name", "h");
constexpr std::string_view kInfo =
    R"(target_info{host_name="h", instance="i-1", job="front/shop"})";

TEST(OtlpRequest, GaugesAndSums) {
  const std::string gauge =
      Message(1, At(kNow) + Double(4, 0.5) + Text(7, "state", "idle") + Text(7, "job", "lost")) +
      Message(1, At(kNow + 1) + Fixed64(6, static_cast<uint64_t>(-7)) +
                     Message(7, Message(1, "n") + Message(2, Varint(3, 12)))) +
      Message(1, At(kNow + 2) + Double(4, 1) + Varint(8, 1));
  const std::string sum =
      Message(1, At(kNow) + Fixed64(6, 42) + Text(7, "a.b", "1") + Text(7, "a_b", "2")) +
      kCumulativeField;
  const Translated got(Export(kResource, MetricMessage("temp", "Cel", 5, gauge) +
                                             MetricMessage("reqs", "1", 7, sum + Varint(3, 1)) +
                                             MetricMessage("level", "", 7, sum)));
  ASSERT_TRUE(got.result) << got.result.error().message;
  EXPECT_THAT(got.lines,
              ElementsAre(R"(temp_celsius{instance="i-1", job="front/shop", state="idle"} 0.5@0)",
                          R"(temp_celsius{instance="i-1", job="front/shop", n="12"} -7@1)",
                          R"(temp_celsius{instance="i-1", job="front/shop"} stale@2)",
                          R"(reqs_total{a_b="1;2", instance="i-1", job="front/shop"} 42@0)",
                          R"(level{a_b="1;2", instance="i-1", job="front/shop"} 42@0)",
                          std::string(kInfo) + " 1@0 1@2"));
  ASSERT_EQ(got.extras.metadata.size(), 3U);
  EXPECT_EQ(got.extras.metadata[0],
            (storage::MetricMetadata{"temp_celsius", "gauge", "Told", "celsius"}));
  EXPECT_EQ(got.extras.metadata[1].type, "counter");
  EXPECT_EQ(got.extras.metadata[2].type, "gauge");
}

TEST(OtlpRequest, HistogramsBecomeBuckets) {
  const auto exemplar = [](double value, std::string_view trace) {
    return Message(
        8, Fixed64(2, kNow * kMs) + Double(3, value) + Message(5, trace) + Text(7, "k", "v"));
  };
  const std::string point = At(kNow) + Fixed64(4, 6) + Double(5, 20) + PackedFixed(6, {1, 2, 3}) +
                            PackedDoubles(7, {0.25, 10}) + exemplar(5, "\x01\xab") +
                            exemplar(50, "\x02") + Text(9, "le", "wrong");
  const std::string no_sum = At(kNow) + Fixed64(4, 0);
  const Translated got(Export(
      {},
      MetricMessage("size", "By", 9, Message(1, point) + Message(1, no_sum) + kCumulativeField)));
  ASSERT_TRUE(got.result) << got.result.error().message;
  EXPECT_THAT(
      got.lines,
      ElementsAre(R"(size_bytes_sum{le="wrong"} 20@0)", R"(size_bytes_count{le="wrong"} 6@0)",
                  R"(size_bytes_bucket{le="0.25"} 1@0)",
                  R"(size_bytes_bucket{le="10"} 3@0 #{k="v", trace_id="01ab"}=5)",
                  R"(size_bytes_bucket{le="+Inf"} 6@0 #{k="v", trace_id="02"}=50)",
                  "size_bytes_count 0@0", R"(size_bytes_bucket{le="+Inf"} 0@0)"))
      << "no target_info: the resource has no name";
}

TEST(OtlpRequest, SummariesBecomeQuantiles) {
  const std::string point =
      At(kNow) + Fixed64(4, 3) + Double(5, 9) + Message(6, Double(1, 0.5) + Double(2, 2.5));
  const Translated got(Export({}, MetricMessage("wait", "s", 11, Message(1, point))));
  EXPECT_THAT(got.lines, ElementsAre("wait_seconds_sum 9@0", "wait_seconds_count 3@0",
                                     R"(wait_seconds{quantile="0.5"} 2.5@0)"));
}

std::string ExponentialPoint(int32_t scale, int32_t offset, const std::vector<uint64_t>& counts,
                             uint64_t count) {
  return At(kNow) + Fixed64(4, count) + Double(5, 7) + Varint(6, ZigZag(scale)) + Fixed64(7, 2) +
         Message(8, Varint(1, ZigZag(offset)) + PackedVarints(2, counts));
}

TEST(OtlpRequest, ExponentialHistogramsBecomeNative) {
  const std::string ended = At(kNow + 1) + Varint(10, 1);
  const Translated got(
      Export({}, MetricMessage("d", "", 10,
                               Message(1, ExponentialPoint(1, -2, {1, 0, 0, 2, 0, 0, 0, 4}, 9)) +
                                   Message(1, ended) + kCumulativeField)));
  ASSERT_TRUE(got.result) << got.result.error().message;
  EXPECT_THAT(got.lines, ElementsAre("d histogram", "d stale@1"));
  const Histogram& h = *got.request().histograms.at(0).histogram;
  EXPECT_EQ(h.schema, 1);
  EXPECT_EQ(h.count, 9);
  EXPECT_EQ(h.sum, 7);
  EXPECT_EQ(h.zero_count, 2);
  EXPECT_EQ(h.zero_threshold, 1e-128);
  EXPECT_TRUE(h.integer);
  // Bucket -2 of OTLP is -1 here; a gap of two is filled, one of three begins a span.
  EXPECT_THAT(h.positive_spans, ElementsAre(BucketSpan{-1, 4}, BucketSpan{3, 1}));
  EXPECT_THAT(h.positive_buckets, ElementsAre(1, 0, 0, 2, 4));
  EXPECT_THAT(h.negative_buckets, IsEmpty());
}

TEST(OtlpRequest, FinerScalesAreMerged) {
  OtlpPoint point;
  ASSERT_TRUE(ReadOtlpPoint(OtlpType::kExponential,
                            ExponentialPoint(10, -5, {1, 2, 3, 4, 5, 6}, 23), &point));
  const auto h = NativeHistogramOf(point);
  ASSERT_TRUE(h) << h.error().message;
  EXPECT_EQ((*h)->schema, 8);
  // Four buckets each: -5 | -4 to -1 | 0.
  EXPECT_THAT((*h)->positive_spans, ElementsAre(BucketSpan{-1, 3}));
  EXPECT_THAT((*h)->positive_buckets, ElementsAre(1, 14, 6));
  point.scale = -5;
  EXPECT_THAT(NativeHistogramOf(point).error().message, HasSubstr("Scale must be >= -4, was -5"));
  point.scale = 0;
  point.positive.offset = std::numeric_limits<int32_t>::max();
  EXPECT_FALSE(NativeHistogramOf(point));
}

TEST(OtlpRequest, WhatCannotBeTranslatedIsLeftOut) {
  const std::string point = Message(1, At(kNow) + Double(4, 1));
  const Translated got(Export(
      kResource, MetricMessage("delta", "", 7, point + Varint(2, 1)) +
                     MetricMessage("none", "", 5, "") + MetricMessage("...", "", 5, point) +
                     MetricMessage("odd", "", 6, point) + MetricMessage("kept", "", 5, point)));
  ASSERT_TRUE(got.result);
  EXPECT_THAT(got.lines, ElementsAre(R"(kept{instance="i-1", job="front/shop"} 1@0)",
                                     std::string(kInfo) + " 1@0"));
  EXPECT_EQ(got.extras.dropped, 4U);
  EXPECT_THAT(got.extras.problems,
              ElementsAre(R"(invalid temporality and type combination for metric "delta": delta)",
                          "empty data points. none is dropped", "a metric has no name",
                          "unsupported metric type"));
}

TEST(OtlpRequest, TargetInfoLastsAsLongAsThePoints) {
  const std::string points =
      Message(1, At(kNow) + Double(4, 1)) + Message(1, At(kNow + 400'000) + Double(4, 2));
  const Translated got(Export(kResource, MetricMessage("g", "", 5, points)));
  EXPECT_EQ(got.lines.back(), std::string(kInfo) + " 1@0 1@150000 1@300000 1@400000");
  // However far apart they are.
  const std::string apart = Message(1, At(0) + Double(4, 1)) + Message(1, At(kNow) + Double(4, 2));
  const Translated far(Export(kResource, MetricMessage("g", "", 5, apart)));
  EXPECT_EQ(far.request().series.back().sample_count, 1'001U);
}

TEST(OtlpRequest, ValuesOfAttributesBecomeText) {
  const auto value = [](std::string_view body) {
    return Message(7, Message(1, "v") + Message(2, body));
  };
  const auto label = [&](std::string_view body) {
    const Translated got(
        Export({}, MetricMessage("g", "", 5, Message(1, At(kNow) + Double(4, 1) + value(body)))));
    return got.lines.empty() ? std::string("nothing") : got.lines[0];
  };
  EXPECT_EQ(label(Varint(2, 1)), R"(g{v="true"} 1@0)");
  EXPECT_EQ(label(Varint(3, static_cast<uint64_t>(-3))), R"(g{v="-3"} 1@0)");
  EXPECT_EQ(label(Double(4, 0.5)), R"(g{v="0.5"} 1@0)");
  EXPECT_EQ(label(Message(7, "ab")), R"(g{v="YWI="} 1@0)");
  EXPECT_EQ(label(Message(5, Message(1, Message(1, "x")) + Message(1, Varint(3, 2)))),
            R"(g{v="[\"x\",2]"} 1@0)");
  EXPECT_EQ(label(Message(6, Message(1, Message(1, "k") + Message(2, Varint(2, 0))))),
            R"(g{v="{\"k\":false}"} 1@0)");
  std::string deep = Varint(3, 1);
  for (int i = 0; i < 40; ++i) deep = Message(5, Message(1, deep));
  EXPECT_EQ(label(deep), "nothing");
}

TEST(OtlpRequest, FollowsTheSettings) {
  const std::string scope =
      Message(1, Message(1, "lib") + Message(2, "1.2") + Text(3, "k.x", "v")) +
      Message(3, "http://schema");
  const std::string gauge = MetricMessage(
      "g.h", "s", 5, Message(1, At(kNow) + Double(4, 1) + Text(7, "host.name", "own")));
  const std::string message =
      Message(1, Message(1, kResource + Text(1, "a-b", "") + Text(1, "a.b", "c")) +
                     Message(2, scope + gauge));
  config::OtlpConfig config;
  config.promote_resource_attributes = {"host.name", "a-b", "a.b", "absent"};
  config.promote_scope_metadata = true;
  EXPECT_THAT(
      Translated(message, OtlpSettings(config)).lines,
      ElementsAre(
          R"(g_h_seconds{a_b="c", host_name="own", instance="i-1", job="front/shop", )"
          R"(otel_scope_k_x="v", otel_scope_name="lib", otel_scope_schema_url="http://schema", )"
          R"(otel_scope_version="1.2"} 1@0)",
          R"(target_info{a_b="c", host_name="h", instance="i-1", job="front/shop"} 1@0)"));
  config = {};
  config.promote_all_resource_attributes = true;
  config.ignore_resource_attributes = {"service.namespace", "host.name"};
  config.translation_strategy = "NoTranslation";
  config.keep_identifying_resource_attributes = true;
  EXPECT_THAT(
      Translated(message, OtlpSettings(config)).lines,
      ElementsAre(R"({"g.h", "a.b"="c", "host.name"="own", instance="i-1", )"
                  R"(job="front/shop", "service.instance.id"="i-1", "service.name"="shop"})"
                  R"( 1@0)",
                  R"(target_info{"a.b"="c", "host.name"="h", instance="i-1", )"
                  R"(job="front/shop", "service.instance.id"="i-1", "service.name"="shop", )"
                  R"("service.namespace"="front"} 1@0)"));
}

TEST(OtlpRequest, HistogramsBecomeCustomBuckets) {
  const std::string point = At(kNow) + Fixed64(4, 6) + Double(5, 20) + PackedFixed(6, {0, 2, 4}) +
                            PackedDoubles(7, {0.25, 10});
  const std::string wrong =
      At(kNow) + Fixed64(4, 1) + PackedFixed(6, {1}) + PackedDoubles(7, {2, 1});
  const std::string ended = At(kNow + 1) + Varint(10, 1);
  OtlpSettings settings;
  settings.custom_buckets = true;
  const Translated got(Export({}, MetricMessage("size", "By", 9,
                                                Message(1, point) + Message(1, wrong) +
                                                    Message(1, ended) + kCumulativeField)),
                       settings);
  EXPECT_THAT(got.lines, ElementsAre("size_bytes histogram", "size_bytes stale@1"));
  const Histogram& h = *got.request().histograms.at(0).histogram;
  EXPECT_EQ(h.schema, kCustomBucketsSchema);
  EXPECT_THAT(h.custom_values, ElementsAre(0.25, 10));
  EXPECT_THAT(h.positive_spans, ElementsAre(BucketSpan{1, 2}));
  EXPECT_THAT(h.positive_buckets, ElementsAre(2, 4));
  EXPECT_EQ(h.count, 6);
  EXPECT_EQ(h.sum, 20);
  EXPECT_EQ(got.extras.dropped, 1U);
}

// The series of a JSON request, or what is wrong with it.
std::vector<std::string> FromJson(std::string_view json) {
  const auto message = OtlpJsonToProtobuf(json, 1 << 20);
  if (!message) return {message.error().message};
  return Translated(*message).lines;
}

TEST(OtlpJson, IsReadAsTheSpecificationSays) {
  // Integers as numbers and strings, enumerations both ways, names both ways, null, what is
  // unknown.
  EXPECT_THAT(
      FromJson(R"({"resourceMetrics": [{"resource": {"attributes": [
          {"key": "service.name", "value": {"stringValue": "sh\u006fp"}},
          {"key": "more", "value": {"arrayValue": {"values": [{"intValue": "7"}, {"boolValue": true},
             {"kvlistValue": {"values": [{"key": "d", "value": {"doubleValue": 0.5}}]}},
             {"bytesValue": "YWI="}]}}}]},
        "schemaUrl": "x", "scopeMetrics": [{"scope": {"name": "n"}, "metrics": [
          {"name": "reqs", "unit": "1", "metadata": [{"a": [1, {"b": null}]}], "sum": {
            "aggregationTemporality": "AGGREGATION_TEMPORALITY_CUMULATIVE", "isMonotonic": true,
            "dataPoints": [{"timeUnixNano": "1700000000000000000", "startTimeUnixNano": 5,
              "asInt": "-3", "exemplars": [{"timeUnixNano": 1700000000000000000, "asDouble": 2,
                "traceId": "0AbC", "spanId": null}]}]}},
          {"name": "t", "gauge": {"data_points": [{"time_unix_nano": "1700000000000000000",
            "as_double": "Infinity", "flags": 0}, {"timeUnixNano": 1700000000001000000,
            "asDouble": "1e1"}, {"timeUnixNano": "1700000000002000000", "flags": "1"}]}},
          {"name": "h", "histogram": {"aggregationTemporality": 2, "dataPoints": [
            {"timeUnixNano": "1700000000000000000", "count": "3", "sum": 1,
             "bucketCounts": ["1", 2], "explicitBounds": [0.5]}]}}]}]}]})"),
      ElementsAre(R"(reqs_total{job="shop"} -3@0 #{trace_id="0abc"}=2)", R"(t{job="shop"} +Inf@0)",
                  R"(t{job="shop"} 10@1)", R"(t{job="shop"} stale@2)", R"(h_sum{job="shop"} 1@0)",
                  R"(h_count{job="shop"} 3@0)", R"(h_bucket{job="shop", le="0.5"} 1@0)",
                  R"(h_bucket{job="shop", le="+Inf"} 3@0)",
                  R"(target_info{job="shop", more="[7,true,{\"d\":0.5},\"YWI=\"]"} 1@0 1@2)"));
}

TEST(OtlpJson, SaysWhatIsWrong) {
  const auto metric = [](std::string_view text) {
    return FromJson(R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[)" + std::string(text) +
                    "]}]}]}");
  };
  const std::string start = "the body is not an OTLP export request: ";
  EXPECT_THAT(FromJson("[]"), ElementsAre(start + "expected an object"));
  EXPECT_THAT(FromJson("{} {}"), ElementsAre(start + "more behind the request"));
  EXPECT_THAT(FromJson("{"), ElementsAre(start + "unexpected EOF"));
  EXPECT_THAT(FromJson(R"({"resourceMetrics": {}})"),
              ElementsAre(start + R"(expected an array in "resourceMetrics")"));
  EXPECT_THAT(metric(R"({"name": 1})"), ElementsAre(start + R"(expected a string in "name")"));
  EXPECT_THAT(metric(R"({"sum": {"isMonotonic": "yes"}})"),
              ElementsAre(start + R"(expected true or false in "isMonotonic")"));
  EXPECT_THAT(
      metric(R"({"sum": {"aggregationTemporality": "SOON"}})"),
      ElementsAre(start + R"(expected an aggregation temporality in "aggregationTemporality")"));
  for (const std::string_view number : {R"("-1")", "1.5", "1e30", "\"x\"", "true"}) {
    EXPECT_THAT(
        metric(R"({"gauge": {"dataPoints": [{"timeUnixNano": )" + std::string(number) + "}]}}"),
        ElementsAre(testing::StartsWith(start + "expected a")));
  }
  EXPECT_THAT(metric(R"({"gauge": {"dataPoints": [{"exemplars": [{"traceId": "abc"}]}]}})"),
              ElementsAre(start + R"(expected hexadecimal digits in "traceId")"));
  EXPECT_THAT(metric(R"({"exponentialHistogram": {"dataPoints": [{"scale": 3000000000}]}})"),
              ElementsAre(start + R"(expected an integer of 32 bits in "scale")"));
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += R"({"arrayValue":{"values":[)";
  EXPECT_THAT(FromJson(R"({"resourceMetrics":[{"resource":{"attributes":[{"value":)" + deep),
              ElementsAre(start + "too many levels"));
  EXPECT_THAT(OtlpJsonToProtobuf(R"({"resourceMetrics":[{},{},{}]})", 10).error().message,
              HasSubstr("decodes to more than 10 bytes"));
}

TEST(OtlpRequest, RefusesWhatBecomesMuchLargerThanItIs) {
  const std::string nothing = Message(6, "");
  // Each quantile has the labels of its point.
  std::string point = At(kNow) + Text(7, "long", std::string(1 << 20, 'x'));
  for (int i = 0; i < 400; ++i) point += nothing;
  const Translated labels(Export({}, MetricMessage("wait", "s", 11, Message(1, point))));
  EXPECT_THAT(labels.result.error().message, HasSubstr("take more than 128 MB"));
  EXPECT_LT(labels.request().arena.size(), size_t{130} << 20);
  point = At(kNow);
  for (int i = 0; i < 1'200'000; ++i) point += nothing;
  const Translated series(Export({}, MetricMessage("w", "", 11, Message(1, point))));
  EXPECT_THAT(series.result.error().message, HasSubstr("more than 1000000 series and exemplars"));
  EXPECT_EQ(series.request().series.size(), 1'000'001U);
}

TEST(OtlpRequest, RefusesMoreLabelsOfScopesThanAreWorthTheWork) {
  std::string scope = Message(1, "lib");
  for (int i = 0; i < 20'000; ++i) scope += Text(3, "k" + std::to_string(i), "");
  std::string points;
  for (int i = 0; i < 5'001; ++i) points += Message(1, At(kNow) + Double(4, 1));
  config::OtlpConfig config;
  config.promote_scope_metadata = true;
  const Translated none(
      Message(1, Message(2, Message(1, scope) + MetricMessage("g", "", 5, points))),
      OtlpSettings(config));
  EXPECT_THAT(none.result.error().message, HasSubstr("more than 100000000 times"));
}

TEST(OtlpRequest, RefusesWhatIsNone) {
  EXPECT_THAT(Translated("\x0a\x7f").result.error().message,
              HasSubstr("the body is not an OTLP export request"));
  EXPECT_FALSE(Translated(Export(Message(1, "\x0a\x7f"), {})).result);
  EXPECT_TRUE(Translated("").result);
}

}  // namespace
}  // namespace vigil::remote
