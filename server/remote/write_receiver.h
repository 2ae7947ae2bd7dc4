// SPDX-License-Identifier: Apache-2.0
// The remote write receiver, 1.0 and 2.0: snappy and protobuf in, samples acknowledged once they
// are safe in the database.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "server/config/config.h"
#include "server/remote/series_cache.h"
#include "server/remote/write_request.h"
#include "server/storage/storage.h"

namespace vigil::remote {

// Counters for /metrics. Threads: any.
struct WriteReceiverStats {
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> failed_requests{0};
  std::atomic<uint64_t> samples{0};  // floats
  std::atomic<uint64_t> histograms{0};
  std::atomic<uint64_t> exemplars{0};
  std::atomic<uint64_t> invalid_series{0};
  std::atomic<uint64_t> refused_series{0};  // by a series limit
  std::atomic<uint64_t> cached_series{0};
};

// Answers POST /api/v1/write. Codes as upstream: 204 when every sample is committed; 400 with the
// reason when the body is broken or a sample is rejected (of a 1.0 request nothing is stored then,
// of a 2.0 request all good samples); 415 for another content type or encoding; 503 with
// Retry-After when the database is behind: nothing is stored then.
// Series with invalid labels are skipped and counted, as upstream does; in 2.0 they yield a 400.
// Series beyond a series limit are left out: the others are stored and the answer is 400.
// Answers to 2.0 say how much was written. Exemplars never fail a request.
// A series seen before costs one look-up by the raw bytes of its labels: no label is parsed.
// Threads: any.
class WriteReceiver {
 public:
  struct Options {
    size_t max_decoded_bytes = 32 << 20;
    int64_t durable_timeout_ms = 30'000;
    size_t max_cached_series = 4'000'000;
    int64_t target_info_interval_ms = 150'000;  // of OTLP: half of what queries look back
    // Of OTLP: where the section that says how is in force. None: as it is without.
    std::function<std::shared_ptr<const config::Config>()> config = {};
  };

  WriteReceiver(storage::Appender& appender, Options options);
  explicit WriteReceiver(storage::Appender& appender) : WriteReceiver(appender, Options()) {}

  http::Response Handle(const http::Request& request);
  // Answers POST /api/v1/otlp/v1/metrics: protobuf or JSON, plain or with gzip; see otlp_request.h.
  // 200 when every sample is committed, else as for 2.0; samples of target_info may be refused.
  // What cannot be translated is left out and logged. The body of an answer is in the encoding of
  // the request: an ExportMetricsServiceResponse, or a google.rpc.Status that says what is wrong.
  http::Response HandleOtlp(const http::Request& request);

  [[nodiscard]] const WriteReceiverStats& stats() const { return stats_; }

 private:
  enum class Version { kOne, kTwo };
  // What came of a request that was understood.
  struct Written {
    size_t samples = 0;
    size_t histograms = 0;
    size_t exemplars = 0;
    bool new_series = false;
    storage::JournalPosition position = 0;
    // Why some of it was not taken.
    std::optional<Error> rejected;
  };

  // Series that have no place here, because of their labels.
  struct SkippedSeries {
    size_t count = 0;
    std::optional<Error> first;  // why
    bool told = false;           // one of them makes the request fail in 2.0
  };

  Result<Written> Write(std::string_view body, Version version);
  Result<Written> WriteOtlp(const http::Request& request, bool json);
  // AppendAll, once more when series have left the head.
  Result<Written> Append(const WriteRequest& request, Version version);
  Result<void> Finish(const Written& written);
  // refs[i] is the series of request.series[i], 0 when there is none; written->rejected says why.
  Result<void> ResolveAll(const WriteRequest& request, Version version,
                          std::vector<storage::SeriesRef>* refs, Written* written);
  // The part of it for series that are not in the cache.
  Result<void> ResolveNew(const WriteRequest& request, const std::vector<SeriesCache::Key>& keys,
                          std::vector<storage::SeriesRef>* refs, SkippedSeries* skipped,
                          Written* written);
  Result<Written> AppendAll(const WriteRequest& request, Version version, bool* stale_refs);
  // Series of which samples may be refused without an error.
  Result<void> AppendBestEffort(const WriteRequest& request,
                                const std::vector<storage::SeriesRef>& refs, Written* written,
                                bool* stale_refs);
  size_t AppendExemplars(const WriteRequest& request, const std::vector<storage::SeriesRef>& refs);
  void ForgetAll();

  storage::Appender& appender_;
  const Options options_;
  WriteReceiverStats stats_;
  std::shared_mutex cache_mutex_;  // guards cache_: one shared lock per request
  SeriesCache cache_;
};

}  // namespace vigil::remote
