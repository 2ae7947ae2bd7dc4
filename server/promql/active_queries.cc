// SPDX-License-Identifier: Apache-2.0
#include "server/promql/active_queries.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <functional>
#include <utility>

namespace vigil::promql {
namespace {

int64_t ReadNs(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) return 0;
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// Not in the middle of a character.
std::string Cut(std::string text) {
  if (text.size() <= QueryOrigin::kMaxText) return text;
  size_t end = QueryOrigin::kMaxText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text += "...";
}

}  // namespace

std::string_view QueryKindName(QueryKind kind) {
  switch (kind) {
    case QueryKind::kInstant:
      return "instant";
    case QueryKind::kRange:
      return "range";
    case QueryKind::kRemoteRead:
      return "remote_read";
    case QueryKind::kFederation:
      return "federation";
    case QueryKind::kSeries:
      return "series";
    case QueryKind::kLabelNames:
      return "label_names";
    case QueryKind::kLabelValues:
      return "label_values";
    case QueryKind::kSearch:
      return "search";
    case QueryKind::kExemplars:
      return "exemplars";
  }
  return "";
}

struct ActiveQueries::Record {
  uint64_t id = 0;
  QueryOrigin origin;
  TimestampMs began = 0;
  int64_t began_ns = 0;
  // Of the thread, which lives at least as long as the record: any thread may read it.
  clockid_t cpu_clock{};
  int64_t cpu_began_ns = 0;
  std::atomic<QueryState> state{QueryState::kQueued};
  std::stop_source stop;
  QueryProgress progress;

  [[nodiscard]] double CpuSeconds() const {
    const int64_t own = ReadNs(cpu_clock) - cpu_began_ns;
    const int64_t helpers = progress.helper_cpu_ns.load(std::memory_order_relaxed);
    return static_cast<double>(own + helpers) / 1e9;
  }
};

class ActiveQueries::OnStop {
 public:
  OnStop(const std::stop_token& token, std::function<void()> callback)
      : callback_(token, std::move(callback)) {}

 private:
  std::stop_callback<std::function<void()>> callback_;
};

ActiveQueries::ActiveQueries(const Clock& clock, std::stop_token stop)
    : clock_(clock),
      stop_(std::move(stop)),
      on_stop_(std::make_unique<OnStop>(stop_, [this] { CancelAll(); })) {}

ActiveQueries::~ActiveQueries() = default;

ActiveQueries::Entry ActiveQueries::Enter(QueryOrigin origin) {
  auto record = std::make_unique<Record>();
  record->origin = std::move(origin);
  record->origin.text = Cut(std::move(record->origin.text));
  record->began = clock_.Now();
  record->began_ns = clock_.MonotonicNs();
  pthread_getcpuclockid(pthread_self(), &record->cpu_clock);
  record->cpu_began_ns = ReadNs(record->cpu_clock);
  Record* const entered = record.get();
  {
    const MutexLock lock(mutex_);
    record->id = ++last_id_;
    records_.push_back(std::move(record));
  }
  // Whoever stops everything may have looked at the list before.
  if (stop_.stop_requested()) entered->stop.request_stop();
  return {this, entered};
}

void ActiveQueries::Leave(Record* record) {
  std::unique_ptr<Record> gone;  // dies when the lock is gone
  const MutexLock lock(mutex_);
  const auto found = std::find_if(records_.begin(), records_.end(),
                                  [record](const auto& one) { return one.get() == record; });
  gone = std::move(*found);
  records_.erase(found);
}

size_t ActiveQueries::expressions() const {
  const MutexLock lock(mutex_);
  return static_cast<size_t>(
      std::count_if(records_.begin(), records_.end(), [](const std::unique_ptr<Record>& record) {
        return record->origin.kind <= QueryKind::kRange &&
               record->state.load(std::memory_order_relaxed) != QueryState::kSending;
      }));
}

std::vector<ActiveQuery> ActiveQueries::List() const {
  std::vector<ActiveQuery> list;
  const int64_t now_ns = clock_.MonotonicNs();
  const MutexLock lock(mutex_);
  for (const std::unique_ptr<Record>& record : records_) {
    ActiveQuery& query = list.emplace_back();
    const QueryProgress& progress = record->progress;
    query.id = record->id;
    query.origin = record->origin;
    query.began = record->began;
    query.age_s = static_cast<double>(now_ns - record->began_ns) / 1e9;
    query.state = record->state.load(std::memory_order_relaxed);
    query.canceled = record->stop.stop_requested();
    query.cpu_s = record->CpuSeconds();
    query.series = progress.series.load(std::memory_order_relaxed);
    query.samples = progress.samples.load(std::memory_order_relaxed);
    query.chunks_in_memory = progress.chunks_in_memory.load(std::memory_order_relaxed);
    query.chunks_in_database = progress.chunks_in_database.load(std::memory_order_relaxed);
  }
  return list;
}

bool ActiveQueries::Cancel(uint64_t id) {
  std::stop_source stop(std::nostopstate);
  {
    const MutexLock lock(mutex_);
    const auto found = std::find_if(records_.begin(), records_.end(),
                                    [id](const auto& one) { return one->id == id; });
    if (found == records_.end()) return false;
    stop = (*found)->stop;
  }
  // Outside the lock: it wakes a query that waits for its turn.
  stop.request_stop();
  return true;
}

void ActiveQueries::CancelAll() {
  for (const ActiveQuery& query : List()) Cancel(query.id);
}

ActiveQueries::Entry::~Entry() {
  if (list_ != nullptr) list_->Leave(record_);
}

void ActiveQueries::Entry::Start() {
  record_->state.store(QueryState::kRunning, std::memory_order_relaxed);
}
void ActiveQueries::Entry::BeginSending() {
  record_->state.store(QueryState::kSending, std::memory_order_relaxed);
}
void ActiveQueries::Entry::Describe(std::string text) {
  text = Cut(std::move(text));
  const MutexLock lock(list_->mutex_);
  record_->origin.text = std::move(text);
}
std::stop_token ActiveQueries::Entry::stop() const { return record_->stop.get_token(); }
std::stop_source ActiveQueries::Entry::stop_source() const { return record_->stop; }
QueryProgress& ActiveQueries::Entry::progress() const { return record_->progress; }
double ActiveQueries::Entry::cpu_s() const { return record_->CpuSeconds(); }

}  // namespace vigil::promql
