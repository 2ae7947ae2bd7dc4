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
  Remove(alert.fingerprint);
}

// Groups may hold the slot longer.
void AlertStore::Remove(uint64_t fingerprint) {
  texts_.Set(FindSlot(fingerprint), {});
  alerts_.Erase(fingerprint);
}

// An alert that is over gives its place to a new one.
bool AlertStore::MakeRoom(const Alert& alert, TimestampMs now) {
  if (per_name_limit_ == 0) return true;
  std::vector<uint64_t>& list = by_name_[AlertNameOf(alert)];
  if (list.size() >= per_name_limit_) {
    const auto over = std::find_if(list.begin(), list.end(), [&](uint64_t fingerprint) {
      // None: another alert of its fingerprint, with another name, took its place and went.
      const AlertSlot* slot = FindSlot(fingerprint);
      return slot == nullptr || slot->times().ResolvedAt(now);
    });
    if (over == list.end()) return false;
    if (FindSlot(*over) != nullptr) {
      Remove(*over);
      evicted_.push_back(*over);
    }
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

SharedText AlertStore::HoldUrl(std::string_view url) const {
  return url_ == url ? url_ : SharedText(url);
}

Labels AlertStore::HoldAnnotations(std::span<const LabelView> annotations) const {
  return SamePairs(annotations_, annotations) ? annotations_ : Labels::FromSorted(annotations);
}

// Content that stays is kept as it is held already.
void AlertStore::Merge(Alert alert, TimestampMs now, AlertSlot* slot) {
  const Alert& old = *slot->alert();
  if (alert.annotations == old.annotations && alert.generator_url == old.generator_url) {
    alert.annotations = old.annotations;
    alert.generator_url = old.generator_url;
  } else {
    slot->drifted = true;
  }
  if (alert.labels == old.labels) alert.labels = old.labels;
  slot->Put(std::make_shared<const Alert>(MergeReports(old, std::move(alert), now)));
}

AlertSlotPtr AlertStore::Put(Alert alert, TimestampMs now, const TextKey& text) {
  if (const AlertSlotPtr* found = alerts_.Find(alert.fingerprint)) {
    AlertSlot& slot = **found;
    // A report of before the clock was set back: which of the texts counts is for the merge to say.
    const bool late = alert.updated_at < slot.times().updated_at;
    Merge(std::move(alert), now, &slot);
    texts_.Set(&slot, late ? TextKey() : text);
    return *found;
  }
  if (!MakeRoom(alert, now)) {
    ++dropped_;
    return nullptr;
  }
  Share(&alert);
  auto slot = std::make_shared<AlertSlot>(std::make_shared<const Alert>(std::move(alert)));
  texts_.Set(slot.get(), text);
  alerts_.Put(slot);
  return slot;
}

AlertPtr AlertStore::Find(uint64_t fingerprint) const {
  const AlertSlotPtr* found = alerts_.Find(fingerprint);
  return found == nullptr ? nullptr : (*found)->alert();
}

AlertSlot* AlertStore::FindSlot(uint64_t fingerprint) const {
  const AlertSlotPtr* found = alerts_.Find(fingerprint);
  return found == nullptr ? nullptr : found->get();
}

std::vector<AlertSlotPtr> AlertStore::All() const {
  std::vector<AlertSlotPtr> all;
  all.reserve(alerts_.size());
  alerts_.ForEach([&](const AlertSlotPtr& slot) { all.push_back(slot); });
  std::sort(all.begin(), all.end(), [](const AlertSlotPtr& a, const AlertSlotPtr& b) {
    return a->fingerprint() < b->fingerprint();
  });
  return all;
}

std::vector<uint64_t> AlertStore::CollectGarbage(TimestampMs now) {
  std::vector<AlertPtr> over;
  ForEach([&](const AlertSlot& slot) {
    if (slot.times().ResolvedAt(now)) over.push_back(slot.alert());
  });
  std::vector<uint64_t> gone;
  for (const AlertPtr& alert : over) {
    gone.push_back(alert->fingerprint);
    Forget(*alert);
  }
  return gone;
}

}  // namespace vigil::alerting
