// SPDX-License-Identifier: Apache-2.0
#include "server/storage/backfill.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace vigil::storage {
namespace {

// A chunk ends where a leaf of the database may end, and is never longer than codecs allow.
constexpr int64_t kChunkSpanMs = 6 * 3'600'000;
constexpr size_t kMaxChunkSamples = 32'000;

int64_t SpanOf(TimestampMs time) {
  return time >= 0 ? time / kChunkSpanMs : (time + 1) / kChunkSpanMs - 1;
}

// One rejection more.
void Reject(SampleVerdict verdict, size_t index, size_t* counter, AppendOutcome* outcome) {
  ++*counter;
  if (outcome->first_reason != SampleVerdict::kAccepted && outcome->first_rejected <= index) return;
  outcome->first_rejected = index;
  outcome->first_reason = verdict;
}

// Sorts by series and time and judges what is wrong within the batch alone; *order keeps what can
// be taken.
void Judge(const SampleBatch& batch, size_t series_count, std::vector<uint32_t>* order,
           AppendOutcome* outcome) {
  std::stable_sort(order->begin(), order->end(), [&batch](uint32_t a, uint32_t b) {
    return std::pair(batch.refs[a], batch.timestamps[a]) <
           std::pair(batch.refs[b], batch.timestamps[b]);
  });
  std::vector<uint32_t> taken;
  taken.reserve(order->size());
  for (const uint32_t i : *order) {
    if (batch.refs[i] == 0 || batch.refs[i] > series_count) {
      Reject(SampleVerdict::kUnknownSeries, i, &outcome->unknown_series, outcome);
      continue;
    }
    const bool again = !taken.empty() && batch.refs[taken.back()] == batch.refs[i] &&
                       batch.timestamps[taken.back()] == batch.timestamps[i];
    if (!again) {
      taken.push_back(i);
    } else if (SameBits(batch.values[taken.back()], batch.values[i])) {
      ++outcome->duplicates_same;
    } else {
      Reject(SampleVerdict::kDuplicate, i, &outcome->duplicates, outcome);
    }
  }
  *order = std::move(taken);
}

}  // namespace

Backfill::Backfill(Appender& store, Recent& recent, ChunkStore& chunks, const Clock& clock,
                   Encoder encode, BackfillOptions options)
    : store_(store),
      recent_(recent),
      chunks_(chunks),
      clock_(clock),
      encode_(std::move(encode)),
      options_(options) {}

Result<SeriesRef> Backfill::Resolve(const Labels& labels) { return store_.Resolve(labels); }

Result<void> Backfill::WaitDurable(JournalPosition position, int64_t timeout_ms) {
  return store_.WaitDurable(position, timeout_ms);
}

Result<AppendOutcome> Backfill::Append(const SampleBatch& batch, AppendMode mode) {
  const TimestampMs low = clock_.Now() - options_.behind_ms;
  const TimestampMs high = clock_.Now() + options_.ahead_ms;
  std::vector<uint32_t> old;
  SampleBatch fresh;
  for (uint32_t i = 0; i < batch.size(); ++i) {
    if (batch.timestamps[i] < low || batch.timestamps[i] > high) {
      old.push_back(i);
    } else {
      fresh.Add(batch.refs[i], batch.timestamps[i], batch.values[i]);
    }
  }
  if (old.empty()) return store_.Append(batch, mode);
  AppendOutcome judged;
  Judge(batch, recent_.series_count(), &old, &judged);
  if (mode == AppendMode::kAllOrNothing && judged.rejected() > 0) {
    judged.duplicates_same = 0;
    return judged;
  }
  // The fresh ones first: when they are refused nothing has been written, and when the old ones
  // fail the sender repeats all, which does the fresh ones no harm.
  fresh.histogram_refs = batch.histogram_refs;
  fresh.histograms = batch.histograms;
  AppendOutcome outcome = TRY(store_.Append(fresh, mode));
  if (mode == AppendMode::kAllOrNothing && outcome.rejected() > 0) return outcome;
  if (auto written = Write(batch, old); !written) {
    ++stats_.failures;
    return Unavailable("samples of the past could not be written to the database: " +
                       written.error().message);
  }
  outcome.accepted += old.size();
  outcome.duplicates_same += judged.duplicates_same;
  outcome.duplicates += judged.duplicates;
  outcome.unknown_series += judged.unknown_series;
  if (outcome.first_reason == SampleVerdict::kAccepted) {
    outcome.first_reason = judged.first_reason;
    outcome.first_rejected = judged.first_rejected;
  }
  return outcome;
}

Result<void> Backfill::Write(const SampleBatch& batch, const std::vector<uint32_t>& order) {
  std::vector<SeriesRecord> series;
  std::vector<ChunkRow> rows;
  std::deque<std::string> data;  // rows point into it
  std::vector<std::pair<SeriesRef, TimestampMs>> newest;
  std::vector<TimestampMs> times;
  std::vector<double> values;
  for (size_t begin = 0; begin < order.size();) {
    const SeriesRef ref = batch.refs[order[begin]];
    const int64_t span = SpanOf(batch.timestamps[order[begin]]);
    times.clear();
    values.clear();
    size_t end = begin;
    for (; end < order.size() && end - begin < kMaxChunkSamples; ++end) {
      const uint32_t i = order[end];
      if (batch.refs[i] != ref || SpanOf(batch.timestamps[i]) != span) break;
      times.push_back(batch.timestamps[i]);
      values.push_back(batch.values[i]);
    }
    ChunkRow row;
    row.series = recent_.id(ref);
    row.retention_class = recent_.retention_class(ref);
    encode_(times, values, &row, &data.emplace_back());
    rows.push_back(row);
    if (newest.empty() || newest.back().first != ref) {
      newest.emplace_back(ref, times.back());
      series.push_back({row.series, recent_.labels(ref)});
    }
    newest.back().second = times.back();
    begin = end;
  }
  if (rows.empty()) return Ok();
  TRY(chunks_.WriteChunks(series, rows));
  for (const auto& [ref, time] : newest) recent_.RaiseStoredUntil(ref, time);
  stats_.samples += order.size();
  stats_.chunks += rows.size();
  return Ok();
}

}  // namespace vigil::storage
