// SPDX-License-Identifier: Apache-2.0
// One thread that scrapes: it starts what is due, reads what arrives, appends it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/http/client.h"
#include "server/access/shared_access.h"
#include "server/scrape/failure_log.h"
#include "server/scrape/metadata_cache.h"
#include "server/scrape/page_ingest.h"
#include "server/scrape/report.h"
#include "server/scrape/scrape_cache.h"
#include "server/scrape/stats.h"
#include "server/scrape/target.h"
#include "server/storage/storage.h"

namespace vigil::scrape {

// A target as a loop takes it over.
struct LoopTarget {
  std::shared_ptr<const TargetSpec> spec;
  std::shared_ptr<TargetStatus> status;
};

// A target belongs to one loop, so that its caches need no lock. Scrapes of a target fall on
// multiples of its interval, shifted by a hash of its labels and URL.
// Threads: SetTargets, SetFailureLog, Start, Stop and stats from any; the rest on the loop's
// thread.
class ScrapeLoop {
 public:
  struct Options {
    uint64_t offset_seed = 0;
    std::string user_agent;
    int64_t timestamp_tolerance_ms = 2;
    bool zero_at_start = false;  // see start_times.h
  };

  ScrapeLoop(storage::Appender& appender, const Clock& clock,
             std::unique_ptr<http::AsyncClient> client, Options options);
  ~ScrapeLoop();

  // All targets of this loop from now on. Known ones keep cache and schedule; those not listed are
  // marked stale once their next scrape would be over.
  void SetTargets(std::vector<LoopTarget> targets);
  // Where failures are written from now on, for jobs with a scrape_failure_log_file.
  void SetFailureLog(std::shared_ptr<const FailureLog> log) { failure_log_.Set(std::move(log)); }
  void Start();
  void Stop();

  // One round: new targets, due scrapes, answers. REQUIRES: not started.
  void RunOnceForTest(int64_t max_wait_ms) { RunOnce(max_wait_ms); }

  // pool_targets, sync_failed and the like are the manager's.
  [[nodiscard]] Stats stats() const { return stats_.Copy(); }

  // The first time after `after` at which this target is scraped.
  [[nodiscard]] static TimestampMs NextScrape(const TargetSpec& target, uint64_t seed,
                                              TimestampMs after);

 private:
  struct Active;
  struct Due {
    TimestampMs time;
    uint64_t id;
    uint64_t generation;  // an older one than the target's is void
    bool operator>(const Due& other) const { return time > other.time; }
  };
  struct Scrape;  // one on its way

  void Loop(const std::stop_token& stop);
  void RunOnce(int64_t max_wait_ms);
  void TakeTargets();
  void Adopt(LoopTarget target);
  void Retire(Active* active);
  void CheckClock();
  [[nodiscard]] int64_t FireDue();
  void Schedule(Active* active, TimestampMs time);
  void StartScrape(Active* active, TimestampMs planned);
  // The request of a scrape, now that it is known how its server is reached.
  void Fetch(Active* active, Scrape scrape, access::SharedAccess::Options options);
  void Fail(Active* active, const Scrape& scrape, const Error& error);
  void Finish(uint64_t id, Scrape scrape, Result<http::ClientResponse> result, std::string buffer);
  void Ingest(Active* active, const Scrape& scrape, const std::string* page,
              const Error* fetch_error);
  Result<void> AppendPage(Active* active, const Scrape& scrape, const std::string* page,
                          ReportValues* report, std::optional<Error>* page_error);
  Result<void> BuildBatch(Active* active, const Scrape& scrape, const std::string* page,
                          ReportValues* report, std::optional<Error>* page_error);
  void EndRetired(Active* active);
  void NoteInterval(Active* active, TimestampMs now);
  void CountOutcome(const PageOutcome& page, const storage::AppendOutcome& outcome);

  storage::Appender& appender_;
  const Clock& clock_;
  const Options options_;

  Guarded<std::optional<std::vector<LoopTarget>>> pending_;
  Guarded<Stats> stats_;
  Guarded<std::shared_ptr<const FailureLog>> failure_log_;

  // State below belongs to the loop's thread.
  std::unordered_map<uint64_t, std::unique_ptr<Active>> active_;
  std::unordered_map<std::string, uint64_t> by_identity_;
  // One for all targets of a job: they share its token.
  std::map<std::shared_ptr<const Job>, std::shared_ptr<access::SharedAccess>> accesses_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  uint64_t last_id_ = 0;
  TimestampMs last_wall_ = 0;
  int64_t last_monotonic_ns_ = 0;
  PageIngest ingest_;
  storage::SampleBatch batch_;
  storage::SampleBatch zeros_;
  storage::ExemplarBatch exemplars_;
  // Bodies in use at one moment are few: targets share these.
  std::vector<std::string> spare_buffers_;

  std::jthread thread_;
  // Last: it completes what is on its way while the rest is still there.
  std::unique_ptr<http::AsyncClient> client_;
};

}  // namespace vigil::scrape
