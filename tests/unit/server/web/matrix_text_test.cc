// SPDX-License-Identifier: Apache-2.0
#include "server/web/matrix_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "server/web/json_writer.h"

namespace vigil::web {
namespace {

constexpr size_t kMaxPartBytes = 100'000;

constexpr uint32_t kMatrixBuckets = 300;

// Series that own their columns.
class Matrix {
 public:
  void Add(size_t values, size_t histograms, double (*value)(size_t)) {
    promql::ResultSeries& series = series_.emplace_back();
    series.labels = Labels::Of({{"series", std::to_string(series_.size())}, {"a", "\""}});
    auto& times = times_.emplace_back(std::make_unique<std::vector<TimestampMs>>());
    auto& column = values_.emplace_back(std::make_unique<std::vector<double>>());
    for (size_t i = 0; i < values; ++i) {
      times->push_back(1'700'000'000'000 + static_cast<int64_t>(i) * 15'001);
      column->push_back(value(i));
    }
    series.timestamps = *times;
    series.values = *column;
    for (size_t i = 0; i < histograms; ++i) {
      auto histogram = std::make_shared<Histogram>();
      histogram->count = static_cast<double>(i);
      histogram->positive_spans = {{0, kMatrixBuckets}};
      histogram->positive_buckets.assign(kMatrixBuckets, 1.5);
      series.histograms.push_back({static_cast<TimestampMs>(i), std::move(histogram)});
    }
  }
  [[nodiscard]] const std::vector<promql::ResultSeries>& series() const { return series_; }

 private:
  std::vector<promql::ResultSeries> series_;
  std::vector<std::unique_ptr<std::vector<TimestampMs>>> times_;
  std::vector<std::unique_ptr<std::vector<double>>> values_;
};

// Value by value, all at once.
std::string SlowText(const Matrix& matrix) {
  std::string out;
  JsonWriter json(&out);
  for (const promql::ResultSeries& series : matrix.series()) {
    json.BeginObject().Key("metric").LabelSet(series.labels);
    if (!std::all_of(series.values.begin(), series.values.end(), IsStaleNaN)) {
      json.Key("values").BeginArray();
      for (size_t i = 0; i < series.values.size(); ++i) {
        if (!IsStaleNaN(series.values[i])) json.Point(series.timestamps[i], series.values[i]);
      }
      json.EndArray();
    }
    if (!series.histograms.empty()) {
      json.Key("histograms").BeginArray();
      for (const HistogramSample& sample : series.histograms) {
        json.HistogramPoint(sample.timestamp, *sample.histogram);
      }
      json.EndArray();
    }
    json.EndObject();
  }
  return out;
}

// The number of parts; their texts are written last one first, for they must not depend on that.
size_t ExpectSame(const Matrix& matrix) {
  const MatrixText text(matrix.series());
  std::vector<std::string> parts(text.parts());
  for (size_t part = parts.size(); part-- > 0;) text.WritePart(part, &parts[part]);
  std::string whole;
  for (const std::string& part : parts) {
    EXPECT_LT(part.size(), kMaxPartBytes);
    whole += part;
  }
  EXPECT_EQ(whole, SlowText(matrix));
  return parts.size();
}

double Counted(size_t i) { return static_cast<double>(i) * 1.5; }
double Stale(size_t) { return StaleNaN(); }
double LiveAtTheEnd(size_t i) { return i < 9'999 ? StaleNaN() : 1; }
double LiveAtTheBegin(size_t i) { return i > 0 ? StaleNaN() : 1; }
double LiveNowAndThen(size_t i) { return i % 1000 == 999 ? 1 : StaleNaN(); }

TEST(MatrixText, NoSeriesAreNoText) {
  const Matrix matrix;
  EXPECT_EQ(SlowText(matrix), "");
  EXPECT_EQ(ExpectSame(matrix), 1U);
}

TEST(MatrixText, CutsLongSeries) {
  Matrix matrix;
  matrix.Add(10'000, 0, Counted);
  EXPECT_GE(ExpectSame(matrix), 4U);
}

TEST(MatrixText, PutsShortSeriesTogether) {
  Matrix matrix;
  for (size_t i = 0; i < 100; ++i) matrix.Add(i, 1, Counted);
  const size_t parts = ExpectSame(matrix);
  EXPECT_GE(parts, 2U);
  EXPECT_LE(parts, 40U);
}

TEST(MatrixText, LeavesStalenessMarkersOut) {
  for (const auto value : {Stale, LiveAtTheEnd, LiveAtTheBegin, LiveNowAndThen}) {
    Matrix matrix;
    matrix.Add(10'000, 0, value);
    matrix.Add(10'000, 3, value);
    EXPECT_GE(ExpectSame(matrix), 8U);
  }
}

TEST(MatrixText, CutsManyHistograms) {
  Matrix matrix;
  matrix.Add(0, 100, Counted);
  matrix.Add(2'040, 100, Counted);
  matrix.Add(5, 0, Counted);
  EXPECT_GE(ExpectSame(matrix), 10U);
}

// Cuts at, before and behind the borders between series, their values and their histograms.
TEST(MatrixText, CutsAnywhere) {
  for (size_t values = 2'030; values < 2'060; ++values) {
    Matrix matrix;
    matrix.Add(values, values % 3, Counted);
    matrix.Add(values % 4, 1, Counted);
    matrix.Add(3, 0, values % 2 == 0 ? Counted : Stale);
    EXPECT_GE(ExpectSame(matrix), 1U);
  }
}

}  // namespace
}  // namespace vigil::web
