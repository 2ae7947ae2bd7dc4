// SPDX-License-Identifier: Apache-2.0
// The remote write 1.0 receiver: snappy and protobuf in, samples acknowledged once they are safe
// in the database.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "server/remote/write_request.h"
#include "server/storage/storage.h"

namespace vigil::remote {

// Counters for /metrics. Threads: any.
struct WriteReceiverStats {
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> failed_requests{0};
  std::atomic<uint64_t> samples{0};
  std::atomic<uint64_t> invalid_series{0};
  std::atomic<uint64_t> cached_series{0};
};

// Answers POST /api/v1/write. Codes as upstream: 204 when every sample is committed; 400 with the
// reason when the body is broken or a sample is rejected (then nothing of the request is stored);
// 415 for another content type or encoding; 503 with Retry-After when the database is behind.
// Series with invalid labels are skipped and counted, as upstream does.
// A series seen before costs one look-up by the raw bytes of its labels: no label is parsed.
// Threads: any.
class WriteReceiver {
 public:
  struct Options {
    size_t max_decoded_bytes = 32 << 20;
    int64_t durable_timeout_ms = 30'000;
    size_t max_cached_series = 4'000'000;
  };

  WriteReceiver(storage::Appender& appender, Options options);
  explicit WriteReceiver(storage::Appender& appender) : WriteReceiver(appender, Options()) {}

  http::Response Handle(const http::Request& request);

  [[nodiscard]] const WriteReceiverStats& stats() const { return stats_; }

 private:
  // Finds strings by view without building a key.
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Cache = std::unordered_map<std::string, storage::SeriesRef, KeyHash, std::equal_to<>>;

  Result<void> Write(std::string_view body);
  // refs[i] is the series of request.series[i], 0 when its labels are invalid.
  Result<void> ResolveAll(const WriteRequest& request, std::vector<storage::SeriesRef>* refs);
  Result<storage::JournalPosition> AppendAll(const WriteRequest& request, bool* stale_refs);
  void ForgetAll();

  storage::Appender& appender_;
  const Options options_;
  WriteReceiverStats stats_;
  std::shared_mutex cache_mutex_;  // guards cache_: one shared lock per request
  Cache cache_;
};

}  // namespace vigil::remote
