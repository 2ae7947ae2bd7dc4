// SPDX-License-Identifier: Apache-2.0
#include "server/storage/rolled_up_series_set.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <utility>

namespace vigil::storage {
namespace {

using enum SummaryColumn;

// A query over many broken rows needs no sentence for each.
constexpr size_t kMaxRollupWarnings = 10;

struct Bucket {
  TimestampMs begin = 0;
  TimestampMs end = 0;
  std::array<double, kSummaryColumns> values{};
  bool has_end = true;  // may have a sample on its end
  bool joined = false;  // its increase counts from the bucket that ends where it begins
  double before = 0;    // the last value of that one

  [[nodiscard]] double& of(SummaryColumn column) { return values[static_cast<size_t>(column)]; }
  [[nodiscard]] double of(SummaryColumn column) const {
    return values[static_cast<size_t>(column)];
  }
};

// Decodes rows into buckets.
class RowReader {
 public:
  RowReader(const Recent& recent, SummaryMask columns) : recent_(recent), columns_(columns) {}

  // Appends the buckets of the row that lie within the piece.
  Result<void> Read(const RollupRow& row, const RollupPiece& piece, std::vector<Bucket>* out) {
    row_.clear();
    for (size_t column = 0; column < kSummaryColumns; ++column) {
      if (!Has(columns_, static_cast<SummaryColumn>(column))) continue;
      samples_.Clear();
      TRY(recent_.DecodeChunk(row.columns[column], INT64_MIN, INT64_MAX, &samples_));
      if (row_.empty()) Begin(row.on_end, piece.resolution_ms);
      if (samples_.size() != row_.size()) return BadData("columns of a roll-up differ in length");
      for (size_t k = 0; k < row_.size(); ++k) row_[k].values[column] = samples_.values[k];
    }
    if (Has(columns_, kIncrease)) Disjoin();
    for (const Bucket& bucket : row_) {
      if (bucket.begin >= piece.after && bucket.end <= piece.until) out->push_back(bucket);
    }
    return Ok();
  }

 private:
  void Begin(std::string_view on_end, int64_t width) {
    row_.resize(samples_.size());
    const bool known = on_end.size() * 8 >= row_.size();
    for (size_t k = 0; k < row_.size(); ++k) {
      row_[k] = Bucket();
      row_[k].begin = samples_.timestamps[k];
      row_[k].end = row_[k].begin + width;
      row_[k].has_end = !known || (static_cast<uint8_t>(on_end[k / 8]) >> k % 8 & 1) != 0;
    }
  }

  // As stored, an increase counts from the sample before in the row, however long ago that was.
  void Disjoin() {
    for (size_t k = 1; k < row_.size(); ++k) {
      row_[k].before = row_[k - 1].of(kLast);
      row_[k].joined = row_[k - 1].end == row_[k].begin;
      if (!row_[k].joined) row_[k].of(kIncrease) -= RiseOf(row_[k].before, row_[k].of(kFirst));
    }
  }

  const Recent& recent_;
  const SummaryMask columns_;
  SampleColumns samples_;
  std::vector<Bucket> row_;
};

// The parts of one bucket, the earlier one first, become one.
void Merge(const Bucket& part, Bucket* bucket) {
  bucket->of(kCount) += part.of(kCount);
  bucket->of(kSum) += part.of(kSum);
  const auto extreme = [](double a, double b, bool less) {
    return std::isnan(a) || (less ? b < a : b > a) ? b : a;
  };
  bucket->of(kMin) = extreme(bucket->of(kMin), part.of(kMin), true);
  bucket->of(kMax) = extreme(bucket->of(kMax), part.of(kMax), false);
  bucket->of(kIncrease) += RiseOf(bucket->of(kLast), part.of(kFirst)) + part.of(kIncrease);
  bucket->of(kLast) = part.of(kLast);
  bucket->has_end = bucket->has_end || part.has_end;
}

// In order, each bucket once, none with deleted samples, increases joined across rows.
void Tidy(const std::vector<DeletedSpan>& deleted, std::vector<Bucket>* buckets) {
  const auto before = [](const Bucket& a, const Bucket& b) { return a.begin < b.begin; };
  if (!std::is_sorted(buckets->begin(), buckets->end(), before)) {
    std::stable_sort(buckets->begin(), buckets->end(), before);
  }
  size_t kept = 0;
  for (size_t k = 0; k < buckets->size(); ++k) {
    Bucket& bucket = (*buckets)[k];
    if (std::any_of(deleted.begin(), deleted.end(), [&bucket](const DeletedSpan& span) {
          return span.from <= bucket.end - (bucket.has_end ? 0 : 1) && span.to > bucket.begin;
        })) {
      continue;
    }
    if (kept > 0 && (*buckets)[kept - 1].begin == bucket.begin) {
      Merge(bucket, &(*buckets)[kept - 1]);
      continue;
    }
    const bool join = kept > 0 && (*buckets)[kept - 1].end == bucket.begin;
    if (join && !bucket.joined) {
      bucket.of(kIncrease) += RiseOf((*buckets)[kept - 1].of(kLast), bucket.of(kFirst));
    } else if (!join && bucket.joined) {
      bucket.of(kIncrease) -= RiseOf(bucket.before, bucket.of(kFirst));
    }
    if (kept != k) (*buckets)[kept] = bucket;
    ++kept;
  }
  buckets->resize(kept);
}

}  // namespace

std::span<const RollupRow> RowsOf(const RollupTable& table, SeriesId series) {
  const auto first =
      std::lower_bound(table.rows.begin(), table.rows.end(), series,
                       [](const RollupRow& row, SeriesId id) { return row.series < id; });
  auto last = first;
  while (last != table.rows.end() && last->series == series) ++last;
  return {first, last};
}

RolledUpSeriesSet::RolledUpSeriesSet(const Recent& recent, SummaryMask columns,
                                     std::vector<RolledUpGroup> groups,
                                     std::vector<RolledUpSeries> series,
                                     std::shared_ptr<const Tombstones> tombstones,
                                     std::shared_ptr<std::atomic<uint64_t>> corrupt_chunks)
    : recent_(recent),
      columns_(columns),
      groups_(std::move(groups)),
      series_(std::move(series)),
      tombstones_(std::move(tombstones)),
      corrupt_chunks_(std::move(corrupt_chunks)) {}

void RolledUpSeriesSet::ReadBuckets(const RolledUpSeries& series, SummaryColumns* out) const {
  out->Clear();
  const RolledUpGroup& group = groups_[series.group];
  RowReader reader(recent_, columns_);
  std::vector<Bucket> buckets;
  for (size_t piece = 0; piece < group.pieces.size(); ++piece) {
    for (const RollupRow& row : RowsOf(*group.tables[piece], series.id)) {
      if (row.histograms.count > 0) continue;
      const Result<void> read = reader.Read(row, group.pieces[piece], &buckets);
      if (!read) Warn(series, read.error());
    }
  }
  Tidy(tombstones_ == nullptr ? std::vector<DeletedSpan>() : tombstones_->SpansOf(series.id),
       &buckets);
  out->begins.reserve(buckets.size());
  out->ends.reserve(buckets.size());
  for (const Bucket& bucket : buckets) {
    out->begins.push_back(bucket.begin);
    out->ends.push_back(bucket.end);
  }
  for (size_t column = 0; column < kSummaryColumns; ++column) {
    if (!Has(columns_, static_cast<SummaryColumn>(column))) continue;
    out->values[column].reserve(buckets.size());
    for (const Bucket& bucket : buckets) out->values[column].push_back(bucket.values[column]);
  }
}

void RolledUpSeriesSet::Warn(const RolledUpSeries& series, const Error& error) const {
  ++*corrupt_chunks_;
  warnings_.With([&](std::vector<std::string>& warnings) {
    if (warnings.size() >= kMaxRollupWarnings) return;
    warnings.push_back("roll-ups of " + series.labels.ToMetricString() +
                       " are missing: " + error.message);
  });
}

void RolledUpSeriesSet::ReadHistograms(const RolledUpSeries& series,
                                       std::vector<HistogramSample>* out) const {
  const RolledUpGroup& group = groups_[series.group];
  const auto deleted =
      tombstones_ == nullptr ? std::vector<DeletedSpan>() : tombstones_->SpansOf(series.id);
  SampleColumns columns;
  for (size_t piece = 0; piece < group.pieces.size(); ++piece) {
    const RollupPiece& span = group.pieces[piece];
    for (const RollupRow& row : RowsOf(*group.tables[piece], series.id)) {
      if (row.histograms.count == 0) continue;
      columns.Clear();
      const Result<void> read = recent_.DecodeChunk(row.histograms, span.after,
                                                    span.until - span.resolution_ms, &columns);
      if (!read) Warn(series, read.error());
      for (HistogramSample& one : columns.histograms) {
        const TimestampMs begin = one.timestamp;
        one.timestamp += span.resolution_ms;
        if (std::any_of(deleted.begin(), deleted.end(), [&](const DeletedSpan& gone) {
              return gone.from <= one.timestamp && gone.to > begin;
            })) {
          continue;
        }
        out->push_back(std::move(one));
      }
    }
  }
  // The spans of rows may overlap. Of a bucket in two rows the later one has the last histogram.
  std::stable_sort(
      out->begin(), out->end(),
      [](const HistogramSample& a, const HistogramSample& b) { return a.timestamp < b.timestamp; });
  size_t kept = 0;
  for (size_t k = 0; k < out->size(); ++k) {
    if (k + 1 < out->size() && (*out)[k + 1].timestamp == (*out)[k].timestamp) continue;
    if (kept != k) (*out)[kept] = std::move((*out)[k]);
    ++kept;
  }
  out->resize(kept);
}

Result<void> RolledUpSeriesSet::ReadSamples(const RolledUpSeries& series,
                                            SampleColumns* out) const {
  const RolledUpGroup& group = groups_[series.group];
  for (size_t k = 0; k < series.samples.size(); ++k) {
    if (series.samples[k] == RolledUpSeries::kNone) continue;
    TRY(group.samples[k]->Read(series.samples[k], out));
  }
  return Ok();
}

Result<void> RolledUpSeriesSet::ReadSummed(size_t i, SummaryColumns* summaries,
                                           SampleColumns* samples) const {
  const RolledUpSeries& series = series_[i];
  ReadBuckets(series, summaries);
  samples->Clear();
  TRY(ReadSamples(series, samples));
  std::vector<HistogramSample> rolled_up;
  ReadHistograms(series, &rolled_up);
  if (rolled_up.empty()) return Ok();
  std::vector<HistogramSample> all;
  all.reserve(rolled_up.size() + samples->histograms.size());
  std::merge(
      rolled_up.begin(), rolled_up.end(), samples->histograms.begin(), samples->histograms.end(),
      std::back_inserter(all),
      [](const HistogramSample& a, const HistogramSample& b) { return a.timestamp < b.timestamp; });
  all.erase(std::unique(all.begin(), all.end(),
                        [](const HistogramSample& a, const HistogramSample& b) {
                          return a.timestamp == b.timestamp;
                        }),
            all.end());
  samples->histograms = std::move(all);
  return Ok();
}

Result<void> RolledUpSeriesSet::Read(size_t i, SampleColumns* out) const {
  SummaryColumns buckets;
  SampleColumns samples;
  TRY(ReadSummed(i, &buckets, &samples));
  size_t next = 0;
  const auto samples_until = [&](TimestampMs until) {
    for (; next < samples.size() && samples.timestamps[next] <= until; ++next) {
      out->Add(samples.timestamps[next], samples.values[next]);
    }
  };
  for (size_t k = 0; k < buckets.size(); ++k) {
    samples_until(buckets.begins[k]);
    out->Add(buckets.ends[k], buckets.of(kLast)[k]);
  }
  samples_until(INT64_MAX);
  for (HistogramSample& one : samples.histograms) out->histograms.push_back(std::move(one));
  return Ok();
}

SeriesSet::Chunks RolledUpSeriesSet::chunks() const {
  Chunks all;
  size_t columns = 0;
  for (size_t column = 0; column < kSummaryColumns; ++column) {
    columns += Has(columns_, static_cast<SummaryColumn>(column)) ? 1 : 0;
  }
  for (const RolledUpGroup& group : groups_) {
    for (const auto& table : group.tables) all.in_database += table->rows.size() * columns;
    for (const auto& set : group.samples) {
      if (set == nullptr) continue;
      all.in_memory += set->chunks().in_memory;
      all.in_database += set->chunks().in_database;
    }
  }
  return all;
}

std::vector<std::string> RolledUpSeriesSet::warnings() const {
  std::vector<std::string> all = warnings_.Copy();
  for (const RolledUpGroup& group : groups_) {
    for (const auto& set : group.samples) {
      if (set == nullptr) continue;
      for (std::string& warning : set->warnings()) all.push_back(std::move(warning));
    }
  }
  return all;
}

}  // namespace vigil::storage
