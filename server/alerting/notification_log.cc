// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/notification_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace vigil::alerting {
namespace {

std::string LogKey(std::string_view group_key, std::string_view integration) {
  std::string key(group_key);
  key.append(":").append(integration);
  return key;
}

bool Intersects(const HashSet& a, const HashSet& b) {
  return std::any_of(a.begin(), a.end(), [&](uint64_t hash) { return Contains(b, hash); });
}

}  // namespace

bool IsSubset(const HashSet& part, const HashSet& whole) {
  return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

bool Contains(const HashSet& set, uint64_t hash) {
  return std::binary_search(set.begin(), set.end(), hash);
}

HashSet Union(const HashSet& a, const HashSet& b) {
  HashSet out;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

std::string IntegrationKey(const Integration& integration) {
  return fmt::format("{}/{}/{}", integration.receiver, integration.type, integration.index);
}

const LogEntry* NotificationLog::Find(std::string_view group_key,
                                      std::string_view integration) const {
  const auto found = entries_.find(LogKey(group_key, integration));
  return found == entries_.end() ? nullptr : &found->second;
}

void NotificationLog::Put(LogEntry entry) {
  std::string key = LogKey(entry.group_key, entry.integration);
  changed_.push_back(key);
  entries_[std::move(key)] = std::move(entry);
}

bool NotificationLog::Merge(const LogEntry& entry) {
  LogEntry& stored = entries_[LogKey(entry.group_key, entry.integration)];
  if (stored.timestamp >= entry.timestamp && !stored.group_key.empty()) return false;
  stored = entry;
  return true;
}

std::vector<LogEntry> NotificationLog::CollectGarbage(
    TimestampMs now, const std::function<bool(const LogEntry&)>& in_use) {
  std::vector<LogEntry> gone;
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (it->second.expires_at > now || in_use(it->second)) {
      ++it;
      continue;
    }
    gone.push_back(std::move(it->second));
    it = entries_.erase(it);
  }
  return gone;
}

std::vector<LogEntry> NotificationLog::All() const {
  std::vector<LogEntry> all;
  for (const auto& [key, entry] : entries_) all.push_back(entry);
  std::sort(all.begin(), all.end(), [](const LogEntry& a, const LogEntry& b) {
    return std::tie(a.group_key, a.integration) < std::tie(b.group_key, b.integration);
  });
  return all;
}

std::vector<LogEntry> NotificationLog::TakeChanges() {
  std::sort(changed_.begin(), changed_.end());
  changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
  std::vector<LogEntry> out;
  for (const std::string& key : changed_) {
    const auto found = entries_.find(key);
    if (found != entries_.end()) out.push_back(found->second);
  }
  changed_.clear();
  return out;
}

std::string_view NotifyReasonText(NotifyReason reason) {
  switch (reason) {
    case NotifyReason::kNone:
      break;
    case NotifyReason::kFirst:
      return "first notification";
    case NotifyReason::kNewAlerts:
      return "new alerts added";
    case NotifyReason::kAllResolved:
      return "all alerts resolved";
    case NotifyReason::kSomeResolved:
      return "some alerts resolved";
    case NotifyReason::kRepeat:
      return "repeat interval elapsed";
    case NotifyReason::kEscalated:
      return "escalated";
  }
  return "none";
}

NotifyReason DecideNotification(const NotifyQuestion& question) {
  const LogEntry* entry = question.entry;
  if (entry == nullptr) {
    return question.firing.empty() ? NotifyReason::kNone : NotifyReason::kFirst;
  }
  if (!IsSubset(question.firing, entry->firing)) {
    return entry->firing.empty() ? NotifyReason::kFirst : NotifyReason::kNewAlerts;
  }
  if (question.firing.empty()) {
    const bool owed = !entry->firing.empty() || Intersects(question.resolved, entry->owed);
    return owed ? NotifyReason::kAllResolved : NotifyReason::kNone;
  }
  if (question.send_resolved && !IsSubset(question.resolved, entry->resolved)) {
    return NotifyReason::kSomeResolved;
  }
  // An entry that has expired is there only for what is owed: the group counts as new.
  if (entry->expires_at <= question.now) return NotifyReason::kFirst;
  const bool old = entry->timestamp <= question.now - question.repeat_interval;
  return old ? NotifyReason::kRepeat : NotifyReason::kNone;
}

}  // namespace vigil::alerting
