// SPDX-License-Identifier: Apache-2.0
// storage::Journal in PostgreSQL: one writer thread, one connection, one transaction per interval.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/postgres/journal_insert.h"
#include "server/postgres/journal_queue.h"
#include "server/postgres/journal_ring.h"
#include "server/postgres/metrics.h"
#include "server/postgres/ownership.h"
#include "server/storage/backend.h"

namespace vigil::postgres {

struct JournalOptions {
  std::string conninfo;
  Ownership owner;
  int64_t commit_interval_ms = 200;
  uint64_t commit_bytes = 4U << 20;
  uint64_t max_queued_bytes = 64U << 20;
  uint64_t spool_bytes = 256U << 20;
  int64_t lease_ms = 30'000;
  std::function<void()> on_fenced;  // on the journal's thread; may be null
  int64_t write_timeout_ms = 60'000;
};

// Every transaction: hold the fence, insert the new series, COPY the pages into the ring's table,
// commit (synchronously); then waiters are woken. Small batches without new series go in one
// prepared statement that does the same in one round trip. After a failure it reconnects with
// backoff, asks the database for its own newest position, counts what is there as committed and
// sends the rest again. That is exactly once: the primary key (ingester, seq) turns away what an
// older transaction of unknown outcome has committed meanwhile, and series are inserted with ON
// CONFLICT DO NOTHING. When another server has taken over, it fails for good: HasRoom() is false,
// waits get unavailable. Threads: any.
class PostgresJournal : public storage::Journal {
 public:
  // connection: the one that took ownership. last: the newest position that the database knows.
  PostgresJournal(JournalOptions options, std::unique_ptr<Connection> connection, JournalRing* ring,
                  storage::JournalPosition last, const Clock& clock);
  ~PostgresJournal() override;

  [[nodiscard]] bool HasRoom(storage::Writer writer) const override;
  Result<storage::SeriesId> NextSeriesId() override;
  storage::JournalPosition Enqueue(std::vector<storage::SeriesRecord> new_series,
                                   std::vector<std::string> pages) override;
  Result<void> WaitDurable(storage::JournalPosition position, int64_t timeout_ms) override;
  storage::JournalPosition Cut() override;

  // Commits what is queued, at most for timeout_ms, gives ownership up and ends the thread.
  void Stop(int64_t timeout_ms);
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] bool fenced() const { return fenced_; }
  // The URLs of the servers that stood by when there were any last.
  [[nodiscard]] std::vector<std::string> standbys() const { return standbys_.Copy(); }
  [[nodiscard]] JournalMetrics metrics() const;

 private:
  void Run();
  // One pass: commit a batch or fetch ids or renew the lease. An error means: reconnect.
  Result<void> Work();
  Result<void> CommitNext();
  Result<void> WriteBatch();
  // The ring's table when the batch can go by JournalInsert, else -1.
  [[nodiscard]] int SlotOfSmallBatch() const;
  Result<void> WriteTransaction();
  Result<void> WriteSeries();
  Result<void> WritePages();
  Result<void> CopyPages(size_t first, size_t end, int slot);
  Result<void> FetchSeriesIds();
  Result<void> Renew();
  Result<void> ReadStandbys();
  Result<void> Reconnect();
  Result<void> DropCommitted();
  void FinishBatch(size_t count);
  void OnFailure(const Error& error);
  // When the next commit may be if somebody waits for it.
  [[nodiscard]] int64_t HurriedCommitNs() const;
  [[nodiscard]] bool Drained() const;

  const JournalOptions options_;
  const Clock& clock_;
  JournalRing* const ring_;
  JournalQueue queue_;

  // Of the writer thread.
  std::unique_ptr<Connection> connection_;
  std::optional<JournalInsert> insert_;  // of connection_
  std::vector<JournalEntry> batch_;      // taken from the queue, not yet committed
  int64_t next_commit_ns_ = 0;
  int64_t next_renewal_ns_ = 0;
  int64_t retry_at_ns_ = 0;
  int64_t backoff_ms_ = 0;
  std::string scratch_;

  std::atomic<bool> connected_{true};
  std::atomic<bool> fenced_{false};
  std::atomic<int64_t> stop_at_ns_{0};
  Guarded<std::vector<std::string>> standbys_;
  Guarded<JournalMetrics> figures_;
  std::jthread thread_;
};

}  // namespace vigil::postgres
