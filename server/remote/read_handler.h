// SPDX-License-Identifier: Apache-2.0
// Remote read: answers the queries of other Prometheus-compatible servers from this store.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "client-lib/model/labels.h"
#include "server/remote/read_request.h"
#include "server/remote/read_task.h"
#include "server/storage/storage.h"

namespace vigil::remote {

// Answers POST /api/v1/read: snappy, prometheus.ReadRequest. By the accepted types either samples
// (one snappy-compressed ReadResponse) or streamed chunks (frames of ChunkedReadResponse, one
// series each, behind their length and CRC-32C). Series are sorted; the external labels of this
// server are added to those they lack. Errors are plain text: 400 for a broken body or too many
// samples, 500 for matchers that do not compile, as upstream; 422 for too much memory, 499 when the
// read was canceled, 503 when it had to wait or took too long.
// Threads: any.
class ReadHandler {
 public:
  struct Options {
    size_t max_samples = 50'000'000;   // of a samples answer, all its queries together; 0: no limit
    size_t max_concurrent = 10;        // others wait,
    size_t max_waiting = 20;           // so many at most: a waiting request holds a thread
    size_t max_frame_bytes = 1 << 20;  // about: a frame ends with the chunk that reaches it
    size_t max_body_bytes = 32 << 20;  // of a request, compressed or not
    int64_t queue_timeout_ms = 120'000;
  };

  // The store must outlive this object. external_labels is called once a request.
  ReadHandler(const storage::Queryable& store, std::function<Labels()> external_labels,
              Options options)
      : store_(store),
        external_labels_(std::move(external_labels)),
        options_(options),
        slots_(std::make_shared<Slots>(options.max_concurrent)) {}

  // REQUIRES: the task outlives neither its list nor its thread; it is kept until the answer is
  // sent.
  http::Response Handle(const http::Request& request, const std::shared_ptr<ReadTask>& task);

  // Running or waiting.
  [[nodiscard]] size_t queries() const { return slots_->users; }

 private:
  // A request keeps its slot until its answer has been sent.
  struct Slots {
    explicit Slots(size_t count) : free(count) {}
    std::atomic<size_t> users{0};
    std::mutex mutex;  // guards free and waiting
    std::condition_variable_any changed;
    size_t free;
    size_t waiting = 0;
  };
  class Slot;
  // Goes with the answer; its slot is given back first.
  struct Held {
    std::shared_ptr<ReadTask> task;
    std::shared_ptr<Slot> slot;
  };
  using SeriesSets = std::vector<std::unique_ptr<storage::SeriesSet>>;

  Result<std::string> Uncompress(std::string_view body) const;
  // Adds about the bytes that the sets take to *held_bytes.
  Result<SeriesSets> Select(const ReadRequest& request, const Labels& external_labels,
                            ReadTask* task, size_t* held_bytes) const;
  Result<http::Response> Answer(std::string_view body, Held held) const;
  Result<http::Response> Samples(const SeriesSets& sets, const Labels& external_labels,
                                 ReadTask* task, size_t held_bytes) const;

  const storage::Queryable& store_;
  const std::function<Labels()> external_labels_;
  const Options options_;
  const std::shared_ptr<Slots> slots_;
};

}  // namespace vigil::remote
