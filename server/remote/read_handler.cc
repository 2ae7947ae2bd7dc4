// SPDX-License-Identifier: Apache-2.0
// See read_handler.h.
#include "server/remote/read_handler.h"

#include <snappy.h>

#include <chrono>

#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"
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

// About what a selection takes until it is read.
size_t BytesOf(const storage::SeriesSet& set) {
  constexpr size_t kChunkBytes = 2048;
  return set.size() * storage::SelectHints::kSeriesBytes + set.chunks().in_database * kChunkBytes;
}

std::string MatchersText(const ReadQuery& query) {
  static constexpr std::string_view kSigns[] = {"=", "!=", "=~", "!~"};
  std::string text = "{";
  for (const ReadMatcher& matcher : query.matchers) {
    if (text.size() > 1) text += ',';
    text.append(matcher.name).append(matcher.type < 4 ? kSigns[matcher.type] : "?");
    text += Quote(matcher.value);
  }
  return text + "}";
}

// `{__name__="up"}, {job="x"}`: what is read, for people.
std::string TextOf(const ReadRequest& request) {
  constexpr size_t kEnough = 1000;
  std::string text;
  for (const ReadQuery& query : request.queries) {
    if (text.size() > kEnough) return text + ", ...";
    if (!text.empty()) text += ", ";
    text += MatchersText(query);
  }
  return text;
}

// False when not everything was sent.
bool StreamAll(const std::vector<std::unique_ptr<storage::SeriesSet>>& sets,
               const Labels& external_labels, size_t max_frame_bytes, ReadTask* task,
               const http::Response::Write& write) {
  SampleColumns samples;
  for (size_t query = 0; query < sets.size(); ++query) {
    for (size_t i = 0; i < sets[query]->size(); ++i) {
      samples.Clear();
      Result<void> read = task->CheckAlive();
      if (read) read = sets[query]->Read(i, &samples);
      task->CountSamples(samples.size() + samples.histograms.size());
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
  if (error.kind == ErrorKind::kExecution) response.status = 422;
  if (error.kind == ErrorKind::kCanceled) response.status = 499;
  if (error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kTimeout) {
    response.status = 503;
  }
  response.headers.Set("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace

class ReadHandler::Slot {
 public:
  // timeout when none became free in time or too many wait already; canceled.
  static Result<std::shared_ptr<Slot>> Take(std::shared_ptr<Slots> slots, const Options& options,
                                            const std::stop_token& stop) {
    const User user(slots->users);
    std::unique_lock<std::mutex> lock(slots->mutex);
    if (slots->free == 0) {
      if (slots->waiting >= options.max_waiting) {
        return Timeout("too many remote read queries are waiting, try again later");
      }
      ++slots->waiting;
      const bool got =
          slots->changed.wait_for(lock, stop, std::chrono::milliseconds(options.queue_timeout_ms),
                                  [&] { return slots->free > 0; });
      --slots->waiting;
      if (stop.stop_requested()) return Canceled("the remote read was canceled in its queue");
      if (!got) return Timeout("too many remote read queries, try again later");
    }
    --slots->free;
    ++slots->users;
    return std::make_shared<Slot>(std::move(slots));
  }
  explicit Slot(std::shared_ptr<Slots> slots) : slots_(std::move(slots)) {}
  ~Slot() {
    {
      std::lock_guard<std::mutex> lock(slots_->mutex);
      ++slots_->free;
    }
    // All: the one that is woken may just have been canceled, and then nobody takes the place.
    slots_->changed.notify_all();
    --slots_->users;
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  // Counts one that waits.
  class User {
   public:
    explicit User(std::atomic<size_t>& users) : users_(users) { ++users_; }
    ~User() { --users_; }
    User(const User&) = delete;
    User& operator=(const User&) = delete;

   private:
    std::atomic<size_t>& users_;
  };

  const std::shared_ptr<Slots> slots_;
};

http::Response ReadHandler::Handle(const http::Request& request,
                                   const std::shared_ptr<ReadTask>& task) {
  auto slot = Slot::Take(slots_, options_, task->stop());
  if (!slot) return ReadFailure(slot.error());
  task->Start();
  Result<http::Response> answer = Answer(request.body, {task, *std::move(slot)});
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
                                                    const Labels& external_labels, ReadTask* task,
                                                    size_t* held_bytes) const {
  SeriesSets sets;
  for (const ReadQuery& query : request.queries) {
    TRY(task->CheckAlive());
    const std::vector<Matcher> matchers = TRY(StoredMatchers(query, external_labels));
    sets.push_back(TRY(store_.Select(matchers, query.hints)));
    task->CountSelected(*sets.back());
    *held_bytes += BytesOf(*sets.back());
    TRY(task->Reach(*held_bytes));
  }
  return sets;
}

Result<http::Response> ReadHandler::Answer(std::string_view body, Held held) const {
  ReadTask* const task = held.task.get();
  const std::string message = TRY(Uncompress(body));
  const ReadRequest request = TRY(DecodeReadRequest(message));
  task->Describe(TextOf(request));
  const Labels external_labels = external_labels_();
  const ReadResponseType type = TRY(NegotiateResponseType(request.accepted_types));
  size_t held_bytes = message.size();
  SeriesSets sets = TRY(Select(request, external_labels, task, &held_bytes));
  if (type == ReadResponseType::kSamples) {
    http::Response response = TRY(Samples(sets, external_labels, task, held_bytes));
    task->BeginSending();
    response.kept = std::make_shared<const Held>(std::move(held));
    return response;
  }

  http::Response response;
  task->BeginSending();
  response.content_type = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
  response.kept = std::make_shared<const Held>(std::move(held));
  response.stream = [task, shared = std::make_shared<SeriesSets>(std::move(sets)), external_labels,
                     max_frame = options_.max_frame_bytes](const http::Response::Write& write) {
    return StreamAll(*shared, external_labels, max_frame, task, write);
  };
  return response;
}

Result<http::Response> ReadHandler::Samples(const SeriesSets& sets, const Labels& external_labels,
                                            ReadTask* task, size_t held_bytes) const {
  std::string message;  // ReadResponse: results = 1
  SampleColumns samples;
  size_t count = 0;
  for (const auto& set : sets) {
    std::string result;  // QueryResult: timeseries = 1
    for (size_t i = 0; i < set->size(); ++i) {
      TRY(task->CheckAlive());
      samples.Clear();
      TRY(set->Read(i, &samples));
      count += samples.size() + samples.histograms.size();
      task->CountSamples(samples.size() + samples.histograms.size());
      if (options_.max_samples > 0 && count > options_.max_samples) {
        return BadData("exceeded sample limit (" + std::to_string(options_.max_samples) + ")");
      }
      if (samples.empty() && samples.histograms.empty()) continue;
      const Labels labels = WithExternal(set->labels(i), external_labels);
      ProtoWriter(&result).Bytes(1, EncodeSeries(labels, samples));
      // Strings that grow are there twice for a moment, and so is this when it is compressed.
      TRY(task->Reach(held_bytes + 2 * (message.size() + result.size())));
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
