// SPDX-License-Identifier: Apache-2.0
// Alerts that mute others: inhibit_rules, with a full look at all sources.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/alerting/alert_slot.h"
#include "server/alerting/alerting_config.h"

namespace vigil::alerting {

// Why an alert is muted.
struct Inhibition {
  size_t rule = 0;      // position in the configuration
  uint64_t source = 0;  // fingerprint of an alert that mutes it: the smallest
  bool operator==(const Inhibition&) const = default;
};

// Threads: one at a time; Find only reads.
class Inhibitor {
 public:
  explicit Inhibitor(const std::vector<InhibitRuleConfig>& rules);

  // The alert, seen from now on as its slot has it.
  void Process(const AlertSlotPtr& slot);
  // The first rule by which a firing alert mutes this one.
  [[nodiscard]] std::optional<Inhibition> Find(const Labels& target, TimestampMs now) const;
  // Forgets sources that are over.
  void CollectGarbage(TimestampMs now);

 private:
  struct Source {
    AlertSlotPtr slot;
    bool two_sided = false;  // it matches the target's side, too
  };
  struct Rule {
    LabelMatchers source;
    LabelMatchers target;
    std::vector<std::string> equal;  // sorted
    // By the labels of `equal` (a missing one is an empty one), then by fingerprint.
    std::unordered_map<Labels, std::map<uint64_t, Source>> sources;
  };
  std::vector<Rule> rules_;
};

}  // namespace vigil::alerting
