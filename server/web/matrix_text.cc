// SPDX-License-Identifier: Apache-2.0
// See matrix_text.h.
#include "server/web/matrix_text.h"

#include <algorithm>

#include "server/web/json_writer.h"

namespace vigil::web {
namespace {

// How much text there is, in points of about 30 bytes.
constexpr size_t kPartPoints = 2048;
constexpr size_t kBytesOfPoint = 30;
constexpr size_t kPointsOfBucket = 2;

size_t PointsOfHead(const promql::ResultSeries& series) {
  size_t bytes = kBytesOfPoint;
  for (const LabelView& label : series.labels) bytes += label.name.size() + label.value.size() + 6;
  return bytes / kBytesOfPoint;
}

size_t ItemsOf(const promql::ResultSeries& series) {
  return series.values.size() + series.histograms.size();
}

void WriteHead(const promql::ResultSeries& series, std::string* out) {
  JsonWriter(out).BeginObject().Key("metric").LabelSet(series.labels);
}

// "values", if there are any besides staleness markers. REQUIRES: begin < end.
void WriteValues(const promql::ResultSeries& series, size_t begin, size_t end, std::string* out) {
  const auto values = series.values;
  const auto first_live = static_cast<size_t>(
      std::find_if_not(values.begin(), values.end(), IsStaleNaN) - values.begin());
  if (first_live == values.size()) return;
  if (begin == 0) out->append(",\"values\":[");
  const size_t from = std::max(begin, first_live);
  if (from < end) {
    AppendPoints(series.timestamps.subspan(from, end - from), values.subspan(from, end - from),
                 from > first_live, out);
  }
  if (end == values.size()) out->push_back(']');
}

// "histograms". REQUIRES: begin < end.
void WriteHistograms(const promql::ResultSeries& series, size_t begin, size_t end,
                     std::string* out) {
  for (size_t i = begin; i < end; ++i) {
    out->append(i == 0 ? ",\"histograms\":[" : ",");
    const HistogramSample& sample = series.histograms[i];
    JsonWriter(out).HistogramPoint(sample.timestamp, *sample.histogram);
  }
  if (end == series.histograms.size()) out->push_back(']');
}

void WriteItems(const promql::ResultSeries& series, size_t begin, size_t end, std::string* out) {
  const size_t values = series.values.size();
  if (begin < std::min(end, values)) WriteValues(series, begin, std::min(end, values), out);
  if (std::max(begin, values) < end) {
    WriteHistograms(series, std::max(begin, values) - values, end - values, out);
  }
}

}  // namespace

size_t PointsOf(const Histogram& histogram) {
  // Count, sum and the time are about as much as two buckets; one is that of zero.
  const size_t buckets = 3 + histogram.positive_buckets.size() + histogram.negative_buckets.size();
  return buckets * kPointsOfBucket;
}

MatrixText::MatrixText(std::span<const promql::ResultSeries> series) : series_(series) {
  size_t room = kPartPoints;
  const auto use = [&room](size_t points) { room -= std::min(room, points); };
  cuts_.emplace_back();
  for (size_t i = 0; i < series.size(); ++i) {
    const size_t values = series[i].values.size();
    const size_t items = ItemsOf(series[i]);
    use(PointsOfHead(series[i]));
    for (size_t item = 0; item < items;) {
      if (room == 0) {
        cuts_.push_back({i, item});
        room = kPartPoints;
      }
      if (item < values) {
        const size_t count = std::min(room, values - item);
        item += count;
        use(count);
      } else {
        use(PointsOf(*series[i].histograms[item - values].histogram));
        ++item;
      }
    }
  }
  cuts_.push_back({series.size(), 0});
}

void MatrixText::WritePart(size_t part, std::string* out) const {
  const Cut from = cuts_[part];
  const Cut to = cuts_[part + 1];
  for (size_t i = from.series; i < series_.size(); ++i) {
    const promql::ResultSeries& series = series_[i];
    const bool is_cut = i == to.series;
    if (is_cut && to.item == 0) return;
    const size_t begin = i == from.series ? from.item : 0;
    if (begin == 0) {
      if (i > 0) out->push_back(',');
      WriteHead(series, out);
    }
    WriteItems(series, begin, is_cut ? to.item : ItemsOf(series), out);
    if (is_cut) return;
    out->push_back('}');
  }
}

}  // namespace vigil::web
