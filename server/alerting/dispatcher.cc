// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/dispatcher.h"

#include <algorithm>
#include <tuple>

#include "server/alerting/expect_watch.h"

namespace vigil::alerting {
namespace {

constexpr DurationMs kShortestFlush = 10'000;

}  // namespace

void Dispatcher::Arm(uint64_t id, Group* group, TimestampMs when) {
  timers_.erase({group->next_flush, id});
  group->next_flush = std::max(when, options_.no_flush_before);
  timers_.insert({group->next_flush, id});
}

bool Dispatcher::GroupEqual::operator()(const GroupOfAlert& group, const Labels& labels) const {
  size_t same = 0;
  for (const std::string& name : group.route.group_by) {
    const std::string_view value = group.alert.Get(name);
    if (value.empty()) continue;
    if (same == labels.size() || labels[same] != LabelView{name, value}) return false;
    ++same;
  }
  return same == labels.size();
}

Dispatcher::Place Dispatcher::Create(const Route& route, const Labels& labels, TimestampMs now) {
  const uint64_t id = next_id_++;
  Group& group = groups_[id];
  group.route = &route;
  group.labels = labels;
  index_[route.index].emplace(labels, Place(id, &group));
  Arm(id, &group, now + route.group_wait);
  if (next_maintenance_ == kNever) next_maintenance_ = now + options_.maintenance_interval;
  return {id, &group};
}

Dispatcher::Place Dispatcher::FindOrCreate(const Route& route, const Labels& alert,
                                           TimestampMs now) {
  const GroupIndex& index = index_[route.index];
  const auto found =
      route.group_by_all ? index.find(alert) : index.find(GroupOfAlert{alert, route});
  if (found != index.end()) return found->second;
  return Create(route, route.GroupLabels(alert), now);
}

void Dispatcher::Process(const AlertSlotPtr& slot, TimestampMs now) {
  const Labels& labels = slot->labels();
  slot->placed = true;
  slot->hurry_at = kNever;
  for (const Route* route : tree_->Match(labels)) {
    // A heartbeat is expected, and nothing to tell of.
    if (route->expect_every != 0 && !TellsOfMissing(labels)) continue;
    const auto [id, group] = FindOrCreate(*route, labels, now);
    group->alerts.Put(slot);
    if (group->flushed) continue;
    // An alert that has waited long enough elsewhere does not wait again.
    const TimestampMs waited = slot->times().starts_at + route->group_wait;
    if (waited < now) Arm(id, group, now);
    slot->hurry_at = std::min(slot->hurry_at, waited);
  }
}

TimestampMs Dispatcher::NextDeadline() const {
  // A group in flight is looked at again when its flush ends.
  return std::min(next_maintenance_, timers_.empty() ? kNever : timers_.begin()->first);
}

Flush Dispatcher::MakeFlush(uint64_t id, Group* group, TimestampMs now) {
  Flush flush;
  flush.group = id;
  flush.tree = tree_;
  flush.route = group->route;
  flush.group_labels = group->labels;
  flush.group_key = GroupKey(*group->route, group->labels);
  flush.now = now;
  flush.deadline = now + std::max(group->route->group_interval, kShortestFlush);
  flush.alerts.reserve(group->alerts.size());
  group->alerts.ForEach([&](const AlertSlotPtr& slot) { flush.alerts.push_back(slot->alert()); });
  std::sort(flush.alerts.begin(), flush.alerts.end(),
            [](const AlertPtr& a, const AlertPtr& b) { return NotificationOrder(*a, *b); });
  return flush;
}

std::vector<Flush> Dispatcher::Advance(TimestampMs now) {
  std::vector<Flush> due;
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const uint64_t id = timers_.begin()->second;
    Group& group = groups_.at(id);
    if (group.in_flight) {
      // Overdue: Finished arms it.
      timers_.erase(timers_.begin());
      continue;
    }
    group.flushed = true;
    Arm(id, &group, now + group.route->group_interval);
    if (group.alerts.empty()) continue;
    group.in_flight = true;
    due.push_back(MakeFlush(id, &group, now));
  }
  if (now >= next_maintenance_) DropEmptyGroups(now);
  return due;
}

void Dispatcher::DropEmptyGroups(TimestampMs now) {
  for (auto it = groups_.begin(); it != groups_.end();) {
    Group& group = it->second;
    if (!group.alerts.empty() || group.in_flight || !group.flushed) {
      ++it;
      continue;
    }
    timers_.erase({group.next_flush, it->first});
    index_[group.route->index].erase(group.labels);
    it = groups_.erase(it);
  }
  next_maintenance_ = groups_.empty() ? kNever : now + options_.maintenance_interval;
}

void Dispatcher::Finished(const Flush& flush, bool success, const std::vector<uint64_t>& keep,
                          TimestampMs now) {
  const auto found = groups_.find(flush.group);
  if (found == groups_.end()) return;
  Group& group = found->second;
  group.in_flight = false;
  if (group.next_flush <= now) Arm(flush.group, &group, now);
  if (!success) return;
  for (const AlertPtr& alert : flush.alerts) {
    if (!alert->ResolvedAt(flush.now)) continue;
    if (std::binary_search(keep.begin(), keep.end(), alert->Hash())) continue;
    const AlertSlotPtr* stored = group.alerts.Find(alert->fingerprint);
    if (stored != nullptr && (*stored)->times().updated_at == alert->updated_at) {
      (*stored)->placed = false;
      group.alerts.Erase(alert->fingerprint);
    }
  }
}

std::vector<GroupView> Dispatcher::Groups() const {
  std::vector<GroupView> views;
  for (const auto& [id, group] : groups_) {
    if (group.alerts.empty()) continue;
    GroupView& view = views.emplace_back();
    view.route = group.route;
    view.labels = group.labels;
    view.alerts.reserve(group.alerts.size());
    group.alerts.ForEach([&](const AlertSlotPtr& slot) { view.alerts.push_back(slot->alert()); });
    std::sort(view.alerts.begin(), view.alerts.end(),
              [](const AlertPtr& a, const AlertPtr& b) { return a->fingerprint < b->fingerprint; });
  }
  std::sort(views.begin(), views.end(), [](const GroupView& a, const GroupView& b) {
    if (a.labels != b.labels) return LabelsBefore(a.labels, b.labels);
    return std::tie(a.route->receiver, a.route->index) <
           std::tie(b.route->receiver, b.route->index);
  });
  return views;
}

std::vector<std::string> Dispatcher::GroupKeys() const {
  std::vector<std::string> keys;
  for (const auto& [id, group] : groups_) {
    if (!group.alerts.empty()) keys.push_back(GroupKey(*group.route, group.labels));
  }
  return keys;
}

std::vector<GroupState> Dispatcher::Export() const {
  std::vector<GroupState> states;
  for (const auto& [id, group] : groups_) {
    GroupState& state = states.emplace_back();
    state.route_id = group.route->id;
    state.labels = group.labels;
    // Somebody was not told yet: the group is due, and the log knows who was.
    if (group.in_flight) continue;
    state.next_flush = group.next_flush;
    state.flushed = group.flushed;
  }
  return states;
}

void Dispatcher::Import(const std::vector<GroupState>& states, TimestampMs now) {
  std::unordered_map<std::string, const Route*> routes;
  for (const Route& route : tree_->routes()) routes.emplace(route.id, &route);
  for (const GroupState& state : states) {
    const auto route = routes.find(state.route_id);
    if (route == routes.end()) continue;
    const GroupIndex& index = index_[route->second->index];
    const auto found = index.find(state.labels);
    const auto [id, group] = found != index.end()
                                 ? found->second
                                 : Create(*route->second, state.labels, state.next_flush);
    group->flushed = state.flushed;
    // Later than any timer reaches: the clock was set back meanwhile.
    const DurationMs most = std::max(group->route->group_wait, group->route->group_interval);
    Arm(id, group, state.next_flush > now + most ? now : state.next_flush);
  }
}

void Dispatcher::MoveTimers(DurationMs by) {
  timers_.clear();
  for (auto& [id, group] : groups_) {
    group.next_flush -= by;
    timers_.insert({group.next_flush, id});
  }
  options_.no_flush_before -= by;
  if (next_maintenance_ != kNever) next_maintenance_ -= by;
}

void Dispatcher::Postpone(const Flush& flush, TimestampMs when) {
  const auto found = groups_.find(flush.group);
  if (found == groups_.end()) return;
  found->second.in_flight = false;
  Arm(flush.group, &found->second, when);
}

}  // namespace vigil::alerting
