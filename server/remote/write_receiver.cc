// SPDX-License-Identifier: Apache-2.0
// See write_receiver.h.
#include "server/remote/write_receiver.h"

#include <snappy.h>

#include <algorithm>
#include <mutex>
#include <random>

#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"
#include "server/remote/otlp_attributes.h"
#include "server/remote/otlp_json.h"
#include "server/remote/otlp_request.h"
#include "server/remote/proto_writer.h"
#include "server/remote/write_metadata.h"

namespace vigil::remote {
namespace {

// A thread keeps its buffers for the next request, unless it was an unusually large one.
constexpr size_t kKeptBuffer = 8U << 20;

// Lets go of what a request needed, up to memory for the next.
void Release(std::string* buffer) {
  if (buffer->capacity() > kKeptBuffer) *buffer = std::string();
}
template <typename T>
void Release(std::vector<T>* column) {
  if (column->capacity() * sizeof(T) > kKeptBuffer) *column = std::vector<T>();
}
void Release(WriteRequest* request) {
  request->Clear();
  if (request->CapacityBytes() > kKeptBuffer) *request = WriteRequest();
}
void Release(storage::SampleBatch* batch) {
  batch->Clear();
  const auto bytes = [](const auto& column) { return column.capacity() * sizeof(column[0]); };
  if (bytes(batch->refs) + bytes(batch->timestamps) + bytes(batch->values) +
          bytes(batch->histogram_refs) + bytes(batch->histograms) >
      kKeptBuffer) {
    *batch = storage::SampleBatch();
  }
}

// Releases at the end of the scope.
template <typename T>
class KeptForNext {
 public:
  explicit KeptForNext(T* kept) : kept_(kept) {}
  ~KeptForNext() { Release(kept_); }
  KeptForNext(const KeptForNext&) = delete;
  KeptForNext& operator=(const KeptForNext&) = delete;

 private:
  T* const kept_;
};

// The samples of one series of the request.
void AddSamples(const WriteRequest& request, const WriteSeries& series, storage::SeriesRef ref,
                storage::SampleBatch* batch) {
  for (size_t k = series.first_sample; k < series.first_sample + series.sample_count; ++k) {
    batch->Add(ref, request.timestamps[k], request.values[k]);
  }
  for (size_t k = 0; k < series.histogram_count; ++k) {
    const HistogramSample& sample = request.histograms[series.first_histogram + k];
    batch->Add(ref, sample.timestamp, sample.histogram);
  }
}

uint64_t RandomSeed() {
  std::random_device random;
  return uint64_t{random()} << 32 | random();
}

// The message, in *buffer.
Result<std::string_view> Uncompress(std::string_view body, size_t limit, std::string* buffer) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(body.data(), body.size(), &size)) {
    return BadData("the body is not snappy-compressed");
  }
  if (size > limit) {
    return BadData("the body decodes to " + std::to_string(size) +
                   " bytes, more than the limit of " + std::to_string(limit) +
                   ": send smaller batches");
  }
  if (buffer->size() < size) buffer->resize(size);
  if (!snappy::RawUncompress(body.data(), body.size(), buffer->data())) {
    return BadData("the body is not valid snappy data");
  }
  return std::string_view(*buffer).substr(0, size);
}

constexpr std::string_view kMessageV1 = "prometheus.WriteRequest";
constexpr std::string_view kMessageV2 = "io.prometheus.write.v2.Request";

// What kind of request this is. Empty problem: one that we take.
struct Encoding {
  std::string problem;
  bool v2 = false;
};

Encoding CheckEncoding(const http::Request& request) {
  Encoding result;
  const std::string_view encoding = request.headers.Get("Content-Encoding");
  if (!encoding.empty() && !EqualsIgnoreCase(encoding, "snappy")) {
    result.problem = "unsupported content encoding " + Quote(encoding) + ", send snappy";
    return result;
  }
  const std::string_view type = request.headers.Get("Content-Type");
  if (type.empty()) return result;
  const std::vector<std::string_view> parts = Split(type, ';');
  if (!EqualsIgnoreCase(TrimSpace(parts[0]), "application/x-protobuf")) {
    result.problem = "unsupported content type " + Quote(type) + ", send application/x-protobuf";
    return result;
  }
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::string_view part = TrimSpace(parts[i]);
    if (!part.starts_with("proto=")) continue;
    const std::string_view message = part.substr(6);
    result.v2 = message == kMessageV2;
    if (message == kMessageV1 || message == kMessageV2) continue;
    result.problem = "unknown remote write message " + Quote(message) + ", send " +
                     std::string(kMessageV1) + " or " + std::string(kMessageV2);
  }
  return result;
}

http::Response ErrorResponse(const Error& error) {
  const bool later = error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kTimeout;
  const int status = later ? 503 : error.kind == ErrorKind::kBadData ? 400 : 500;
  http::Response response = http::Response::Text(status, error.message + "\n");
  if (later) response.headers.Set("Retry-After", "1");
  return response;
}

constexpr std::string_view kOtlpProtobuf = "application/x-protobuf";
constexpr std::string_view kOtlpJson = "application/json";

// A google.rpc.Status.
http::Response OtlpErrorResponse(const Error& error, bool json) {
  http::Response response = ErrorResponse(error);
  // INVALID_ARGUMENT, UNAVAILABLE, INTERNAL
  const uint64_t code = response.status == 400 ? 3 : response.status == 503 ? 14 : 13;
  response.body.clear();
  if (json) {
    response.content_type = kOtlpJson;
    response.body = R"({"code":)" + std::to_string(code) + R"(,"message":)";
    AppendJsonQuoted(error.message, &response.body);
    response.body += '}';
  } else {
    response.content_type = kOtlpProtobuf;
    ProtoWriter status(&response.body);
    status.Varint(1, code);
    status.Bytes(2, error.message);
  }
  return response;
}

}  // namespace

WriteReceiver::WriteReceiver(storage::Appender& appender, Options options)
    : appender_(appender), options_(options), cache_(RandomSeed()) {}

http::Response WriteReceiver::Handle(const http::Request& request) {
  ++stats_.requests;
  const Encoding encoding = CheckEncoding(request);
  if (!encoding.problem.empty()) {
    ++stats_.failed_requests;
    return http::Response::Text(415, encoding.problem + "\n");
  }
  Result<Written> written = Write(request.body, encoding.v2 ? Version::kTwo : Version::kOne);
  http::Response response;
  response.status = 204;
  const bool failed = !written || written->rejected.has_value();
  if (failed) {
    const Error& error = written ? *written->rejected : written.error();
    ++stats_.failed_requests;
    log::Warn("remote", "remote write request failed", {{"err", error}});
    response = ErrorResponse(error);
  }
  if (encoding.v2) {
    const Written counts = written ? *written : Written{};
    response.headers.Set("X-Prometheus-Remote-Write-Samples-Written",
                         std::to_string(counts.samples));
    response.headers.Set("X-Prometheus-Remote-Write-Histograms-Written",
                         std::to_string(counts.histograms));
    response.headers.Set("X-Prometheus-Remote-Write-Exemplars-Written",
                         std::to_string(counts.exemplars));
  }
  return response;
}

Result<WriteReceiver::Written> WriteReceiver::Write(std::string_view body, Version version) {
  // Buffer and columns are reused by the thread's next request.
  thread_local std::string buffer;
  thread_local WriteRequest request;
  const KeptForNext kept_buffer(&buffer);
  const KeptForNext kept_request(&request);
  const std::string_view message = TRY(Uncompress(body, options_.max_decoded_bytes, &buffer));
  if (version == Version::kOne) {
    TRY(DecodeWriteRequest(message, &request));
  } else {
    TRY(DecodeWriteRequestV2(message, &request));
  }
  Written written = TRY(Append(request, version));
  // 2.0 repeats it with each sample; then it is looked at when series are new.
  if (!request.metadata.empty() && (version == Version::kOne || written.new_series)) {
    appender_.PutMetadata(MetadataOf(request));
  }
  TRY(Finish(written));
  return written;
}

Result<WriteReceiver::Written> WriteReceiver::Append(const WriteRequest& request, Version version) {
  bool stale_refs = false;
  Result<Written> written = AppendAll(request, version, &stale_refs);
  if (stale_refs) {
    // Series left the head since they were cached: resolve them again, once.
    ForgetAll();
    written = AppendAll(request, version, &stale_refs);
  }
  return written;
}

Result<void> WriteReceiver::Finish(const Written& written) {
  TRY(appender_.WaitDurable(written.position, options_.durable_timeout_ms));
  stats_.samples += written.samples;
  stats_.histograms += written.histograms;
  stats_.exemplars += written.exemplars;
  return Ok();
}

Result<WriteReceiver::Written> WriteReceiver::WriteOtlp(const http::Request& request, bool json) {
  thread_local WriteRequest columns;
  const KeptForNext kept_columns(&columns);
  std::string message =
      TRY(http::DecodeBody(request.headers, request.body, options_.max_decoded_bytes));
  if (json) message = TRY(OtlpJsonToProtobuf(message, options_.max_decoded_bytes));
  const auto config = options_.config ? options_.config() : nullptr;
  OtlpSettings settings = config == nullptr ? OtlpSettings() : OtlpSettings(config->otlp);
  settings.info_interval_ms = options_.target_info_interval_ms;
  OtlpExtras extras;
  TRY(DecodeOtlpRequest(message, settings, &columns, &extras));
  if (extras.dropped > 0) {
    log::Warn(
        "remote", "OTLP metrics were left out",
        {{"count", static_cast<uint64_t>(extras.dropped)}, {"why", Join(extras.problems, "; ")}});
  }
  Written written = TRY(Append(columns, Version::kTwo));
  if (written.new_series) appender_.PutMetadata(extras.metadata);
  TRY(Finish(written));
  return written;
}

http::Response WriteReceiver::HandleOtlp(const http::Request& request) {
  ++stats_.requests;
  const std::vector<std::string_view> type = Split(request.headers.Get("Content-Type"), ';');
  const bool json = !type.empty() && EqualsIgnoreCase(TrimSpace(type[0]), kOtlpJson);
  if (!json && (type.empty() || !EqualsIgnoreCase(TrimSpace(type[0]), kOtlpProtobuf))) {
    ++stats_.failed_requests;
    return http::Response::Text(
        415, "unsupported content type: " + std::string(request.headers.Get("Content-Type")) +
                 ", supported: [application/json, application/x-protobuf]\n");
  }
  const Result<Written> written = WriteOtlp(request, json);
  if (!written || written->rejected.has_value()) {
    const Error& error = written ? *written->rejected : written.error();
    ++stats_.failed_requests;
    log::Warn("remote", "OTLP request failed", {{"err", error}});
    return OtlpErrorResponse(error, json);
  }
  // An empty ExportMetricsServiceResponse: all is well.
  http::Response response;
  response.content_type = json ? kOtlpJson : kOtlpProtobuf;
  if (json) response.body = "{}";
  return response;
}

Result<WriteReceiver::Written> WriteReceiver::AppendAll(const WriteRequest& request,
                                                        Version version, bool* stale_refs) {
  thread_local std::vector<storage::SeriesRef> refs;
  thread_local storage::SampleBatch batch;
  const KeptForNext kept_refs(&refs);
  const KeptForNext kept_batch(&batch);
  *stale_refs = false;
  Written written;
  TRY(ResolveAll(request, version, &refs, &written));
  batch.Clear();
  bool best_effort = false;
  for (size_t i = 0; i < request.series.size(); ++i) {
    if (refs[i] == 0) continue;
    best_effort = best_effort || request.series[i].best_effort;
    if (!request.series[i].best_effort) AddSamples(request, request.series[i], refs[i], &batch);
  }
  const storage::AppendMode mode = version == Version::kOne ? storage::AppendMode::kAllOrNothing
                                                            : storage::AppendMode::kSenderKeeps;
  const storage::AppendOutcome outcome = TRY(appender_.Append(batch, mode));
  written.position = outcome.position;
  if (outcome.rejected() > 0) {
    *stale_refs = outcome.unknown_series > 0;
    Error error = BadData(std::string(storage::SampleVerdictText(outcome.first_reason)));
    if (version == Version::kOne) return error;
    written.rejected = std::move(error);
  }
  // What was there already counts as written, too.
  const size_t rejected = outcome.rejected();
  const size_t taken = batch.size() + batch.histograms.size() - rejected;
  written.histograms = std::min(
      taken, version == Version::kOne ? batch.histograms.size() : outcome.accepted_histograms);
  written.samples = taken - written.histograms;
  if (*stale_refs) return written;
  written.exemplars = AppendExemplars(request, refs);
  if (best_effort) TRY(AppendBestEffort(request, refs, &written, stale_refs));
  return written;
}

Result<void> WriteReceiver::AppendBestEffort(const WriteRequest& request,
                                             const std::vector<storage::SeriesRef>& refs,
                                             Written* written, bool* stale_refs) {
  storage::SampleBatch batch;
  for (size_t i = 0; i < request.series.size(); ++i) {
    const WriteSeries& series = request.series[i];
    if (refs[i] != 0 && series.best_effort) AddSamples(request, series, refs[i], &batch);
  }
  const storage::AppendOutcome outcome =
      TRY(appender_.Append(batch, storage::AppendMode::kSenderKeeps));
  *stale_refs = outcome.unknown_series > 0;
  written->position = std::max(written->position, outcome.position);
  written->samples += batch.size() - outcome.rejected();
  return Ok();
}

size_t WriteReceiver::AppendExemplars(const WriteRequest& request,
                                      const std::vector<storage::SeriesRef>& refs) {
  if (request.exemplars.empty()) return 0;
  storage::ExemplarBatch batch;
  for (size_t i = 0; i < request.series.size(); ++i) {
    if (refs[i] == 0) continue;
    const WriteSeries& series = request.series[i];
    for (size_t k = 0; k < series.exemplar_count; ++k) {
      const WriteExemplar& exemplar = request.exemplars[series.first_exemplar + k];
      Result<Labels> labels = DecodeExemplarLabels(exemplar.raw_labels);
      if (!labels) continue;
      batch.refs.push_back(refs[i]);
      batch.exemplars.push_back({std::move(*labels), exemplar.value, exemplar.timestamp});
    }
  }
  appender_.AppendExemplars(batch);
  return batch.refs.size();
}

Result<void> WriteReceiver::ResolveAll(const WriteRequest& request, Version version,
                                       std::vector<storage::SeriesRef>* refs, Written* written) {
  thread_local std::vector<SeriesCache::Key> keys;
  const KeptForNext kept_keys(&keys);
  keys.clear();
  for (const WriteSeries& series : request.series) keys.push_back(cache_.KeyOf(series.raw_labels));
  refs->resize(keys.size());
  size_t missing = 0;
  {
    std::shared_lock<std::shared_mutex> lock(cache_mutex_);
    missing = cache_.Find(keys, *refs);
  }
  SkippedSeries skipped;
  if (request.unlabelled > 0) skipped = {request.unlabelled, DecodeLabels({}).error(), true};
  if (missing > 0) TRY(ResolveNew(request, keys, refs, &skipped, written));
  if (skipped.count == 0) return Ok();
  stats_.invalid_series += skipped.count;
  log::Warn("remote", "skipped series with invalid labels",
            {{"count", static_cast<uint64_t>(skipped.count)}, {"err", *skipped.first}});
  if (version == Version::kTwo && skipped.told) written->rejected = std::move(skipped.first);
  return Ok();
}

Result<void> WriteReceiver::ResolveNew(const WriteRequest& request,
                                       const std::vector<SeriesCache::Key>& keys,
                                       std::vector<storage::SeriesRef>* refs,
                                       SkippedSeries* skipped, Written* written) {
  written->new_series = true;
  std::vector<size_t> learned;
  for (size_t i = 0; i < request.series.size(); ++i) {
    if ((*refs)[i] != 0) continue;
    Result<Labels> labels = DecodeLabels(request.series[i].raw_labels);
    const bool told = !request.series[i].best_effort;
    if (!labels) {
      if (skipped->count++ == 0 || (told && !skipped->told)) skipped->first = labels.error();
      skipped->told = skipped->told || told;
      continue;
    }
    Result<storage::SeriesRef> ref = appender_.Resolve(*labels);
    if (!ref && ref.error().kind == ErrorKind::kBadData) {
      // A limit: the series that are there go on, the sender is told.
      ++stats_.refused_series;
      if (told && !written->rejected) written->rejected = std::move(ref).error();
      continue;
    }
    (*refs)[i] = TRY(std::move(ref));
    learned.push_back(i);
  }
  std::unique_lock<std::shared_mutex> lock(cache_mutex_);
  // Bounded without bookkeeping per hit: a full cache starts over.
  if (cache_.size() + learned.size() > options_.max_cached_series) cache_.Clear();
  for (const size_t i : learned) cache_.Insert(keys[i], (*refs)[i]);
  stats_.cached_series = cache_.size();
  return Ok();
}

void WriteReceiver::ForgetAll() {
  std::unique_lock<std::shared_mutex> lock(cache_mutex_);
  cache_.Clear();
  stats_.cached_series = 0;
}

}  // namespace vigil::remote
