// SPDX-License-Identifier: Apache-2.0
// Alerts that somebody took on: what keeps firing is not repeated to receivers, and nobody else is
// told.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/alerting/alert.h"
#include "server/alerting/alert_store.h"

namespace vigil::alerting {

// Holds until the alert ends: another occurrence, which begins later, is nobody's.
struct Acknowledgement {
  uint64_t fingerprint = 0;
  TimestampMs at = 0;
  std::string by;
  std::string comment;
};

// Threads: one at a time; const functions only read.
class Acknowledgements {
 public:
  void Put(Acknowledgement acknowledgement) {
    rows_[acknowledgement.fingerprint] = std::move(acknowledgement);
  }
  void Remove(uint64_t fingerprint) { rows_.erase(fingerprint); }
  // Null when nobody took this occurrence on. Valid until the next change.
  [[nodiscard]] const Acknowledgement* Find(const Alert& alert) const;
  // Forgets those whose alert is gone, is over or began anew; returns the fingerprints.
  std::vector<uint64_t> CollectGarbage(const AlertStore& alerts, TimestampMs now);
  [[nodiscard]] size_t size() const { return rows_.size(); }

 private:
  std::unordered_map<uint64_t, Acknowledgement> rows_;
};

}  // namespace vigil::alerting
