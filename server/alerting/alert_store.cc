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
      return alerts_.at(fingerprint)->alert->ResolvedAt(now);
    });
    if (over == list.end()) return false;
    alerts_.erase(*over);
    evicted_.push_back(*over);
    list.erase(over);
  }
  list.push_back(alert.fingerprint);
  return true;
}

void AlertStore::Share(Alert* alert) {
  if (alert->generator_url == url_) {
    alert->generator_url = url_;
  } else {
    url_ = alert->generator_url;
  }
  if (alert->annotations == annotations_) {
    alert->annotations = annotations_;
  } else {
    annotations_ = alert->annotations;
  }
}

AlertSlotPtr AlertStore::Put(Alert alert, TimestampMs now) {
  const auto found = alerts_.find(alert.fingerprint);
  if (found != alerts_.end()) {
    AlertSlot& slot = *found->second;
    const Alert& old = *slot.alert;
    if (alert.annotations == old.annotations && alert.generator_url == old.generator_url) {
      alert.annotations = old.annotations;
      alert.generator_url = old.generator_url;
    } else {
      slot.drifted = true;
    }
    if (alert.labels == old.labels) alert.labels = old.labels;
    slot.alert = std::make_shared<const Alert>(MergeReports(old, std::move(alert), now));
    return found->second;
  }
  if (!MakeRoom(alert, now)) {
    ++dropped_;
    return nullptr;
  }
  Share(&alert);
  auto slot = std::make_shared<AlertSlot>();
  slot->alert = std::make_shared<const Alert>(std::move(alert));
  alerts_.emplace(slot->alert->fingerprint, slot);
  return slot;
}

AlertPtr AlertStore::Find(uint64_t fingerprint) const {
  const auto found = alerts_.find(fingerprint);
  return found == alerts_.end() ? nullptr : found->second->alert;
}

AlertSlot* AlertStore::FindSlot(uint64_t fingerprint) const {
  const auto found = alerts_.find(fingerprint);
  return found == alerts_.end() ? nullptr : found->second.get();
}

std::vector<AlertSlotPtr> AlertStore::All() const {
  std::vector<AlertSlotPtr> all;
  all.reserve(alerts_.size());
  for (const auto& [fingerprint, slot] : alerts_) all.push_back(slot);
  std::sort(all.begin(), all.end(), [](const AlertSlotPtr& a, const AlertSlotPtr& b) {
    return a->alert->fingerprint < b->alert->fingerprint;
  });
  return all;
}

std::vector<uint64_t> AlertStore::CollectGarbage(TimestampMs now) {
  std::vector<AlertPtr> over;
  for (const auto& [fingerprint, slot] : alerts_) {
    if (slot->alert->ResolvedAt(now)) over.push_back(slot->alert);
  }
  std::vector<uint64_t> gone;
  for (const AlertPtr& alert : over) {
    gone.push_back(alert->fingerprint);
    Forget(*alert);
  }
  return gone;
}

}  // namespace vigil::alerting
