// SPDX-License-Identifier: Apache-2.0
// The alerts that are known, one per label set.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/alerting/alert.h"

namespace vigil::alerting {

// Threads: one at a time.
class AlertStore {
 public:
  // per_name_limit 0: no limit on alerts of one alertname.
  explicit AlertStore(size_t per_name_limit = 0) : per_name_limit_(per_name_limit) {}

  // Merges the alert with what is stored and returns the result; null when the limit drops it.
  AlertSlotPtr Put(Alert alert, TimestampMs now);
  // Fingerprints of alerts that gave their place to others since the last call.
  std::vector<uint64_t> TakeEvicted() { return std::exchange(evicted_, {}); }
  // Null when unknown.
  [[nodiscard]] AlertPtr Find(uint64_t fingerprint) const;
  // Valid until the alert is forgotten.
  [[nodiscard]] AlertSlot* FindSlot(uint64_t fingerprint) const;
  // All of them, sorted by fingerprint, those that are over as well.
  [[nodiscard]] std::vector<AlertSlotPtr> All() const;
  // Calls each(const AlertPtr&) in no order.
  template <typename F>
  void ForEach(F&& each) const {
    for (const auto& [fingerprint, slot] : alerts_) each(slot->alert);
  }
  // Forgets alerts that are over, and returns their fingerprints.
  std::vector<uint64_t> CollectGarbage(TimestampMs now);

  [[nodiscard]] size_t size() const { return alerts_.size(); }
  [[nodiscard]] uint64_t dropped_by_limit() const { return dropped_; }

 private:
  bool MakeRoom(const Alert& alert, TimestampMs now);
  void Forget(const Alert& alert);
  void Share(Alert* alert);

  const size_t per_name_limit_;
  uint64_t dropped_ = 0;
  std::vector<uint64_t> evicted_;
  std::unordered_map<uint64_t, AlertSlotPtr> alerts_;
  // Of the last new alert: those of one rule have them in common.
  SharedText url_;
  Labels annotations_;
  // With a limit only: the fingerprints of each alertname.
  std::unordered_map<std::string, std::vector<uint64_t>> by_name_;
};

}  // namespace vigil::alerting
