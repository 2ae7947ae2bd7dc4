// SPDX-License-Identifier: Apache-2.0
#include "server/discovery/manager.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "client-lib/base/log.h"

namespace vigil::discovery {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

// Rounded up, so that a wait never ends just before the time.
int64_t MsUntil(int64_t at_ns, int64_t now_ns) {
  if (at_ns == Provider::kNever) return -1;
  return std::max<int64_t>(0, (at_ns - now_ns + kNsPerMs - 1) / kNsPerMs);
}

}  // namespace

// Collects what its provider emits; sources of two providers of a job never clash because each
// has a map of its own.
struct Manager::Worker : GroupSink {
  std::string fingerprint;
  std::unique_ptr<Provider> provider;
  int64_t next_ns = 0;
  std::map<std::string, TargetGroup> groups;
  uint64_t updates = 0;  // since the manager looked last

  void Update(TargetGroup group) override {
    ++updates;
    std::string source = group.source;
    if (group.targets.empty()) {
      groups.erase(source);
    } else {
      groups[std::move(source)] = std::move(group);
    }
  }
};

struct Manager::Job {
  std::vector<std::unique_ptr<Worker>> workers;
  std::shared_ptr<const Groups> published = std::make_shared<const Groups>();
  bool changed = true;
};

Manager::Manager(const Clock& clock, OnUpdate on_update, Options options)
    : clock_(clock),
      on_update_(std::move(on_update)),
      options_(options),
      wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      current_(std::make_shared<const Snapshot>()) {
  CHECK(wake_fd_ >= 0);
}

Manager::~Manager() {
  Stop();
  close(wake_fd_);
}

void Manager::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Loop(stop); });
  pthread_setname_np(thread_.native_handle(), "discovery");
}

void Manager::ApplyConfig(std::shared_ptr<const config::Config> config) {
  pending_config_.Set(std::move(config));
  Wake();
}

void Manager::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  Wake();
  thread_.join();
}

ManagerStats Manager::stats() const { return stats_.Copy(); }

void Manager::Wake() {
  uint64_t one = 1;
  // A full counter means that a wake-up is pending already.
  [[maybe_unused]] ssize_t written = write(wake_fd_, &one, sizeof one);
}

void Manager::Loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) Wait(RunOnce());
}

void Manager::Wait(int64_t wait_ms) {
  std::vector<pollfd> fds = {{wake_fd_, POLLIN, 0}};
  for (const auto& [name, job] : jobs_) {
    for (const auto& worker : job->workers) {
      if (worker->provider->wake_fd() >= 0) fds.push_back({worker->provider->wake_fd(), POLLIN, 0});
    }
  }
  poll(fds.data(), fds.size(), static_cast<int>(std::min<int64_t>(wait_ms, 3'600'000)));
  uint64_t count = 0;
  [[maybe_unused]] ssize_t got = read(wake_fd_, &count, sizeof count);
}

int64_t Manager::RunOnce() {
  std::shared_ptr<const config::Config> config =
      pending_config_.With([](std::shared_ptr<const config::Config>& pending) {
        return std::exchange(pending, nullptr);
      });
  if (config != nullptr) TakeConfig(*config);

  int64_t now_ns = clock_.MonotonicNs();
  int64_t next_ns = StepProviders(now_ns);
  if (!changed_ && !publish_now_) return MsUntil(next_ns, now_ns);
  int64_t publish_ns = publish_now_ || !published_once_
                           ? now_ns
                           : last_publish_ns_ + options_.coalesce_ms * kNsPerMs;
  if (publish_ns > now_ns) return MsUntil(std::min(publish_ns, next_ns), now_ns);
  Publish(now_ns);
  return MsUntil(next_ns, now_ns);
}

std::unique_ptr<Manager::Worker> Manager::TakeWorker(Job* old, std::string_view fingerprint) {
  if (old == nullptr) return nullptr;
  for (std::unique_ptr<Worker>& worker : old->workers) {
    if (worker != nullptr && worker->fingerprint == fingerprint) return std::move(worker);
  }
  return nullptr;
}

std::unique_ptr<Manager::Job> Manager::MakeJob(const config::ScrapeConfig& config, Job* old) {
  auto job = std::make_unique<Job>();
  size_t reused = 0;
  for (const Mechanism& mechanism : Mechanisms()) {
    for (NamedProvider& named : mechanism.create(config)) {
      std::unique_ptr<Worker> worker = TakeWorker(old, named.fingerprint);
      if (worker == nullptr) {
        worker = std::make_unique<Worker>();
        worker->fingerprint = std::move(named.fingerprint);
        worker->provider = std::move(named.provider);
      } else {
        ++reused;
      }
      job->workers.push_back(std::move(worker));
    }
  }
  if (old != nullptr) {
    job->published = old->published;
    job->changed = old->changed || reused != job->workers.size() || reused != old->workers.size();
  }
  return job;
}

void Manager::TakeConfig(const config::Config& config) {
  std::map<std::string, std::unique_ptr<Job>> old = std::exchange(jobs_, {});
  for (const config::ScrapeConfig& job_config : config.scrape_configs) {
    auto before = old.find(job_config.job_name);
    jobs_[job_config.job_name] =
        MakeJob(job_config, before == old.end() ? nullptr : before->second.get());
  }
  publish_now_ = true;
}

int64_t Manager::StepProviders(int64_t now_ns) {
  int64_t next_ns = Provider::kNever;
  uint64_t updates = 0;
  for (auto& [name, job] : jobs_) {
    for (std::unique_ptr<Worker>& worker : job->workers) {
      // A descriptor may have become readable: stepping is cheap when there is nothing to do.
      if (worker->next_ns <= now_ns || worker->provider->wake_fd() >= 0) {
        worker->next_ns = worker->provider->Step(now_ns, *worker);
      }
      next_ns = std::min(next_ns, worker->next_ns);
      if (worker->updates != 0) job->changed = changed_ = true;
      updates += std::exchange(worker->updates, 0);
    }
  }
  if (updates != 0) {
    stats_.With([&](ManagerStats& stats) { stats.updates_received += updates; });
  }
  return next_ns;
}

void Manager::Publish(int64_t now_ns) {
  auto snapshot = std::make_shared<Snapshot>();
  std::map<std::string, uint64_t> discovered;
  for (auto& [name, job] : jobs_) {
    if (job->changed) {
      auto groups = std::make_shared<Groups>();
      for (const auto& worker : job->workers) {
        for (const auto& [source, group] : worker->groups) groups->push_back(group);
      }
      job->published = std::move(groups);
      job->changed = false;
    }
    uint64_t& count = discovered[name];
    for (const TargetGroup& group : *job->published) count += group.targets.size();
    (*snapshot)[name] = job->published;
  }
  changed_ = publish_now_ = false;
  published_once_ = true;
  last_publish_ns_ = now_ns;
  stats_.With([&](ManagerStats& stats) {
    ++stats.updates_sent;
    stats.discovered_targets = std::move(discovered);
  });
  current_.Set(snapshot);
  on_update_(std::move(snapshot));
}

}  // namespace vigil::discovery
