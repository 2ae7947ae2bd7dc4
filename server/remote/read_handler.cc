// SPDX-License-Identifier: Apache-2.0
// See read_handler.h.
#include "server/remote/read_handler.h"

#include <snappy.h>

#include <chrono>

#include "client-lib/base/log.h"
#include "server/chunks/crc32c.h"
#include "server/remote/histogram_message.h"
#include "server/remote/proto_writer.h"
#include "server/remote/read_chunks.h"
#include "server/remote/write_encoder.h"

namespace vigil::remote {
namespace {

// The labels of the series and those of the server that it does not have.
Labels WithExternal(const Labels& series, const Labels& external) {
  if (external.empty()) return series;
  std::vector<LabelView> all(external.begin(), external.end());
  all.insert(all.end(), series.begin(), series.end());  // the last of equal names wins
  return Labels::Of(std::move(all));
}

// A message TimeSeries: labels = 1, samples = 2, histograms = 4.
std::string EncodeSeries(const Labels& labels, const SampleColumns& samples) {
  std::string series = EncodeLabels(labels);
  ProtoWriter fields(&series);
  for (size_t i = 0; i < samples.size(); ++i) {
    fields.Sample(2, samples.timestamps[i], samples.values[i]);
  }
  std::string histogram;
  for (const HistogramSample& sample : samples.histograms) {
    histogram.clear();
    EncodeHistogram(sample, &histogram);
    fields.Bytes(4, histogram);
  }
  return series;
}

// A message Chunk.
std::string EncodeChunk(const EncodedChunk& chunk) {
  std::string out;
  ProtoWriter fields(&out);
  fields.Varint(1, static_cast<uint64_t>(chunk.min_time));
  fields.Varint(2, static_cast<uint64_t>(chunk.max_time));
  fields.Varint(3, static_cast<uint64_t>(chunk.encoding));
  fields.Bytes(4, chunk.data);
  return out;
}

// The length, the checksum, highest byte first, and the message ChunkedReadResponse.
std::string ReadFrame(std::string_view series, size_t query_index) {
  std::string message;
  ProtoWriter fields(&message);
  fields.Bytes(1, series);
  if (query_index != 0) fields.Varint(2, query_index);
  std::string out;
  AppendVarint(message.size(), &out);
  const uint32_t crc = chunks::Crc32c(message);
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(crc >> shift));
  out.append(message);
  return out;
}

// Sends one series; a long one takes several frames, each with its labels. False when the client
// has gone.
bool StreamSeries(const Labels& labels, const SampleColumns& samples, size_t query_index,
                  size_t max_frame_bytes, const http::Response::Write& write) {
  const std::string head = EncodeLabels(labels);
  std::vector<EncodedChunk> all;
  EncodeChunks(samples, &all);
  std::string series = head;
  for (size_t i = 0; i < all.size(); ++i) {
    ProtoWriter(&series).Bytes(2, EncodeChunk(all[i]));
    if (series.size() < max_frame_bytes && i + 1 < all.size()) continue;
    if (!write(ReadFrame(series, query_index))) return false;
    series = head;
  }
  return true;
}

// False when not everything was sent.
bool StreamAll(const std::vector<std::unique_ptr<storage::SeriesSet>>& sets,
               const Labels& external_labels, size_t max_frame_bytes,
               const http::Response::Write& write) {
  SampleColumns samples;
  for (size_t query = 0; query < sets.size(); ++query) {
    for (size_t i = 0; i < sets[query]->size(); ++i) {
      samples.Clear();
      const Result<void> read = sets[query]->Read(i, &samples);
      if (!read) {
        log::Warn("remote", "a remote read answer was cut off", {{"err", read.error()}});
        return false;
      }
      const Labels labels = WithExternal(sets[query]->labels(i), external_labels);
      if (!StreamSeries(labels, samples, query, max_frame_bytes, write)) return false;
    }
    for (const std::string& warning : sets[query]->warnings()) log::Warn("remote", warning);
  }
  return true;
}

http::Response ReadFailure(const Error& error) {
  http::Response response = http::Response::Text(500, error.message + "\n");
  if (error.kind == ErrorKind::kBadData) response.status = 400;
  if (error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kTimeout) {
    response.status = 503;
  }
  response.headers.Set("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace

class ReadHandler::Slot {
 public:
  // Nothing when none became free in time.
  static std::shared_ptr<Slot> Take(std::shared_ptr<Slots> slots, int64_t timeout_ms) {
    ++slots->users;
    std::unique_lock<std::mutex> lock(slots->mutex);
    const bool got = slots->changed.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                                             [&] { return slots->free > 0; });
    if (!got) {
      --slots->users;
      return nullptr;
    }
    --slots->free;
    return std::make_shared<Slot>(std::move(slots));
  }
  explicit Slot(std::shared_ptr<Slots> slots) : slots_(std::move(slots)) {}
  ~Slot() {
    {
      std::lock_guard<std::mutex> lock(slots_->mutex);
      ++slots_->free;
    }
    slots_->changed.notify_one();
    --slots_->users;
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  const std::shared_ptr<Slots> slots_;
};

http::Response ReadHandler::Handle(const http::Request& request) {
  std::shared_ptr<Slot> slot = Slot::Take(slots_, options_.queue_timeout_ms);
  if (slot == nullptr) return ReadFailure(Timeout("too many remote read queries, try again later"));
  Result<http::Response> answer = Answer(request.body, std::move(slot));
  return answer ? *std::move(answer) : ReadFailure(answer.error());
}

Result<std::string> ReadHandler::Uncompress(std::string_view body) const {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(body.data(), body.size(), &size)) {
    return BadData("snappy: corrupt input");
  }
  if (size > options_.max_body_bytes) return BadData("snappy: decoded block is too large");
  std::string message;
  if (!snappy::Uncompress(body.data(), body.size(), &message)) {
    return BadData("snappy: corrupt input");
  }
  return message;
}

Result<ReadHandler::SeriesSets> ReadHandler::Select(const ReadRequest& request,
                                                    const Labels& external_labels) const {
  SeriesSets sets;
  for (const ReadQuery& query : request.queries) {
    const std::vector<Matcher> matchers = TRY(StoredMatchers(query, external_labels));
    sets.push_back(TRY(store_.Select(matchers, query.hints)));
  }
  return sets;
}

Result<http::Response> ReadHandler::Answer(std::string_view body,
                                           std::shared_ptr<Slot> slot) const {
  const std::string message = TRY(Uncompress(body));
  const ReadRequest request = TRY(DecodeReadRequest(message));
  const Labels external_labels = external_labels_();
  const ReadResponseType type = TRY(NegotiateResponseType(request.accepted_types));
  SeriesSets sets = TRY(Select(request, external_labels));
  if (type == ReadResponseType::kSamples) return Samples(sets, external_labels);

  http::Response response;
  response.content_type = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
  response.stream = [slot = std::move(slot), shared = std::make_shared<SeriesSets>(std::move(sets)),
                     external_labels,
                     max_frame = options_.max_frame_bytes](const http::Response::Write& write) {
    return StreamAll(*shared, external_labels, max_frame, write);
  };
  return response;
}

Result<http::Response> ReadHandler::Samples(const SeriesSets& sets,
                                            const Labels& external_labels) const {
  std::string message;  // ReadResponse: results = 1
  SampleColumns samples;
  for (const auto& set : sets) {
    size_t count = 0;
    std::string result;  // QueryResult: timeseries = 1
    for (size_t i = 0; i < set->size(); ++i) {
      samples.Clear();
      TRY(set->Read(i, &samples));
      count += samples.size() + samples.histograms.size();
      if (options_.max_samples > 0 && count > options_.max_samples) {
        return BadData("exceeded sample limit (" + std::to_string(options_.max_samples) + ")");
      }
      if (samples.empty() && samples.histograms.empty()) continue;
      const Labels labels = WithExternal(set->labels(i), external_labels);
      ProtoWriter(&result).Bytes(1, EncodeSeries(labels, samples));
    }
    for (const std::string& warning : set->warnings()) log::Warn("remote", warning);
    ProtoWriter(&message).Bytes(1, result);
  }
  http::Response response;
  response.content_type = "application/x-protobuf";
  response.headers.Set("Content-Encoding", "snappy");
  snappy::Compress(message.data(), message.size(), &response.body);
  return response;
}

}  // namespace vigil::remote
