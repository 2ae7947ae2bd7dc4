// SPDX-License-Identifier: Apache-2.0
// See write_receiver.h.
#include "server/remote/write_receiver.h"

#include <snappy.h>

#include <mutex>

#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"

namespace vigil::remote {
namespace {

Result<std::string> Uncompress(std::string_view body, size_t limit) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(body.data(), body.size(), &size)) {
    return BadData("the body is not snappy-compressed");
  }
  if (size > limit) {
    return BadData("the body decodes to " + std::to_string(size) +
                   " bytes, more than the limit of " + std::to_string(limit) +
                   ": send smaller batches");
  }
  std::string message(size, '\0');
  if (!snappy::RawUncompress(body.data(), body.size(), message.data())) {
    return BadData("the body is not valid snappy data");
  }
  return message;
}

// Empty when the request is of the kind we take, else what is wrong with it.
std::string CheckEncoding(const http::Request& request) {
  const std::string_view encoding = request.headers.Get("Content-Encoding");
  if (!encoding.empty() && !EqualsIgnoreCase(encoding, "snappy")) {
    return "unsupported content encoding " + Quote(encoding) + ", send snappy";
  }
  const std::string_view type = request.headers.Get("Content-Type");
  if (type.empty()) return {};
  const std::vector<std::string_view> parts = Split(type, ';');
  if (!EqualsIgnoreCase(TrimSpace(parts[0]), "application/x-protobuf")) {
    return "unsupported content type " + Quote(type) + ", send application/x-protobuf";
  }
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::string_view part = TrimSpace(parts[i]);
    if (part.starts_with("proto=") && part != "proto=prometheus.WriteRequest") {
      return "remote write message " + Quote(part.substr(6)) +
             " is not supported yet, send prometheus.WriteRequest (remote write 1.0)";
    }
  }
  return {};
}

http::Response ErrorResponse(const Error& error) {
  const bool later = error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kTimeout;
  const int status = later ? 503 : error.kind == ErrorKind::kBadData ? 400 : 500;
  http::Response response = http::Response::Text(status, error.message + "\n");
  if (later) response.headers.Set("Retry-After", "1");
  return response;
}

}  // namespace

WriteReceiver::WriteReceiver(storage::Appender& appender, Options options)
    : appender_(appender), options_(options) {}

http::Response WriteReceiver::Handle(const http::Request& request) {
  ++stats_.requests;
  if (const std::string problem = CheckEncoding(request); !problem.empty()) {
    ++stats_.failed_requests;
    return http::Response::Text(415, problem + "\n");
  }
  Result<void> written = Write(request.body);
  if (!written) {
    ++stats_.failed_requests;
    log::Warn("remote", "remote write request failed", {{"err", written.error()}});
    return ErrorResponse(written.error());
  }
  http::Response response;
  response.status = 204;
  return response;
}

Result<void> WriteReceiver::Write(std::string_view body) {
  const std::string message = TRY(Uncompress(body, options_.max_decoded_bytes));
  // Columns are reused by the thread's next request.
  thread_local WriteRequest request;
  TRY(DecodeWriteRequest(message, &request));
  if (request.histograms > 0) {
    return BadData("native histograms are not supported yet: the request has " +
                   std::to_string(request.histograms) + ", switch send_native_histograms off");
  }
  bool stale_refs = false;
  Result<storage::JournalPosition> position = AppendAll(request, &stale_refs);
  if (!position && stale_refs) {
    // Series left the head since they were cached: resolve them again, once.
    ForgetAll();
    position = AppendAll(request, &stale_refs);
  }
  if (!position) return std::move(position).error();
  TRY(appender_.WaitDurable(*position, options_.durable_timeout_ms));
  stats_.samples += request.timestamps.size();
  return Ok();
}

Result<storage::JournalPosition> WriteReceiver::AppendAll(const WriteRequest& request,
                                                          bool* stale_refs) {
  thread_local std::vector<storage::SeriesRef> refs;
  thread_local storage::SampleBatch batch;
  *stale_refs = false;
  TRY(ResolveAll(request, &refs));
  batch.Clear();
  for (size_t i = 0; i < request.series.size(); ++i) {
    if (refs[i] == 0) continue;
    const WriteSeries& series = request.series[i];
    for (size_t k = series.first_sample; k < series.first_sample + series.sample_count; ++k) {
      batch.Add(refs[i], request.timestamps[k], request.values[k]);
    }
  }
  const storage::AppendOutcome outcome =
      TRY(appender_.Append(batch, storage::AppendMode::kAllOrNothing));
  if (outcome.rejected() > 0) {
    *stale_refs = outcome.unknown_series > 0;
    return BadData(std::string(storage::SampleVerdictText(outcome.first_reason)));
  }
  return outcome.position;
}

Result<void> WriteReceiver::ResolveAll(const WriteRequest& request,
                                       std::vector<storage::SeriesRef>* refs) {
  refs->assign(request.series.size(), 0);
  size_t missing = 0;
  {
    std::shared_lock<std::shared_mutex> lock(cache_mutex_);
    for (size_t i = 0; i < request.series.size(); ++i) {
      auto it = cache_.find(request.series[i].raw_labels);
      if (it == cache_.end()) {
        ++missing;
      } else {
        (*refs)[i] = it->second;
      }
    }
  }
  if (missing == 0) return Ok();

  std::vector<std::pair<std::string_view, storage::SeriesRef>> learned;
  learned.reserve(missing);
  for (size_t i = 0; i < request.series.size(); ++i) {
    if ((*refs)[i] != 0) continue;
    Result<Labels> labels = DecodeLabels(request.series[i].raw_labels);
    if (!labels) {
      ++stats_.invalid_series;
      log::Warn("remote", "skipped a series with invalid labels", {{"err", labels.error()}});
      continue;
    }
    (*refs)[i] = TRY(appender_.Resolve(*labels));
    learned.emplace_back(request.series[i].raw_labels, (*refs)[i]);
  }
  std::unique_lock<std::shared_mutex> lock(cache_mutex_);
  // Bounded without bookkeeping per hit: a full cache starts over.
  if (cache_.size() + learned.size() > options_.max_cached_series) cache_.clear();
  for (const auto& [raw, ref] : learned) cache_.emplace(raw, ref);
  stats_.cached_series = cache_.size();
  return Ok();
}

void WriteReceiver::ForgetAll() {
  std::unique_lock<std::shared_mutex> lock(cache_mutex_);
  cache_.clear();
  stats_.cached_series = 0;
}

}  // namespace vigil::remote
