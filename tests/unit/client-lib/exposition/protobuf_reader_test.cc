// SPDX-License-Identifier: Apache-2.0
#include "client-lib/exposition/protobuf_reader.h"

#include <gtest/gtest.h>

#include <random>

#include "client-lib/exposition/families.h"
#include "client-lib/model/float_text.h"
#include "tests/support/protobuf_page.h"

namespace vigil::exposition {
namespace {

using test::Double;
using test::ExemplarField;
using test::FamilyOf;
using test::Message;
using test::MetricField;
using test::Varint;

// What the reader makes of a page, a line each.
std::vector<std::string> ProtobufLines(std::string_view page,
                                       NativeHistograms natives = NativeHistograms::kPrefer) {
  std::vector<std::string> lines;
  ProtobufReader reader(page, natives);
  for (;;) {
    const Result<Entry> entry = reader.Next();
    if (!entry) {
      lines.push_back("error: " + entry.error().message);
      EXPECT_EQ(reader.Next()->kind, EntryKind::kEnd);
      return lines;
    }
    std::string line(entry->series);
    switch (entry->kind) {
      case EntryKind::kEnd:
        return lines;
      case EntryKind::kHelp:
        line = "help " + line + " " + std::string(entry->help);
        break;
      case EntryKind::kUnit:
        line = "unit " + line + " " + std::string(entry->help);
        break;
      case EntryKind::kType:
        line = "type " + line + " " + std::string(MetricTypeName(entry->type));
        break;
      case EntryKind::kSample:
        line += " " + (reader.histogram() == nullptr
                           ? FormatFloatG(entry->value)
                           : "count " + FormatFloatG(reader.histogram()->count));
        if (entry->timestamp) line += " @" + std::to_string(*entry->timestamp);
        if (reader.start_time()) line += " since " + std::to_string(*reader.start_time());
        for (const ExemplarText& one : reader.exemplars()) {
          line += " # " + std::string(one.labels) + " " + FormatFloatG(one.value);
          if (one.timestamp) line += " @" + std::to_string(*one.timestamp);
        }
    }
    lines.push_back(line);
  }
}

using Lines = std::vector<std::string>;

TEST(ProtobufReader, ReadsCountersGaugesAndWhatHasNoType) {
  const std::string page =
      FamilyOf("requests_total", 0,
               MetricField({{"path", "a\"b\\c\n"}}, 3,
                           Double(1, 7) + ExemplarField(2, {{"trace_id", "x"}}, 3, 9) +
                               test::TimestampField(3, 100, 250'000'000)) +
                   MetricField({}, 3, Double(1, 8)),
               "a\\b\nc") +
      FamilyOf("size_bytes", 1, MetricField({{"a", "1"}, {"b", "2"}}, 2, Double(1, -0.5), 1234), "",
               "bytes") +
      FamilyOf("what", 3, MetricField({}, 5, Double(1, HUGE_VAL)));
  EXPECT_EQ(ProtobufLines(page),
            (Lines{"help requests_total a\\\\b\\nc", "type requests_total counter",
                   "requests_total{path=\"a\\\"b\\\\c\\n\"} 7 since 100250 # "
                   "{trace_id=\"x\"} 3 @9000",
                   "requests_total 8", "type size_bytes gauge", "unit size_bytes bytes",
                   "size_bytes{a=\"1\",b=\"2\"} -0.5 @1234", "type what unknown", "what +Inf"}));
}

TEST(ProtobufReader, ReadsSummariesAndClassicHistograms) {
  const std::string summary = Varint(1, 3) + Double(2, 4.5) +
                              Message(3, Double(1, 0.5) + Double(2, 1.25)) +
                              Message(3, Double(1, 1) + Double(2, 2));
  const std::string histogram =
      Varint(1, 8) + Double(2, 12.5) +
      Message(3, Varint(1, 3) + Double(2, 1) + ExemplarField(3, {{"id", "b"}}, 0.5)) +
      Message(3, Double(4, 8) + Double(2, 1e6));
  const std::string page = FamilyOf("s", 2, MetricField({{"l", "v"}}, 4, summary)) +
                           FamilyOf("h", 4, MetricField({}, 7, histogram));
  EXPECT_EQ(ProtobufLines(page),
            (Lines{"type s summary", "s_count{l=\"v\"} 3", "s_sum{l=\"v\"} 4.5",
                   "s{l=\"v\",quantile=\"0.5\"} 1.25", "s{l=\"v\",quantile=\"1.0\"} 2",
                   "type h histogram", "h_count 8", "h_sum 12.5",
                   "h_bucket{le=\"1.0\"} 3 # {id=\"b\"} 0.5", "h_bucket{le=\"1e+06\"} 8",
                   "h_bucket{le=\"+Inf\"} 8"}));
}

TEST(ProtobufReader, GivesNativeHistogramsAsAskedFor) {
  const std::string page =
      FamilyOf("h", 4, MetricField({{"l", "v"}}, 7, test::NativeHistogramBody(true)));
  const std::string native = "h{l=\"v\"} count 9 since 80000 # {id=\"b\"} 0.5 @90000";
  const Lines classic = {"h_count{l=\"v\"} 9 since 80000", "h_sum{l=\"v\"} 12.5 since 80000",
                         "h_bucket{l=\"v\",le=\"1.0\"} 3 since 80000 # {id=\"b\"} 0.5 @90000",
                         "h_bucket{l=\"v\",le=\"2.5\"} 8 since 80000",
                         "h_bucket{l=\"v\",le=\"+Inf\"} 9 since 80000"};
  EXPECT_EQ(ProtobufLines(page), (Lines{"type h histogram", native}));
  Lines both = {"type h histogram"};
  both.insert(both.end(), classic.begin(), classic.end());
  EXPECT_EQ(ProtobufLines(page, NativeHistograms::kIgnore), both);
  both.insert(both.begin() + 1, native);
  EXPECT_EQ(ProtobufLines(page, NativeHistograms::kBeside), both);
  // Nothing classic to add.
  const std::string pure = FamilyOf("h", 5, MetricField({}, 7, test::NativeHistogramBody(false)));
  EXPECT_EQ(ProtobufLines(pure, NativeHistograms::kBeside),
            (Lines{"type h gaugehistogram", "h count 9 since 80000"}));
}

TEST(ProtobufReader, MakesBucketsOfDeltasAndCounts) {
  const std::string integers =
      FamilyOf("h", 5, MetricField({}, 7, test::NativeHistogramBody(false)));
  ProtobufReader reader(integers);
  ASSERT_TRUE(reader.Next());
  ASSERT_TRUE(reader.Next());
  const HistogramPtr h = reader.histogram();
  ASSERT_NE(h, nullptr);
  EXPECT_TRUE(h->integer);
  EXPECT_EQ(h->schema, 1);
  EXPECT_EQ(h->zero_threshold, 0.001);
  EXPECT_EQ(h->zero_count, 1);
  EXPECT_EQ(h->sum, 12.5);
  EXPECT_EQ(h->reset_hint, CounterResetHint::kGauge);
  EXPECT_EQ(h->positive_spans, (std::vector<BucketSpan>{{-1, 2}, {3, 1}}));
  EXPECT_EQ(h->positive_buckets, (std::vector<double>{2, 5, 1}));
  EXPECT_TRUE(h->negative_buckets.empty());

  // Floats, numbers one by one instead of packed.
  const std::string body = Double(4, 3.5) + Double(8, 0.5) +
                           Message(9, Varint(1, test::ZigZag(4)) + Varint(2, 2)) + Double(11, 1) +
                           Double(11, 2);
  const std::string page = FamilyOf("f", 4, MetricField({}, 7, body));
  ProtobufReader floats(page);
  ASSERT_TRUE(floats.Next());
  ASSERT_TRUE(floats.Next());
  ASSERT_NE(floats.histogram(), nullptr);
  EXPECT_FALSE(floats.histogram()->integer);
  EXPECT_EQ(floats.histogram()->count, 3.5);
  EXPECT_EQ(floats.histogram()->zero_count, 0.5);
  EXPECT_EQ(floats.histogram()->negative_buckets, (std::vector<double>{1, 2}));
  EXPECT_EQ(floats.histogram()->reset_hint, CounterResetHint::kUnknown);
}

TEST(ProtobufReader, QuotesNamesThatNeedIt) {
  const std::string page =
      FamilyOf("http.size", 4, MetricField({{"a.b", "1"}}, 7, Varint(1, 2) + Double(2, 3)));
  EXPECT_EQ(ProtobufLines(page),
            (Lines{"type http.size histogram", "{\"http.size_count\",\"a.b\"=\"1\"} 2",
                   "{\"http.size_sum\",\"a.b\"=\"1\"} 3",
                   "{\"http.size_bucket\",\"a.b\"=\"1\",le=\"+Inf\"} 2"}));
}

TEST(ProtobufReader, SaysWhatIsWrong) {
  const std::string good = FamilyOf("x", 1, MetricField({}, 2, Double(1, 1)));
  const Lines read = {"type x gauge", "x 1"};
  const auto with = [&read](const std::string& error) {
    Lines lines = read;
    lines.push_back("error: " + error);
    return lines;
  };
  EXPECT_EQ(ProtobufLines(good + "\x7f"), with("the protobuf page is cut off behind metric \"x\""));
  EXPECT_EQ(ProtobufLines("x 1\n"), (Lines{"error: the protobuf page is cut off"}));
  EXPECT_EQ(ProtobufLines(good + FamilyOf("", 1, "")), with("invalid metric name: \"\""));
  EXPECT_EQ(ProtobufLines(good + FamilyOf("y", 9, "")),
            with("unknown metric type for metric \"y\": 9"));
  EXPECT_EQ(ProtobufLines(good + FamilyOf("y_total", 0, "", "", "bytes")),
            with("unit \"bytes\" not a suffix of counter \"y_total\""));
  EXPECT_EQ(ProtobufLines(FamilyOf("x", 1, Message(4, Message(2, "\x09")))),
            (Lines{"type x gauge", "error: metric \"x\": a value is cut off"}));
  EXPECT_EQ(ProtobufLines(""), Lines{});
}

TEST(ProtobufReader, RefusesAMetricThatWouldFillTheMemory) {
  // 125 GB as text, of a page of 1 MB.
  std::string buckets;
  for (int k = 0; k < 250'000; ++k) buckets += Message(3, "");
  const std::string label(500'000, 'v');
  const std::string many = ": its samples need more than ";
  const Lines histogram =
      ProtobufLines(FamilyOf("h", 4, MetricField({{"l", label}}, 7, Varint(1, 1) + buckets)));
  ASSERT_EQ(histogram.size(), 2U);
  EXPECT_NE(histogram[1].find("metric \"h\"" + many), std::string::npos) << histogram[1];
  const Lines summary = ProtobufLines(FamilyOf("s", 2, MetricField({{"l", label}}, 4, buckets)));
  ASSERT_EQ(summary.size(), 2U);
  EXPECT_NE(summary[1].find("metric \"s\"" + many), std::string::npos) << summary[1];
  const std::string names =
      "error: metric \"x\": its name and labels have more than 1048576 bytes;"
      " let the exporter shorten them";
  const std::string longer(1 << 20, 'v');
  EXPECT_EQ(ProtobufLines(FamilyOf("x", 1, MetricField({{"l", longer}}, 2, Double(1, 1)))),
            (Lines{"type x gauge", names}));
  // As many buckets with short labels are fine.
  EXPECT_EQ(ProtobufLines(FamilyOf("h", 4, MetricField({{"l", "v"}}, 7, buckets))).size(),
            250'004U);
}

// The slow twin: the same families as text, read by the other reader.
TEST(ProtobufReader, AgreesWithTheTextReader) {
  std::mt19937_64 random(7);
  const auto pick = [&random](size_t n) { return random() % n; };
  const char* const values[] = {"", "v", "a b", "q\"uote", "back\\slash", "line\nfeed", "\xc3\xa4"};
  for (int round = 0; round < 50; ++round) {
    std::string page;
    std::string text;
    for (size_t family = 0; family < 1 + pick(5); ++family) {
      const std::string name = "m" + std::to_string(family) + (pick(4) == 0 ? ".dots" : "");
      const uint64_t type = pick(4);
      const uint32_t fields[] = {3, 2, 4, 5};
      std::string metrics;
      for (size_t metric = 0; metric < pick(4); ++metric) {
        const test::LabelList labels = {{"i", std::to_string(metric)}, {"l", values[pick(7)]}};
        const double value = static_cast<double>(pick(1000)) / 8;
        LabelsBuilder builder;
        for (const auto& [key, label] : labels) builder.Set(key, label);
        const auto line = [&](const std::string& suffix, const std::string& more, double number) {
          builder.Set(kMetricName, name + suffix);
          if (!more.empty()) builder.Set("quantile", more);
          text += builder.Build().ToMetricString() + " " + FormatFloatG(number) + "\n";
        };
        if (type == 2) {
          metrics += MetricField(
              labels, 4,
              Varint(1, 5) + Double(2, value) + Message(3, Double(1, 0.25) + Double(2, value)));
          line("_count", "", 5);
          line("_sum", "", value);
          line("", "0.25", value);
        } else {
          metrics += MetricField(labels, fields[type], Double(1, value));
          line("", "", value);
        }
      }
      page += FamilyOf(name, type, metrics);
    }
    ProtobufReader reader(page);
    TextReader twin(text);
    LabelsBuilder labels;
    LabelsBuilder twin_labels;
    for (;;) {
      Result<Entry> entry = reader.Next();
      ASSERT_TRUE(entry) << entry.error().message;
      if (entry->kind == EntryKind::kType) continue;
      const Result<Entry> other = twin.Next();
      ASSERT_TRUE(other) << other.error().message << "\n" << text;
      ASSERT_EQ(entry->kind, other->kind);
      if (entry->kind == EntryKind::kEnd) break;
      ASSERT_TRUE(ParseSeries(entry->series, &labels)) << entry->series;
      ASSERT_TRUE(ParseSeries(other->series, &twin_labels)) << other->series;
      EXPECT_EQ(labels.Build(), twin_labels.Build()) << entry->series;
      EXPECT_EQ(entry->value, other->value);
    }
  }
}

}  // namespace
}  // namespace vigil::exposition
