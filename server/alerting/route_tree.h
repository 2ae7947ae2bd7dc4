// SPDX-License-Identifier: Apache-2.0
// The routing tree: which routes an alert takes, with what a route inherits filled in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/model/duration.h"
#include "client-lib/model/labels.h"
#include "server/alerting/alerting_config.h"

namespace vigil::alerting {

// A node of the tree.
struct Route {
  size_t index = 0;  // in RouteTree::routes()
  std::string receiver;
  bool group_by_all = false;
  std::vector<std::string> group_by;  // sorted
  DurationMs group_wait = 30'000;
  DurationMs group_interval = 300'000;
  DurationMs repeat_interval = 14'400'000;
  // Of this node only: they are not inherited.
  std::vector<std::string> mute_time_intervals;
  std::vector<std::string> active_time_intervals;
  // By time. Inherited, unless the route has steps of its own.
  std::vector<EscalationConfig> escalations;
  DurationMs expect_every = 0;  // of this node only; 0: its alerts are no heartbeats
  StringMap labels;             // merged from the root down; the values are templates
  LabelMatchers matchers;
  bool continues = false;
  std::vector<size_t> children;
  // The printed matchers from the root down, joined by /: {}/{team="a"}. Siblings with equal
  // matchers share it; the id has the position, too.
  std::string key;
  std::string id;

  // The labels by which the route groups alerts.
  [[nodiscard]] Labels GroupLabels(const Labels& alert) const;
};

// Threads: any (immutable once built).
class RouteTree {
 public:
  explicit RouteTree(const RouteConfig& root);

  // Parents stand before their children; the root is the first.
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }
  // The routes of an alert, in the order of the file. Never empty: the root takes what no child
  // does.
  [[nodiscard]] std::vector<const Route*> Match(const Labels& labels) const;

 private:
  size_t Add(const RouteConfig& config, const Route* parent, size_t position);
  bool Collect(size_t index, const Labels& labels, std::vector<const Route*>* out) const;

  std::vector<Route> routes_;
};

// {}/{team="a"}:{alertname="X"}
std::string GroupKey(const Route& route, const Labels& group_labels);

// What is odd about the timers of a configuration, one sentence each.
std::vector<std::string> RouteWarnings(const RouteTree& tree, DurationMs retention);

}  // namespace vigil::alerting
