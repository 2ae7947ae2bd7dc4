// SPDX-License-Identifier: Apache-2.0
// Groups of alerts and when each is due: the timers of routes, without a thread.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/alerting/alert_slot.h"
#include "server/alerting/route_tree.h"
#include "server/alerting/slot_table.h"

namespace vigil::alerting {

inline constexpr TimestampMs kNever = std::numeric_limits<TimestampMs>::max();

// A group that is due: all its alerts as they were at `now`.
struct Flush {
  uint64_t group = 0;
  std::shared_ptr<const RouteTree> tree;  // keeps `route` alive
  const Route* route = nullptr;
  Labels group_labels;
  std::string group_key;
  std::vector<AlertPtr> alerts;  // in the order of notifications
  TimestampMs now = 0;
  TimestampMs deadline = 0;  // when trying ends; the next flush comes then
};

// What is left of a group when the server stops.
struct GroupState {
  std::string route_id;
  Labels labels;
  TimestampMs next_flush = 0;
  bool flushed = false;
};

// A group as the API shows it.
struct GroupView {
  const Route* route = nullptr;
  Labels labels;
  std::vector<AlertPtr> alerts;
};

// The owner calls Advance at NextDeadline and Finished once per Flush; a group has one flush at a
// time. Threads: one at a time.
class Dispatcher {
 public:
  struct Options {
    DurationMs maintenance_interval = 30'000;  // how often empty groups are dropped
    TimestampMs no_flush_before = 0;           // start of the server and --dispatch.start-delay
  };
  Dispatcher(std::shared_ptr<const RouteTree> tree, const Options& options)
      : tree_(std::move(tree)), options_(options), index_(tree_->routes().size()) {}

  // The alert into all groups that it belongs to, which see it as its slot has it.
  void Process(const AlertSlotPtr& slot, TimestampMs now);
  // When there is something to do; kNever when nothing is.
  [[nodiscard]] TimestampMs NextDeadline() const;
  // The groups that are due.
  std::vector<Flush> Advance(TimestampMs now);
  // Ends a flush. When all went well, alerts that were over then and did not change since leave
  // the group, but for those whose hash is in `keep` (sorted).
  void Finished(const Flush& flush, bool success, const std::vector<uint64_t>& keep,
                TimestampMs now);

  // By labels, then receiver.
  [[nodiscard]] std::vector<GroupView> Groups() const;
  // Calls each(const AlertSlotPtr&) for the alerts of all groups, in no order; one that is in
  // several groups comes several times.
  template <typename F>
  void ForEachAlert(F&& each) const {
    for (const auto& [id, group] : groups_) {
      group.alerts.ForEach(each);
    }
  }
  // Of the groups that have alerts.
  [[nodiscard]] std::vector<std::string> GroupKeys() const;
  [[nodiscard]] size_t group_count() const { return groups_.size(); }
  // What the routes of Groups belong to: they live as long as it.
  [[nodiscard]] const std::shared_ptr<const RouteTree>& tree() const { return tree_; }

  [[nodiscard]] std::vector<GroupState> Export() const;
  // Before the first Process: groups get the timers they had. Groups of routes that are gone are
  // left out.
  void Import(const std::vector<GroupState>& states, TimestampMs now);
  // All timers are so much earlier: the clock was set back.
  void MoveTimers(DurationMs by);
  // Instead of Finished: the flush did not happen, the group is due again then.
  void Postpone(const Flush& flush, TimestampMs when);

 private:
  struct Group {
    const Route* route = nullptr;
    Labels labels;
    SlotTable alerts;
    TimestampMs next_flush = kNever;
    bool flushed = false;
    bool in_flight = false;
  };

  // Its number and the group, which stays where it is until it is dropped.
  using Place = std::pair<uint64_t, Group*>;
  // The group of an alert is found without making its labels.
  struct GroupOfAlert {
    const Labels& alert;
    const Route& route;
  };
  struct GroupHash {
    using is_transparent = void;
    size_t operator()(const Labels& labels) const { return labels.Hash(); }
    size_t operator()(const GroupOfAlert& group) const {
      return group.alert.HashOnly(group.route.group_by);
    }
  };
  struct GroupEqual {
    using is_transparent = void;
    bool operator()(const Labels& a, const Labels& b) const { return a == b; }
    bool operator()(const GroupOfAlert& group, const Labels& labels) const;
  };
  using GroupIndex = std::unordered_map<Labels, Place, GroupHash, GroupEqual>;

  Place FindOrCreate(const Route& route, const Labels& alert, TimestampMs now);
  Place Create(const Route& route, const Labels& labels, TimestampMs now);
  void Arm(uint64_t id, Group* group, TimestampMs when);
  Flush MakeFlush(uint64_t id, Group* group, TimestampMs now);
  void DropEmptyGroups(TimestampMs now);

  std::shared_ptr<const RouteTree> tree_;
  Options options_;
  uint64_t next_id_ = 1;
  TimestampMs next_maintenance_ = kNever;
  std::unordered_map<uint64_t, Group> groups_;
  std::vector<GroupIndex> index_;  // by route
  std::set<std::pair<TimestampMs, uint64_t>> timers_;
};

}  // namespace vigil::alerting
