// SPDX-License-Identifier: Apache-2.0
#include "server/alertmanagers_wiring.h"

#include <set>
#include <utility>

#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"
#include "server/config/validate.h"
#include "server/metric_rows.h"

namespace vigil::server {
namespace {

constexpr std::string_view kAddressLabel = "__address__";
constexpr std::string_view kSchemeLabel = "__scheme__";
constexpr std::string_view kAlertsPathLabel = "__alerts_path__";

std::string BlockName(size_t index) { return "config-" + std::to_string(index); }

// "/" + prefix + "/api/v2/alerts", without doubled slashes.
std::string AlertsPath(const config::AlertmanagerConfig& block) {
  std::string path;
  for (const std::string_view part : Split(block.path_prefix, '/')) {
    if (!part.empty()) path += "/" + std::string(part);
  }
  return path + "/api/" + block.api_version + "/alerts";
}

std::string UrlOf(const LabelsBuilder& labels) {
  return std::string(labels.Get(kSchemeLabel)) + "://" + std::string(labels.Get(kAddressLabel)) +
         std::string(labels.Get(kAlertsPathLabel));
}

LabelsBuilder LabelsOf(const config::AlertmanagerConfig& block, const discovery::TargetGroup& group,
                       const Labels& target) {
  LabelsBuilder labels(target);
  labels.Set(kSchemeLabel, block.scheme);
  labels.Set(kAlertsPathLabel, AlertsPath(block));
  for (const LabelView& label : group.labels) {
    if (!labels.Has(label.name)) labels.Set(label.name, label.value);
  }
  return labels;
}

notify::AlertmanagerSender::Options SenderOptions(const AlertmanagersOptions& options,
                                                  std::string user_agent,
                                                  std::function<bool()> may_send,
                                                  const Clock& clock) {
  notify::AlertmanagerSender::Options out;
  out.queue_capacity = static_cast<size_t>(options.queue_capacity);
  out.batch_size = static_cast<size_t>(options.batch_size);
  out.drain_on_stop = options.drain;
  out.user_agent = std::move(user_agent);
  out.clock = &clock;
  out.may_send = std::move(may_send);
  return out;
}

}  // namespace

void AlertmanagersOptions::AddTo(toolkit::FlagSet* flags) {
  flags->Int("alertmanager.notification-queue-capacity",
             "The capacity of the queue for pending Alertmanager notifications.", &queue_capacity);
  flags->Int("alertmanager.notification-batch-size",
             "The maximum number of notifications per batch to send to the Alertmanager.",
             &batch_size);
  flags->Bool("alertmanager.drain-notification-queue-on-shutdown",
              "Send any outstanding Alertmanager notifications when shutting down. If false, any "
              "outstanding Alertmanager notifications will be dropped when shutting down.",
              &drain);
}

Result<void> AlertmanagersOptions::Check() const {
  if (queue_capacity < 1) {
    return BadData("--alertmanager.notification-queue-capacity must be at least 1");
  }
  if (batch_size < 1) return BadData("--alertmanager.notification-batch-size must be at least 1");
  return Ok();
}

FoundAlertmanagers FindAlertmanagers(const SectionPtr& shared_section,
                                     const discovery::Snapshot& snapshot) {
  const config::AlertingSection& section = *shared_section;
  FoundAlertmanagers found;
  std::set<std::string> seen;
  for (size_t i = 0; i < section.alertmanagers.size(); ++i) {
    const config::AlertmanagerConfig& block = section.alertmanagers[i];
    notify::AlertmanagerSet& set = found.sets.emplace_back();
    set.http = {shared_section, &block.http};
    if (block.has_sigv4) set.sigv4 = {shared_section, &block.sigv4};
    set.timeout = block.timeout;
    set.alert_relabel_configs = block.alert_relabel_configs;
    const auto groups = snapshot.find(BlockName(i));
    if (groups == snapshot.end()) continue;
    for (const discovery::TargetGroup& group : *groups->second) {
      for (const Labels& target : group.targets) {
        LabelsBuilder labels = LabelsOf(block, group, target);
        const std::string before = UrlOf(labels);
        if (!Relabel(block.relabel_configs, &labels)) {
          found.urls.dropped.push_back(before);
          continue;
        }
        if (auto checked = config::CheckTargetAddress(std::string(labels.Get(kAddressLabel)));
            !checked) {
          log::Error("notify", "this is no address of an Alertmanager", {{"err", checked.error()}});
          continue;
        }
        std::string url = UrlOf(labels);
        if (!seen.insert(url).second) continue;
        found.urls.active.push_back(url);
        set.urls.push_back(std::move(url));
      }
    }
  }
  return found;
}

Alertmanagers::Alertmanagers(const AlertmanagersOptions& options, std::string user_agent,
                             std::function<bool()> may_send, const Clock& clock)
    : sender_(SenderOptions(options, std::move(user_agent), std::move(may_send), clock)),
      applied_(Applied{std::make_shared<const config::AlertingSection>(), ""}),
      discovery_(clock, [this](const std::shared_ptr<const discovery::Snapshot>& snapshot) {
        Take(*snapshot);
      }) {}

Alertmanagers::~Alertmanagers() { Stop(); }

void Alertmanagers::Start() {
  started_ = true;
  StartThreads();
}

void Alertmanagers::StartThreads() {
  if (!started_ || !wanted_ || running_) return;
  running_ = true;
  sender_.Start();
  discovery_.Start();
}

void Alertmanagers::Apply(const config::Config& config) {
  const std::string marker_job = "section-" + std::to_string(++applied_count_);
  applied_.Set({std::make_shared<const config::AlertingSection>(config.alerting), marker_job});
  // Discovery knows scrape jobs: each block is one.
  auto jobs = std::make_shared<config::Config>();
  for (size_t i = 0; i < config.alerting.alertmanagers.size(); ++i) {
    config::ScrapeConfig& job = jobs->scrape_configs.emplace_back();
    job.job_name = BlockName(i);
    static_cast<config::DiscoveryConfig&>(job) = config.alerting.alertmanagers[i];
  }
  jobs->scrape_configs.emplace_back().job_name = marker_job;
  discovery_.ApplyConfig(std::move(jobs));
  wanted_ = wanted_ || !config.alerting.alertmanagers.empty();
  StartThreads();
}

void Alertmanagers::Stop() {
  discovery_.Stop();
  sender_.Stop();
}

void Alertmanagers::Take(const discovery::Snapshot& snapshot) {
  const Applied applied = applied_.Copy();
  // Targets of other blocks must not get these blocks' credentials; a newer snapshot follows.
  if (snapshot.find(applied.marker_job) == snapshot.end()) return;
  FoundAlertmanagers found = FindAlertmanagers(applied.section, snapshot);
  urls_.Set(std::move(found.urls));
  sender_.SetAlertmanagers(std::move(found.sets));
}

void Alertmanagers::Collect(toolkit::MetricSink* sink) const {
  using Type = toolkit::MetricSink::MetricType;
  const auto stats = sender_.stats();
  sink->Gauge("prometheus_notifications_queue_capacity",
              "The capacity of the alert notifications queue.", AsDouble(sender_.queue_capacity()));
  sink->Gauge("prometheus_notifications_alertmanagers_discovered",
              "The number of alertmanagers discovered and active.", AsDouble(stats.size()));
  const auto sent = sink->Family("prometheus_notifications_sent_total",
                                 "Total number of alerts sent.", Type::kCounter);
  const auto errors =
      sink->Family("prometheus_notifications_errors_total",
                   "Total number of sent alerts affected by errors.", Type::kCounter);
  const auto dropped = sink->Family(
      "prometheus_notifications_dropped_total",
      "Total number of alerts dropped due to errors when sending to Alertmanager.", Type::kCounter);
  const auto length = sink->Family("prometheus_notifications_queue_length",
                                   "The number of alert notifications in the queue.", Type::kGauge);
  const auto latency =
      sink->Family("prometheus_notifications_latency_seconds",
                   "Latency quantiles for sending alert notifications.", Type::kSummary);
  for (const auto& [url, one] : stats) {
    sink->Add(sent, {{"alertmanager", url}}, AsDouble(one.sent));
    sink->Add(errors, {{"alertmanager", url}}, AsDouble(one.errors));
    sink->Add(dropped, {{"alertmanager", url}}, AsDouble(one.dropped));
    sink->Add(length, {{"alertmanager", url}}, AsDouble(one.queue_length));
    const std::vector<LabelView> labels = {{"alertmanager", url}};
    sink->Add(latency, labels, AsDouble(one.total_us) / 1e6, "_sum");
    sink->Add(latency, labels, AsDouble(one.requests), "_count");
  }
}

}  // namespace vigil::server
