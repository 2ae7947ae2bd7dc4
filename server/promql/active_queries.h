// SPDX-License-Identifier: Apache-2.0
// The queries that wait or run right now: who asked what, what it has cost so far, and a way to
// cancel one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/model/duration.h"
#include "server/promql/query_progress.h"

namespace vigil::promql {

// Which request asks; the first two are expressions.
enum class QueryKind : uint8_t {
  kInstant,
  kRange,
  kRemoteRead,
  kFederation,
  kSeries,
  kLabelNames,
  kLabelValues,
  kSearch,
  kExemplars,
};
// "instant", "remote_read", ...
std::string_view QueryKindName(QueryKind kind);

// What is known of a query when it comes.
struct QueryOrigin {
  std::string text;    // cut at kMaxText when it enters the list
  std::string client;  // address, empty: the server itself
  QueryKind kind = QueryKind::kInstant;
  TimestampMs start = 0;
  TimestampMs end = 0;
  DurationMs step_ms = 0;

  static constexpr size_t kMaxText = 16 * 1024;
};

enum class QueryState : uint8_t {
  kQueued,  // waits for its turn
  kRunning,
  kSending,  // the answer is there, the client takes it
};

// One moment of a query.
struct ActiveQuery {
  uint64_t id = 0;
  QueryOrigin origin;
  TimestampMs began = 0;
  double age_s = 0;
  QueryState state = QueryState::kQueued;
  bool canceled = false;  // somebody has asked it to end
  double cpu_s = 0;
  int64_t series = 0;
  int64_t samples = 0;
  int64_t chunks_in_memory = 0;
  int64_t chunks_in_database = 0;
};

// Threads: any; an Entry belongs to the thread that runs the query.
class ActiveQueries {
  struct Record;

 public:
  // When `stop` is requested every query is canceled, and those that come later, too.
  ActiveQueries(const Clock& clock, std::stop_token stop);
  ~ActiveQueries();
  ActiveQueries(const ActiveQueries&) = delete;
  ActiveQueries& operator=(const ActiveQueries&) = delete;

  // A query's place in the list, from the time it waits for its turn. The list must outlive it.
  class Entry {
   public:
    Entry(ActiveQueries* list, Record* record) : list_(list), record_(record) {}
    Entry(Entry&& other) noexcept : list_(other.list_), record_(other.record_) {
      other.list_ = nullptr;
    }
    Entry& operator=(Entry&&) = delete;
    ~Entry();

    // It is this query's turn now.
    void Start();
    // What is left is the client's to take.
    void BeginSending();
    // For requests that are read only after they have entered.
    void Describe(std::string text);
    [[nodiscard]] std::stop_token stop() const;
    [[nodiscard]] std::stop_source stop_source() const;
    [[nodiscard]] QueryProgress& progress() const;
    [[nodiscard]] double cpu_s() const;

   private:
    ActiveQueries* list_;
    Record* record_;
  };
  // REQUIRES: called by the thread that will run the query and send its result.
  [[nodiscard]] Entry Enter(QueryOrigin origin);

  // Expressions that wait or are evaluated.
  [[nodiscard]] size_t expressions() const;
  // Oldest first.
  [[nodiscard]] std::vector<ActiveQuery> List() const;
  // False when there is no such query (any more).
  bool Cancel(uint64_t id);

 private:
  void CancelAll();
  void Leave(Record* record);

  const Clock& clock_;
  const std::stop_token stop_;
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Record>> records_ GUARDED_BY(mutex_);
  uint64_t last_id_ GUARDED_BY(mutex_) = 0;
  class OnStop;
  std::unique_ptr<OnStop> on_stop_;  // last: it uses the others
};

}  // namespace vigil::promql
