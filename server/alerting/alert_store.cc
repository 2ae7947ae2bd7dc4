// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/alert_store.h"

#include <algorithm>

namespace vigil::alerting {
namespace {

std::string AlertNameOf(const Alert& alert) { return std::string(alert.labels.Get("alertname")); }

}  // namespace

void AlertStore::Forget(const Alert& alert) {
  if (per_name_limit_ != 0) {
    std::vector<uint64_t>& list = by_name_[AlertNameOf(alert)];
    list.erase(std::remove(list.begin(), list.end(), alert.fingerprint), list.end());
    if (list.empty()) by_name_.erase(AlertNameOf(alert));
  }
  alerts_.erase(alert.fingerprint);
}

// An alert that is over gives its place to a new one.
bool AlertStore::MakeRoom(const Alert& alert, TimestampMs now) {
  if (per_name_limit_ == 0) return true;
  std::vector<uint64_t>& list = by_name_[AlertNameOf(alert)];
  if (list.size() >= per_name_limit_) {
    const auto over = std::find_if(list.begin(), list.end(), [&](uint64_t fingerprint) {
      return alerts_.at(fingerprint)->ResolvedAt(now);
    });
    if (over == list.end()) return false;
    alerts_.erase(*over);
    evicted_.push_back(*over);
    list.erase(over);
  }
  list.push_back(alert.fingerprint);
  return true;
}

AlertPtr AlertStore::Put(Alert alert, TimestampMs now) {
  const auto found = alerts_.find(alert.fingerprint);
  if (found != alerts_.end()) {
    found->second =
        std::make_shared<const Alert>(MergeReports(*found->second, std::move(alert), now));
    return found->second;
  }
  if (!MakeRoom(alert, now)) {
    ++dropped_;
    return nullptr;
  }
  auto stored = std::make_shared<const Alert>(std::move(alert));
  alerts_.emplace(stored->fingerprint, stored);
  return stored;
}

AlertPtr AlertStore::Find(uint64_t fingerprint) const {
  const auto found = alerts_.find(fingerprint);
  return found == alerts_.end() ? nullptr : found->second;
}

std::vector<AlertPtr> AlertStore::All() const {
  std::vector<AlertPtr> all;
  all.reserve(alerts_.size());
  for (const auto& [fingerprint, alert] : alerts_) all.push_back(alert);
  std::sort(all.begin(), all.end(),
            [](const AlertPtr& a, const AlertPtr& b) { return a->fingerprint < b->fingerprint; });
  return all;
}

std::vector<uint64_t> AlertStore::CollectGarbage(TimestampMs now) {
  std::vector<AlertPtr> over;
  for (const auto& [fingerprint, alert] : alerts_) {
    if (alert->ResolvedAt(now)) over.push_back(alert);
  }
  std::vector<uint64_t> gone;
  for (const AlertPtr& alert : over) {
    gone.push_back(alert->fingerprint);
    Forget(*alert);
  }
  return gone;
}

}  // namespace vigil::alerting
