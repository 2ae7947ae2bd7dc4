// SPDX-License-Identifier: Apache-2.0
// Groups, their indexes, and the consistency check.
#include "pushgateway/group_store.h"

#include <algorithm>
#include <optional>

namespace vigil::pushgateway {
namespace {

using exposition::MetricType;

std::string_view FamilyName(const Group::Member& member) { return member.family->name; }

double Seconds(TimestampMs ms) { return static_cast<double>(ms) / 1000; }

void Stamp(Group* group) {
  group->push_time_line = GroupSampleLine(kPushTime, group->key, Seconds(group->push_ms));
  group->failure_time_line =
      GroupSampleLine(kPushFailureTime, group->key, Seconds(group->failure_ms));
}

bool SameSeries(const PushedFamily& a, const PushedFamily& b) {
  return std::ranges::equal(a.series, b.series, {}, &PushedFamily::Series::hash,
                            &PushedFamily::Series::hash);
}

const PushedFamily* FindFamily(const std::vector<Group::Member>& members, std::string_view name) {
  const auto found = std::ranges::lower_bound(members, name, {}, FamilyName);
  return found != members.end() && FamilyName(*found) == name ? found->family.get() : nullptr;
}

Error Inconsistent(const std::string& why) {
  return BadData("pushed metrics are invalid or inconsistent with existing metrics: " + why);
}

}  // namespace

const Group::Member* Group::Find(std::string_view family) const {
  const auto found = std::ranges::lower_bound(members, family, {}, FamilyName);
  return found != members.end() && FamilyName(*found) == family ? &*found : nullptr;
}

void GroupStore::ReserveOwn(const std::vector<std::pair<std::string, MetricType>>& families) {
  MutexLock lock(mutex_);
  for (const auto& [name, type] : families) {
    PushedFamily family;
    family.name = name;
    family.type = type;
    for (const std::string& reserved : family.ReservedNames()) {
      names_[reserved] = {name, type, 1};
    }
  }
}

Result<void> GroupStore::CheckNames(const PushedFamily& family, const Members& leaving) const {
  for (const std::string& name : family.ReservedNames()) {
    const auto taken = names_.find(name);
    if (taken == names_.end()) continue;
    const Reservation& other = taken->second;
    if (other.family == family.name && other.type == family.type) continue;
    // The push may itself remove the only family in the way.
    const PushedFamily* gone = FindFamily(leaving, other.family);
    if (gone != nullptr && other.users == 1) continue;
    return Inconsistent("metric \"" + family.name + "\" is pushed as " +
                        std::string(TextTypeName(family.type)) + ", but \"" + other.family +
                        "\" exists as " + std::string(TextTypeName(other.type)));
  }
  return Ok();
}

Result<void> GroupStore::CheckSeries(const Group* old, const PushedFamily& family) const {
  for (const PushedFamily::Series& row : family.series) {
    const auto owner = series_.find(row.hash);
    // Our own series of that name are replaced by this push.
    if (owner == series_.end() || (old != nullptr && *owner->second == old->key.text())) continue;
    const GroupPtr& group = groups_.at(*owner->second);
    const Group::Member* member = group->Find(family.name);
    if (member == nullptr) continue;              // two texts with one hash
    const auto& others = member->family->series;  // sorted by hash
    for (auto other = std::ranges::lower_bound(others, row.hash, {}, &PushedFamily::Series::hash);
         other != others.end() && other->hash == row.hash; ++other) {
      if (member->family->SeriesText(*other) == family.SeriesText(row)) {
        return Inconsistent("series " + std::string(family.SeriesText(row)) +
                            " is already in another group");
      }
    }
  }
  return Ok();
}

Result<void> GroupStore::CheckPush(const Group* old, const ParsedPush& push,
                                   const Members& leaving) const {
  if (!push.inconsistency.empty()) return Inconsistent(push.inconsistency);
  for (const FamilyPtr& family : push.families) {
    TRY(CheckNames(*family, leaving));
    TRY(CheckSeries(old, *family));
  }
  return Ok();
}

void GroupStore::Index(const std::string& key, const PushedFamily& family) {
  for (const std::string& name : family.ReservedNames()) {
    Reservation& row =
        names_.try_emplace(name, Reservation{family.name, family.type}).first->second;
    ++row.users;
  }
  for (const PushedFamily::Series& row : family.series) series_.insert_or_assign(row.hash, &key);
}

void GroupStore::Unindex(const PushedFamily& family) {
  for (const std::string& name : family.ReservedNames()) {
    const auto row = names_.find(name);
    if (row != names_.end() && --row->second.users == 0) names_.erase(row);
  }
  for (const PushedFamily::Series& row : family.series) series_.erase(row.hash);
}

// The same series again, as jobs push them run after run, leave the indexes as they are.
void GroupStore::Exchange(const std::string& key, const Members& leaving, const ParsedPush& push) {
  const auto stays = [](const PushedFamily& old, const PushedFamily* next) {
    return next != nullptr && next->type == old.type && SameSeries(old, *next);
  };
  std::vector<const PushedFamily*> arriving;
  for (const FamilyPtr& family : push.families) {
    const PushedFamily* old = FindFamily(leaving, family->name);
    if (old == nullptr || !stays(*old, family.get())) arriving.push_back(family.get());
  }
  for (const Group::Member& member : leaving) {
    const auto next = std::ranges::lower_bound(push.families, FamilyName(member), {},
                                               [](const FamilyPtr& f) { return f->name; });
    const bool same_name = next != push.families.end() && (*next)->name == FamilyName(member);
    if (!stays(*member.family, same_name ? next->get() : nullptr)) Unindex(*member.family);
  }
  for (const PushedFamily* family : arriving) Index(key, *family);
}

void GroupStore::Fail(const GroupingKey& key, TimestampMs now) {
  GroupPtr& slot = groups_[key.text()];
  auto group = slot == nullptr ? std::make_shared<Group>() : std::make_shared<Group>(*slot);
  group->key = key;
  group->failure_ms = now;
  Stamp(group.get());
  slot = std::move(group);
}

Result<void> GroupStore::Push(const GroupingKey& key, const ParsedPush& push, Mode mode,
                              TimestampMs now) {
  auto group = std::make_shared<Group>();
  group->key = key;
  group->push_ms = now;
  for (const FamilyPtr& family : push.families) group->members.push_back({family, now});
  GroupPtr replaced;  // dies after the lock: its texts may be large

  MutexLock lock(mutex_);
  const auto found = groups_.find(key.text());
  const Group* old = found == groups_.end() ? nullptr : found->second.get();
  Members leaving;
  if (old != nullptr) {
    group->failure_ms = old->failure_ms;
    for (const Group::Member& member : old->members) {
      const bool pushed_again = FindFamily(group->members, FamilyName(member)) != nullptr;
      if (mode == Mode::kPut || pushed_again) leaving.push_back(member);
    }
  }
  if (check_ == Check::kOn || !push.inconsistency.empty()) {
    const Result<void> good = CheckPush(old, push, leaving);
    if (!good) {
      Fail(key, now);
      return good.error();
    }
  }
  if (old != nullptr && mode == Mode::kPost) {
    for (const Group::Member& member : old->members) {
      if (FindFamily(leaving, FamilyName(member)) == nullptr) group->members.push_back(member);
    }
    std::ranges::sort(group->members, {}, FamilyName);
  }
  Stamp(group.get());
  const auto slot = groups_.try_emplace(key.text()).first;
  Exchange(slot->first, leaving, push);
  replaced = std::exchange(slot->second, std::move(group));
  return Ok();
}

void GroupStore::Delete(const GroupingKey& key) {
  GroupPtr group;
  MutexLock lock(mutex_);
  const auto found = groups_.find(key.text());
  if (found == groups_.end()) return;
  for (const Group::Member& member : found->second->members) Unindex(*member.family);
  group = std::move(found->second);
  groups_.erase(found);
}

void GroupStore::Wipe() {
  GroupMap groups;
  MutexLock lock(mutex_);
  for (const auto& [key, group] : groups_) {
    for (const Group::Member& member : group->members) Unindex(*member.family);
  }
  groups.swap(groups_);
}

Snapshot GroupStore::TakeSnapshot() const {
  Snapshot snapshot;
  MutexLock lock(mutex_);
  snapshot.reserve(groups_.size());
  for (const auto& [key, group] : groups_) snapshot.push_back(group);
  return snapshot;
}

}  // namespace vigil::pushgateway
