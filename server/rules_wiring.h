// SPDX-License-Identifier: Apache-2.0
// Rules in the server: files, evaluation, who gets the alerts, metrics.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "exporters/toolkit/metric_sink.h"
#include "server/config/config.h"
#include "server/promql/engine.h"
#include "server/rules/alert_sender.h"
#include "server/rules/rule_manager.h"
#include "server/rules_options.h"
#include "server/storage/rule_state.h"
#include "server/storage/storage.h"

namespace vigil::server {

// Threads: owner thread only; Collect and groups() any.
class Rules {
 public:
  struct World {
    const promql::Engine& engine;
    const storage::Queryable& store;
    storage::Appender& appender;
    storage::RuleStateTable& states;
    std::string external_url;
    const Clock& clock;
  };
  Rules(const RulesOptions& options, World world);

  using Groups = std::vector<rules::GroupSpec>;
  // The rule files of the configuration. The error is what is wrong with them.
  static Result<Groups> Load(const config::Config& config, const promql::ParserOptions& parser);

  // Who gets alerts; before Start.
  void Add(alerting::AlertSink& sink) { sender_.Add(sink); }
  void ListQueriesIn(promql::ActiveQueries& running) { manager_.ListQueriesIn(running); }
  void Start(Groups groups, const config::Config& config);
  void Apply(Groups groups, const config::Config& config);
  void Stop() { manager_.Stop(); }

  [[nodiscard]] std::vector<std::shared_ptr<const rules::RuleGroup>> groups() const {
    return manager_.Groups();
  }
  void Collect(toolkit::MetricSink* sink) const;

 private:
  void Configure(const config::Config& config);

  rules::AlertSender sender_;
  rules::RuleManager manager_;
};

}  // namespace vigil::server
