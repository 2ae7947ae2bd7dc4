// SPDX-License-Identifier: Apache-2.0
// All groups: pushes in, consistent snapshots out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "pushgateway/grouping_key.h"
#include "pushgateway/pushed_family.h"

namespace vigil::pushgateway {

// One group at one moment. Immutable: a push makes a new one.
struct Group {
  struct Member {
    FamilyPtr family;
    TimestampMs pushed_ms = 0;
  };

  GroupingKey key;
  std::vector<Member> members;  // sorted by family name
  TimestampMs push_ms = 0;      // of the last good push; 0: never
  TimestampMs failure_ms = 0;   // of the last refused one; 0: never
  std::string push_time_line;   // the two as samples
  std::string failure_time_line;

  [[nodiscard]] bool last_push_successful() const { return push_ms >= failure_ms; }
  // Null when missing.
  [[nodiscard]] const Member* Find(std::string_view family) const;
};
using GroupPtr = std::shared_ptr<const Group>;
using Snapshot = std::vector<GroupPtr>;  // sorted by key

// Pages are read and written outside the lock; under it a push costs O(its own series), never
// O(all): the check against other groups looks up names and series in indexes.
// Threads: any.
class GroupStore {
 public:
  // kPut replaces all of the group, kPost only the families that are in the push.
  enum class Mode { kPut, kPost };
  enum class Check { kOn, kOff };

  explicit GroupStore(Check check = Check::kOn) : check_(check) {}

  // Families the process exposes itself: pushes must agree with their types. REQUIRES: before the
  // first push.
  void ReserveOwn(const std::vector<std::pair<std::string, exposition::MetricType>>& families);

  // bad_data: the push contradicts itself or another group; the group's push_failure_time_seconds
  // then says so (a new group is made for it), its metrics stay.
  Result<void> Push(const GroupingKey& key, const ParsedPush& push, Mode mode, TimestampMs now);
  // A group that is not there is fine.
  void Delete(const GroupingKey& key);
  void Wipe();
  [[nodiscard]] Snapshot TakeSnapshot() const;

 private:
  struct Reservation {
    std::string family;
    exposition::MetricType type;
    uint32_t users = 0;
  };
  using Members = std::vector<Group::Member>;
  using GroupMap = std::map<std::string, GroupPtr, KeyTextLess>;  // by key text

  Result<void> CheckPush(const Group* old, const ParsedPush& push, const Members& leaving) const
      REQUIRES_LOCK(mutex_);
  Result<void> CheckNames(const PushedFamily& family, const Members& leaving) const
      REQUIRES_LOCK(mutex_);
  Result<void> CheckSeries(const Group* old, const PushedFamily& family) const
      REQUIRES_LOCK(mutex_);
  void Index(const std::string& key, const PushedFamily& family) REQUIRES_LOCK(mutex_);
  void Unindex(const PushedFamily& family) REQUIRES_LOCK(mutex_);
  void Exchange(const std::string& key, const Members& leaving, const ParsedPush& push)
      REQUIRES_LOCK(mutex_);
  void Fail(const GroupingKey& key, TimestampMs now) REQUIRES_LOCK(mutex_);

  const Check check_;
  mutable Mutex mutex_;
  GroupMap groups_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, Reservation> names_ GUARDED_BY(mutex_);
  // Series to the key of its group (which lives in groups_).
  std::unordered_map<uint64_t, const std::string*> series_ GUARDED_BY(mutex_);
};

}  // namespace vigil::pushgateway
