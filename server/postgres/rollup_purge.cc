// SPDX-License-Identifier: Apache-2.0
// Deletes in roll-ups whose samples are gone.
#include <algorithm>
#include <span>

#include "server/postgres/rollup_job.h"
#include "server/postgres/rollup_rows.h"
#include "server/postgres/transaction.h"

namespace vigil::postgres {
namespace {

constexpr size_t kSeriesPerPurge = 200;

// Leaves those buckets out that have deleted samples. Returns whether there were any.
bool EraseBuckets(const storage::DeletedSpan& deleted, int64_t width_ms, RollupBuckets* buckets) {
  const size_t before = buckets->size() + buckets->histograms.size();
  buckets->Filter([&](size_t k) {
    const TimestampMs begin = buckets->times[k];
    const bool has_end = MayHaveEnd(buckets->on_end, k);
    // All there is may be the sample on the border: of a leaf that begins there.
    const bool only_end =
        has_end && !buckets->on_end.empty() && buckets->values[RollupBuckets::kCount][k] == 1;
    const TimestampMs first = only_end ? begin + width_ms : begin + 1;
    const TimestampMs last = has_end ? begin + width_ms : begin + width_ms - 1;
    return deleted.from > last || deleted.to < first;
  });
  std::erase_if(buckets->histograms, [&](const HistogramSample& one) {
    return deleted.from <= one.timestamp + width_ms && deleted.to > one.timestamp;
  });
  return buckets->size() + buckets->histograms.size() < before;
}

Result<void> PurgeResolution(Connection* connection, const Resolution& resolution,
                             std::span<const storage::SeriesId> series,
                             const storage::DeletedSpan& deleted, int64_t timeout_ms) {
  Parameters parameters;
  parameters.Int8Array(series).Int8(deleted.from).Int8(deleted.to);
  // What was rolled up anew of a leaf that is still there has no deleted samples. A leaf that was
  // rewritten without roll-ups following, or not to this resolution, still has the old ones.
  const Rows rows = TRY(connection->Query(
      SelectStored(resolution) +
          " WHERE series_id = ANY ($1::int8[]) AND min_time < $3::int8 AND min_time + span_ms "
          "+ " +
          std::to_string(resolution.width_ms) +
          " >= $2::int8 AND NOT EXISTS (SELECT FROM vigil.leaf l WHERE l.class = r.class AND "
          "coalesce(r.leaf, r.min_time) >= l.min_time AND coalesce(r.leaf, r.min_time) < "
          "l.end_time "
          "AND NOT l.thin AND l.rolled_up = l.generation AND l.resolutions & " +
          std::to_string(resolution.bit) + " <> 0)",
      parameters, timeout_ms));
  RollupCounts counts;
  RollupSink sink(resolution, connection, timeout_ms, &counts);
  StoredRollup stored;
  for (int row = 0; row < rows.size(); ++row) {
    TRY(ReadStored(rows, row, &stored));
    if (!EraseBuckets(deleted, resolution.width_ms, &stored.buckets)) continue;
    TRY(connection->Execute("DELETE FROM " + ParentOf(resolution) + " WHERE " + KeyOf(stored),
                            timeout_ms));
    TRY(sink.Write(stored));
  }
  return sink.Send();
}

}  // namespace

Result<void> PurgeRollups(Connection* connection, const Ownership& owner,
                          const storage::Tombstone& tombstone, int64_t timeout_ms) {
  const std::span<const storage::SeriesId> all = tombstone.series;
  for (size_t from = 0; from < all.size(); from += kSeriesPerPurge) {
    const auto some = all.subspan(from, std::min(kSeriesPerPurge, all.size() - from));
    TRY(InTransaction(connection, "", timeout_ms, [&]() -> Result<void> {
      for (const Resolution& resolution : kResolutions) {
        TRY(PurgeResolution(connection, resolution, some, tombstone.span, timeout_ms));
      }
      return HoldFence(connection, owner, timeout_ms);
    }));
  }
  return Ok();
}

}  // namespace vigil::postgres
