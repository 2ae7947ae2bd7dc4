// SPDX-License-Identifier: Apache-2.0
#include "server/alerting_wiring.h"

#include <functional>

#include "client-lib/base/files.h"
#include "client-lib/base/log.h"
#include "server/alerting/config_loader.h"
#include "server/alerting/route_tree.h"
#include "server/alerting_metrics.h"

namespace vigil::server {
namespace {

// What a double holds exactly.
constexpr uint64_t kHashBits = (uint64_t{1} << 48) - 1;

void LogWarnings(const alerting::AlertingConfig& config) {
  for (const std::string& warning : config.warnings) log::Warn("alerting", warning);
}

}  // namespace

Result<Alerting::File> Alerting::Load(const AlertingOptions& options, alerting::MatcherMode mode) {
  if (options.config_file.empty()) return File();
  const std::string text =
      TRY_CONTEXT(ReadFile(options.config_file), "loading the alerting configuration");
  alerting::AlertingConfig config =
      TRY_CONTEXT(alerting::LoadAlertingText(text, options.config_file, mode),
                  "loading the alerting configuration");
  return File{std::make_shared<const alerting::AlertingConfig>(std::move(config)),
              std::hash<std::string>()(text) & kHashBits};
}

std::unique_ptr<Alerting> Alerting::Create(const AlertingOptions& options, const File& file,
                                           World world) {
  std::unique_ptr<Alerting> made(new Alerting(options, std::move(world)));
  const ConfigPtr& config = file.config;
  LogWarnings(*config);
  for (const std::string& warning :
       RouteWarnings(alerting::RouteTree(config->route), options.data_retention_ms)) {
    log::Warn("alerting", warning);
  }
  made->loaded_.Set({true, made->world_.clock.Now(), file.hash});
  notify::HttpNotifier::Options notifier;
  notifier.external_url = made->world_.external_url;
  while (notifier.external_url.ends_with('/')) notifier.external_url.pop_back();
  notifier.user_agent = made->world_.user_agent;
  notifier.clock = &made->world_.clock;
  made->notifier_ = std::make_unique<notify::HttpNotifier>(std::move(notifier));
  made->owned_notifier_ =
      std::make_unique<cluster::OwnedNotifier>(*made->notifier_, made->world_.owned);
  made->service_ = std::make_unique<alerting::AlertingService>(
      config, ServiceOptionsFrom(options, made->world_.matcher_mode), made->world_.store,
      *made->owned_notifier_, made->world_.clock);
  return made;
}

Alerting::~Alerting() { Stop(); }

Result<void> Alerting::Start() {
  notifier_->Start();
  return service_->Start();
}

void Alerting::Stop() {
  // Neither is there when the file was bad.
  if (service_ != nullptr) service_->Stop();
  if (notifier_ != nullptr) notifier_->Stop();  // also when the service was never started
}

void Alerting::EndDrills() {
  if (service_ != nullptr) service_->EndDrills();
}

Result<void> Alerting::Reload() {
  auto loaded = Load(options_, world_.matcher_mode);
  Result<void> applied = Ok();
  if (loaded) {
    LogWarnings(*loaded->config);
    applied = service_->Reload(loaded->config);
  } else {
    applied = loaded.error();
  }
  loaded_.With([&](Loaded& state) {
    state.success = applied.has_value();
    if (applied) state = {true, world_.clock.Now(), loaded->hash};
  });
  return applied;
}

void Alerting::Collect(toolkit::MetricSink* sink) const {
  const Loaded loaded = loaded_.Copy();
  CollectAlerting(service_->Stats(), sink);
  CollectAlertingConfig(loaded.success, loaded.at, loaded.hash, sink);
}

}  // namespace vigil::server
