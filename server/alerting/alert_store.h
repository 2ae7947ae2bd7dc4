// SPDX-License-Identifier: Apache-2.0
// The alerts that are known, one per label set.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/alerting/alert_slot.h"
#include "server/alerting/known_texts.h"
#include "server/alerting/slot_table.h"

namespace vigil::alerting {

// Threads: one at a time.
class AlertStore {
 public:
  // per_name_limit 0: no limit on alerts of one alertname.
  explicit AlertStore(size_t per_name_limit = 0) : per_name_limit_(per_name_limit) {}

  // Merges the alert with what is stored and returns the result; null when the limit drops it.
  // text: what it was read from.
  AlertSlotPtr Put(Alert alert, TimestampMs now, const TextKey& text = {});
  // Fingerprints of alerts that gave their place to others since the last call.
  std::vector<uint64_t> TakeEvicted() { return std::exchange(evicted_, {}); }
  // Null when unknown.
  [[nodiscard]] AlertPtr Find(uint64_t fingerprint) const;
  // Valid until the alert is forgotten.
  [[nodiscard]] AlertSlot* FindSlot(uint64_t fingerprint) const;
  // The alerts whose last report had these texts.
  [[nodiscard]] const KnownTexts& texts() const { return texts_; }
  // The URL or annotations of a report, as another alert of its rule may hold them already.
  [[nodiscard]] SharedText HoldUrl(std::string_view url) const;
  [[nodiscard]] Labels HoldAnnotations(std::span<const LabelView> annotations) const;
  // Another text says the same.
  void Learn(AlertSlot* slot, const TextKey& text) { texts_.Set(slot, text); }
  // All of them, sorted by fingerprint, those that are over as well.
  [[nodiscard]] std::vector<AlertSlotPtr> All() const;
  // Calls each(const AlertSlot&) in no order.
  template <typename F>
  void ForEach(F&& each) const {
    alerts_.ForEach([&](const AlertSlotPtr& slot) { each(static_cast<const AlertSlot&>(*slot)); });
  }
  // Forgets alerts that are over, and returns their fingerprints.
  std::vector<uint64_t> CollectGarbage(TimestampMs now);

  [[nodiscard]] size_t size() const { return alerts_.size(); }
  [[nodiscard]] uint64_t dropped_by_limit() const { return dropped_; }

 private:
  bool MakeRoom(const Alert& alert, TimestampMs now);
  void Forget(const Alert& alert);
  void Remove(uint64_t fingerprint);
  static void Merge(Alert alert, TimestampMs now, AlertSlot* slot);
  void Share(Alert* alert);

  const size_t per_name_limit_;
  uint64_t dropped_ = 0;
  std::vector<uint64_t> evicted_;
  SlotTable alerts_;
  KnownTexts texts_;
  // Of the last new alert: those of one rule have them in common.
  SharedText url_;
  Labels annotations_;
  // With a limit only: the fingerprints of each alertname.
  std::unordered_map<std::string, std::vector<uint64_t>> by_name_;
};

}  // namespace vigil::alerting
