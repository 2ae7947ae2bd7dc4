// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/scrape_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "client-lib/base/log.h"
#include "server/scrape/failure_log.h"
#include "server/scrape/scrape_loop.h"
#include "server/scrape/url.h"

namespace vigil::scrape {
namespace {

// The same spread on every start of the same server, another one on its twin.
uint64_t OffsetSeed(const std::string& hostname, const Labels& external_labels) {
  return Labels::Of({{"hostname", hostname}}).Hash() ^ external_labels.Hash();
}

bool SameSpec(const TargetSpec& a, const TargetSpec& b) {
  return a.job == b.job && a.interval == b.interval && a.timeout == b.timeout &&
         a.forced_error == b.forced_error && a.discovered_labels == b.discovered_labels;
}

}  // namespace

ScrapeManager::ScrapeManager(storage::Appender& appender, const Clock& clock, Options options)
    : options_(std::move(options)), appender_(appender), clock_(clock) {
  pools_.Set(std::make_shared<const Pools>());
}

ScrapeManager::~ScrapeManager() { Stop(); }

// The seed depends on external_labels, so the loops wait for the first configuration.
void ScrapeManager::StartLoops(const config::Config& config) {
  ScrapeLoop::Options loop_options;
  loop_options.offset_seed = OffsetSeed(options_.hostname, config.global.external_labels);
  loop_options.user_agent = options_.user_agent;
  loop_options.timestamp_tolerance_ms = options_.timestamp_tolerance_ms;
  loop_options.zero_at_start = options_.zero_at_start;
  auto loops = std::make_shared<Loops>();
  for (int i = 0; i < std::max(1, options_.loops); ++i) {
    auto client = options_.client_factory ? options_.client_factory() : http::AsyncClient::Create();
    loops->push_back(
        std::make_unique<ScrapeLoop>(appender_, clock_, std::move(client), loop_options));
    loops->back()->Start();
  }
  loops_.Set(std::move(loops));
}

void ScrapeManager::ApplyConfig(std::shared_ptr<const config::Config> config) {
  MutexLock lock(sync_mutex_);
  if (stopped_) return;
  if (config_ == nullptr) StartLoops(*config);
  config_ = std::move(config);
  // Opened anew, so that the files can be rotated.
  std::set<std::string> files;
  for (const config::ScrapeConfig& job : config_->scrape_configs) {
    if (!job.scrape_failure_log_file.empty()) files.insert(job.scrape_failure_log_file);
  }
  const auto log = std::make_shared<const FailureLog>(files);
  for (const auto& loop : *loops_.Copy()) loop->SetFailureLog(log);
  Sync();
}

void ScrapeManager::ApplyTargets(std::shared_ptr<const discovery::Snapshot> snapshot) {
  MutexLock lock(sync_mutex_);
  snapshot_ = std::move(snapshot);
  if (config_ != nullptr && !stopped_) Sync();
}

void ScrapeManager::Stop() {
  MutexLock lock(sync_mutex_);
  stopped_ = true;
  std::shared_ptr<const Loops> loops = loops_.Copy();
  if (loops == nullptr) return;
  for (const auto& loop : *loops) loop->Stop();
}

void ScrapeManager::Sync() {
  std::shared_ptr<const Pools> before = pools_.Copy();
  auto pools = std::make_shared<Pools>();
  for (const config::ScrapeConfig& job : config_->scrape_configs) {
    auto old = before->find(job.job_name);
    std::shared_ptr<const discovery::Groups> groups;
    if (snapshot_ != nullptr) {
      auto found = snapshot_->find(job.job_name);
      if (found != snapshot_->end()) groups = found->second;
    }
    (*pools)[job.job_name] =
        BuildPool(job, old == before->end() ? nullptr : &old->second, std::move(groups));
  }
  Distribute(*pools);
  pools_.Set(std::move(pools));
}

ScrapeManager::Pool ScrapeManager::BuildPool(const config::ScrapeConfig& config, const Pool* old,
                                             std::shared_ptr<const discovery::Groups> groups) {
  auto job = std::make_shared<const Job>(config);
  bool same_job = old != nullptr && old->job->fingerprint() == job->fingerprint();
  if (same_job && (groups == nullptr || old->groups == groups)) return *old;

  Pool pool;
  pool.job = same_job ? old->job : std::move(job);
  pool.groups = groups != nullptr || old == nullptr ? std::move(groups) : old->groups;
  if (old != nullptr) pool.sync_failed = old->sync_failed;
  if (pool.groups != nullptr) {
    for (const discovery::TargetGroup& group : *pool.groups) AddGroup(group, &pool);
  }
  ApplyTargetLimit(&pool);
  if (old == nullptr) return pool;
  for (auto& [identity, entry] : pool.targets) {
    auto known = old->targets.find(identity);
    if (known == old->targets.end()) continue;
    entry.status = known->second.status;
    if (SameSpec(*entry.spec, *known->second.spec)) entry.spec = known->second.spec;
  }
  return pool;
}

void ScrapeManager::AddGroup(const discovery::TargetGroup& group, Pool* pool) {
  const config::ScrapeConfig& config = pool->job->config();
  for (const Labels& target : group.targets) {
    auto built = BuildTarget(DiscoveredLabels(target, group.labels, config), pool->job);
    if (!built) {
      ++pool->sync_failed;
      log::Error("scrape", "a target is left out",
                 {{"scrape_pool", config.job_name},
                  {"target", target.ToString()},
                  {"err", built.error()}});
      continue;
    }
    if (built->spec == nullptr) {
      ++pool->dropped_count;
      if (config.keep_dropped_targets == 0 || pool->dropped.size() < config.keep_dropped_targets) {
        pool->dropped.push_back(std::move(built->discovered_labels));
      }
      continue;
    }
    // The first of several with the same labels and URL stands for all.
    pool->targets.try_emplace(built->spec->Identity(),
                              TargetEntry{built->spec, std::make_shared<TargetStatus>()});
  }
}

void ScrapeManager::ApplyTargetLimit(Pool* pool) {
  uint64_t limit = pool->job->config().target_limit;
  pool->over_target_limit = limit != 0 && pool->targets.size() > limit;
  if (!pool->over_target_limit) return;
  for (auto& [identity, entry] : pool->targets) {
    auto failing = std::make_shared<TargetSpec>(*entry.spec);
    failing->forced_error = fmt::format("target_limit exceeded (number of targets: {}, limit: {})",
                                        pool->targets.size(), limit);
    entry.spec = std::move(failing);
  }
}

void ScrapeManager::Distribute(const Pools& pools) {
  std::shared_ptr<const Loops> loops = loops_.Copy();
  std::vector<std::vector<LoopTarget>> shares(loops->size());
  std::set<std::string> names;
  for (const auto& [name, pool] : pools) {
    for (const auto& [identity, entry] : pool.targets) {
      // By labels and URL alone, so that a target never changes its loop.
      size_t share = std::hash<std::string>{}(identity) % shares.size();
      shares[share].push_back({entry.spec, entry.status});
    }
  }
  for (size_t i = 0; i < shares.size(); ++i) (*loops)[i]->SetTargets(std::move(shares[i]));
}

std::vector<ActiveTarget> ScrapeManager::ActiveTargets() const {
  std::vector<ActiveTarget> out;
  std::shared_ptr<const Pools> pools = pools_.Copy();
  for (const auto& [name, pool] : *pools) {
    for (const auto& [identity, entry] : pool.targets) {
      TargetStatus::Values status = entry.status->Get();
      const TargetSpec& spec = *entry.spec;
      out.push_back(
          {spec.discovered_labels, spec.labels, name, spec.url,
           MakeGlobalUrl(spec.url, options_.hostname, options_.external_url, options_.listen_port),
           std::move(status.last_error), status.last_scrape, status.last_scrape_seconds,
           status.health, spec.interval, spec.timeout});
    }
  }
  return out;
}

DroppedTargets ScrapeManager::Dropped() const {
  DroppedTargets out;
  std::shared_ptr<const Pools> pools = pools_.Copy();
  for (const auto& [name, pool] : *pools) {
    out.counts[name] = pool.dropped_count;
    for (const Labels& labels : pool.dropped) out.targets.push_back({labels, name});
  }
  return out;
}

std::vector<TargetMetadata> ScrapeManager::Metadata() const {
  std::vector<TargetMetadata> out;
  std::shared_ptr<const Pools> pools = pools_.Copy();
  for (const auto& [name, pool] : *pools) {
    for (const auto& [identity, entry] : pool.targets) {
      out.push_back({entry.spec->labels, name, entry.status->metadata()});
    }
  }
  return out;
}

std::vector<std::string> ScrapeManager::ScrapePools() const {
  std::vector<std::string> names;
  std::shared_ptr<const Pools> pools = pools_.Copy();
  for (const auto& [name, pool] : *pools) names.push_back(name);
  return names;
}

Stats ScrapeManager::GetStats() const {
  Stats sum;
  if (std::shared_ptr<const Loops> loops = loops_.Copy(); loops != nullptr) {
    for (const auto& loop : *loops) sum.Add(loop->stats());
  }
  std::shared_ptr<const Pools> pools = pools_.Copy();
  for (const auto& [name, pool] : *pools) {
    sum.pool_targets[name] = pool.targets.size();
    sum.sync_failed[name] = pool.sync_failed;
    if (pool.over_target_limit) ++sum.pools_exceeded_target_limit;
  }
  return sum;
}

}  // namespace vigil::scrape
