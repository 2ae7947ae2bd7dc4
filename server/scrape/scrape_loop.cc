// SPDX-License-Identifier: Apache-2.0
// Schedule and life of targets; what happens to an answer is in scrape_answer.cc.
#include "server/scrape/scrape_loop.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <functional>
#include <unordered_set>
#include <utility>

#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"
#include "server/scrape/active_target.h"

namespace vigil::scrape {
namespace {

constexpr int64_t kMaxWaitMs = 1'000;
// A larger difference between wall clock and monotonic clock is a jump, not a drift.
constexpr int64_t kClockJumpMs = 1'000;
constexpr size_t kMaxSpareBuffers = 8;
constexpr int64_t kSecretFileAgeNs = 5'000'000'000;

uint64_t Mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

// FNV-1a: the same in every process, unlike std::hash by contract.
uint64_t HashText(std::string_view text) {
  uint64_t hash = 14695981039346656037ULL;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

}  // namespace

ScrapeLoop::ScrapeLoop(storage::Appender& appender, const Clock& clock,
                       std::unique_ptr<http::AsyncClient> client, Options options)
    : appender_(appender),
      clock_(clock),
      options_(std::move(options)),
      last_wall_(clock.Now()),
      last_monotonic_ns_(clock.MonotonicNs()),
      ingest_(appender),
      client_(std::move(client)) {}

ScrapeLoop::~ScrapeLoop() { Stop(); }

void ScrapeLoop::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Loop(stop); });
  pthread_setname_np(thread_.native_handle(), "scrape");
}

void ScrapeLoop::Stop() {
  if (thread_.joinable()) {
    thread_.request_stop();
    client_->Wake();
    thread_.join();
  }
  // What is on its way is given up: its completions find no target any more.
  active_.clear();
  by_identity_.clear();
}

void ScrapeLoop::Loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) RunOnce(kMaxWaitMs);
}

void ScrapeLoop::SetTargets(std::vector<LoopTarget> targets) {
  pending_.Set(std::move(targets));
  client_->Wake();
}

void ScrapeLoop::RunOnce(int64_t max_wait_ms) {
  TakeTargets();
  CheckClock();
  client_->Poll(std::min(max_wait_ms, FireDue()));
}

void ScrapeLoop::TakeTargets() {
  std::optional<std::vector<LoopTarget>> targets =
      pending_.With([](auto& pending) { return std::exchange(pending, std::nullopt); });
  if (!targets) return;
  std::unordered_set<uint64_t> wanted;
  for (LoopTarget& target : *targets) {
    std::string identity = target.spec->Identity();
    Adopt(std::move(target));
    wanted.insert(by_identity_[identity]);
  }
  for (auto& [id, active] : active_) {
    if (wanted.count(id) == 0 && !active->retired) Retire(active.get());
  }
  std::erase_if(accesses_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

void ScrapeLoop::Adopt(LoopTarget target) {
  uint64_t& id = by_identity_[target.spec->Identity()];
  if (id == 0) {
    id = ++last_id_;
    active_[id] = std::make_unique<Active>();
    active_[id]->id = id;
  }
  Active& active = *active_[id];
  bool is_new = active.spec == nullptr;
  bool reschedule = is_new || active.retired || active.spec->interval != target.spec->interval;
  if (!is_new && active.spec->job->series_fingerprint() != target.spec->job->series_fingerprint()) {
    active.cache.Invalidate();
  }
  // A target that comes back has a new status.
  if (!is_new && active.status != target.status) target.status->SetMetadata(active.metadata.Rows());
  active.retired = false;
  std::shared_ptr<access::SharedAccess>& access = accesses_[target.spec->job];
  if (access == nullptr) {
    access::HttpAccess http(target.spec->job->config().http, clock_, kSecretFileAgeNs);
    access = std::make_shared<access::SharedAccess>(std::move(http), options_.user_agent);
  }
  active.access = access;
  active.spec = std::move(target.spec);
  active.status = std::move(target.status);
  if (reschedule) {
    Schedule(&active, NextScrape(*active.spec, options_.offset_seed, clock_.Now()));
  }
}

// The markers get the time of the scrape that does not take place any more, and wait until a
// successor with the same labels has had its chance to go on with the series.
void ScrapeLoop::Retire(Active* active) {
  active->retired = true;
  active->stale_time = active->next;
  DurationMs interval = active->spec->interval;
  Schedule(active, active->next + interval + interval / 10);
  if (active->request != 0) client_->Cancel(active->request);
}

void ScrapeLoop::Schedule(Active* active, TimestampMs time) {
  active->next = time;
  due_.push({time, active->id, ++active->generation});
}

TimestampMs ScrapeLoop::NextScrape(const TargetSpec& target, uint64_t seed, TimestampMs after) {
  uint64_t hash = Mix(target.labels.Hash() ^ Mix(HashText(target.url)) ^ seed);
  auto offset = static_cast<int64_t>(hash % static_cast<uint64_t>(target.interval));
  int64_t since = (after - offset) % target.interval;
  if (since < 0) since += target.interval;
  return after + (target.interval - since);
}

void ScrapeLoop::CheckClock() {
  TimestampMs wall = clock_.Now();
  int64_t monotonic_ns = clock_.MonotonicNs();
  int64_t jump = (wall - last_wall_) - (monotonic_ns - last_monotonic_ns_) / 1'000'000;
  last_wall_ = wall;
  last_monotonic_ns_ = monotonic_ns;
  if (jump > -kClockJumpMs && jump < kClockJumpMs) return;
  log::Warn("scrape", "the clock jumped: scrapes are planned anew", {{"by_ms", jump}});
  for (auto& [id, active] : active_) {
    if (active->retired) {
      Schedule(active.get(), active->next + jump);
    } else {
      Schedule(active.get(), NextScrape(*active->spec, options_.offset_seed, wall));
    }
  }
}

// Starts what is due; returns the milliseconds until the next.
int64_t ScrapeLoop::FireDue() {
  while (!due_.empty()) {
    Due due = due_.top();
    auto found = active_.find(due.id);
    if (found == active_.end() || found->second->generation != due.generation) {
      due_.pop();
      continue;
    }
    TimestampMs now = clock_.Now();
    if (due.time > now) return due.time - now;
    due_.pop();
    Active* active = found->second.get();
    if (active->retired) {
      EndRetired(active);
      continue;
    }
    DurationMs interval = active->spec->interval;
    TimestampMs planned = due.time + (now - due.time) / interval * interval;
    Schedule(active, planned + interval);
    StartScrape(active, planned);
  }
  return kMaxWaitMs;
}

void ScrapeLoop::StartScrape(Active* active, TimestampMs planned) {
  if (active->request != 0) {
    stats_.With([](Stats& stats) { ++stats.skipped; });
    return;
  }
  const TargetSpec& spec = *active->spec;
  TimestampMs now = clock_.Now();
  NoteInterval(active, now);
  Scrape scrape;
  scrape.started_ns = clock_.MonotonicNs();
  // Regular distances compress better and make rates smoother: a small delay is not recorded.
  int64_t tolerance = std::min(options_.timestamp_tolerance_ms, spec.interval / 100);
  scrape.time = now - planned <= tolerance ? planned : now;
  scrape.wall = now;
  if (!spec.forced_error.empty()) {
    Error error = BadData(spec.forced_error);
    Ingest(active, scrape, nullptr, &error);
    return;
  }
  if (active->awaits_token) {
    // The scrape before this one has waited long enough; this one waits in its place.
    const Scrape late = std::exchange(*active->awaits_token, scrape);
    Fail(active, late, Timeout("context deadline exceeded").Prefixed("Get " + Quote(spec.url)));
    return;
  }
  if (auto options = active->access->Now()) {
    Fetch(active, scrape, std::move(*options));
    return;
  }
  active->awaits_token = scrape;
  // The token is for all targets of the job, also for more patient ones.
  active->access->Ask(client_.get(), std::max(spec.timeout, spec.job->config().scrape_timeout),
                      [this, id = active->id](access::SharedAccess::Options options) {
                        auto found = active_.find(id);
                        if (found == active_.end()) return;
                        auto waited = std::exchange(found->second->awaits_token, std::nullopt);
                        if (!waited || found->second->retired) return;
                        Fetch(found->second.get(), *waited, std::move(options));
                      });
}

void ScrapeLoop::Fetch(Active* active, Scrape scrape, access::SharedAccess::Options options) {
  const TargetSpec& spec = *active->spec;
  // A token may have taken its time.
  const int64_t left = spec.timeout - (clock_.MonotonicNs() - scrape.started_ns) / 1'000'000;
  if (!options || left <= 0) {
    const Error error = options ? Timeout("context deadline exceeded") : options.error();
    if (error.kind != ErrorKind::kCanceled) {
      Fail(active, scrape, error.Prefixed("Get " + Quote(spec.url)));
    }
    return;
  }
  http::ClientRequest request;
  request.url = spec.url;
  request.options = std::move(options).value();
  request.timeout_ms = left;
  request.max_body_bytes = spec.job->config().body_size_limit;
  request.accept_compression = spec.job->config().enable_compression;
  request.headers.Add("Accept", spec.job->accept(spec.native_histograms));
  request.headers.Add("User-Agent", options_.user_agent);
  request.headers.Add("X-Prometheus-Scrape-Timeout-Seconds",
                      fmt::format("{}", static_cast<double>(spec.timeout) / 1000));
  if (!spare_buffers_.empty()) {
    request.body_buffer = std::move(spare_buffers_.back());
    spare_buffers_.pop_back();
  }
  active->request = client_->Start(
      std::move(request),
      [this, id = active->id, scrape](Result<http::ClientResponse> result, std::string buffer) {
        Finish(id, scrape, std::move(result), std::move(buffer));
      });
}

void ScrapeLoop::Fail(Active* active, const Scrape& scrape, const Error& error) {
  const TargetSpec& spec = *active->spec;
  const config::ScrapeConfig& job = spec.job->config();
  if (!job.scrape_failure_log_file.empty()) {
    if (const auto log = failure_log_.Copy(); log != nullptr) {
      log->Write(job.scrape_failure_log_file,
                 {clock_.Now(), job.job_name, spec.url, error.message});
    }
  }
  Ingest(active, scrape, nullptr, &error);
}

void ScrapeLoop::Finish(uint64_t id, Scrape scrape, Result<http::ClientResponse> result,
                        std::string buffer) {
  auto found = active_.find(id);
  if (found != active_.end()) {
    Active* active = found->second.get();
    active->request = 0;
    bool stopping = !result && result.error().kind == ErrorKind::kCanceled;
    if (!active->retired && !stopping) {
      if (result) {
        scrape.duration_us = result->duration_us;
        if (result->status == 401) active->access->DropToken();
      }
      std::optional<Error> error =
          result ? CheckAnswer(*result, active->spec->job->config(), &scrape.format)
                 : std::optional<Error>(result.error());
      if (error) {
        Fail(active, scrape, *error);
      } else {
        Ingest(active, scrape, &result->body, nullptr);
      }
    }
  }
  if (result && buffer.capacity() < result->body.capacity()) buffer = std::move(result->body);
  if (spare_buffers_.size() < kMaxSpareBuffers) spare_buffers_.push_back(std::move(buffer));
}

void ScrapeLoop::NoteInterval(Active* active, TimestampMs now) {
  constexpr size_t kRecent = 512;
  TimestampMs before = std::exchange(active->last_start, now);
  if (before == 0) return;
  double seconds = static_cast<double>(now - before) / 1000;
  stats_.With([&](Stats& stats) {
    IntervalLength& length = stats.interval_lengths[FormatDuration(active->spec->interval)];
    if (length.recent.size() < kRecent) {
      length.recent.push_back(seconds);
    } else {
      length.recent[length.count % kRecent] = seconds;
    }
    ++length.count;
    length.sum_seconds += seconds;
  });
}

}  // namespace vigil::scrape
