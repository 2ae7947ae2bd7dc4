// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/route_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace vigil::alerting {

Labels Route::GroupLabels(const Labels& alert) const {
  return group_by_all ? alert : alert.KeepOnly(group_by);
}

namespace {

std::vector<EscalationConfig> StepsOf(const RouteConfig& config) {
  std::vector<EscalationConfig> steps = config.escalations;
  if (config.escalate_after) steps.push_back({*config.escalate_after, config.escalate_to});
  std::stable_sort(steps.begin(), steps.end(),
                   [](const auto& a, const auto& b) { return a.after < b.after; });
  return steps;
}

}  // namespace

RouteTree::RouteTree(const RouteConfig& root) { Add(root, nullptr, 0); }

size_t RouteTree::Add(const RouteConfig& config, const Route* parent, size_t position) {
  Route route;
  if (parent != nullptr) route = *parent;
  route.index = routes_.size();
  route.children.clear();
  if (!config.receiver.empty()) route.receiver = config.receiver;
  if (config.has_group_by) {
    route.group_by = config.group_by;
    std::sort(route.group_by.begin(), route.group_by.end());
    route.group_by_all = config.group_by_all;
  }
  route.group_wait = config.group_wait.value_or(route.group_wait);
  route.group_interval = config.group_interval.value_or(route.group_interval);
  route.repeat_interval = config.repeat_interval.value_or(route.repeat_interval);
  route.mute_time_intervals = config.mute_time_intervals;
  route.active_time_intervals = config.active_time_intervals;
  std::vector<EscalationConfig> steps = StepsOf(config);
  if (!steps.empty()) route.escalations = std::move(steps);
  route.expect_every = config.expect_every.value_or(0);
  for (const auto& [name, value] : config.labels) route.labels[name] = value;
  route.matchers = config.matchers;
  route.continues = config.continues;
  const std::string printed = ToString(config.matchers);
  route.key = parent == nullptr ? printed : parent->key + "/" + printed;
  route.id = parent == nullptr ? printed : fmt::format("{}/{}/{}", parent->id, printed, position);
  routes_.push_back(route);
  for (size_t i = 0; i < config.routes.size(); ++i) {
    const size_t child = Add(config.routes[i], &route, i);
    routes_[route.index].children.push_back(child);
  }
  return route.index;
}

std::vector<const Route*> RouteTree::Match(const Labels& labels) const {
  std::vector<const Route*> out;
  // The root has no matchers and so takes everything.
  Collect(0, labels, &out);
  return out;
}

bool RouteTree::Collect(size_t index, const Labels& labels, std::vector<const Route*>* out) const {
  const Route& route = routes_[index];
  if (!MatchesLabels(route.matchers, labels)) return false;
  bool taken = false;
  for (const size_t child : route.children) {
    if (!Collect(child, labels, out)) continue;
    taken = true;
    if (!routes_[child].continues) break;
  }
  if (!taken) out->push_back(&route);
  return true;
}

std::string GroupKey(const Route& route, const Labels& group_labels) {
  return route.key + ":" + group_labels.ToString();
}

std::vector<std::string> RouteWarnings(const RouteTree& tree, DurationMs retention) {
  std::vector<std::string> warnings;
  for (const Route& route : tree.routes()) {
    if (route.repeat_interval > retention) {
      warnings.push_back(fmt::format(
          "repeat_interval {} of route {} is greater than the data retention period {}: "
          "notifications may be repeated more often",
          FormatDuration(route.repeat_interval), route.key, FormatDuration(retention)));
    }
    if (route.repeat_interval < route.group_interval) {
      warnings.push_back(fmt::format(
          "repeat_interval {} of route {} is less than its group_interval {}: notifications are "
          "not repeated until the next group_interval",
          FormatDuration(route.repeat_interval), route.key, FormatDuration(route.group_interval)));
    }
  }
  return warnings;
}

}  // namespace vigil::alerting
