// SPDX-License-Identifier: Apache-2.0
// What alerting rules remember beyond a restart, and where it is kept.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"

namespace vigil::storage {

// A time that has not come.
inline constexpr TimestampMs kNever = std::numeric_limits<TimestampMs>::min();

// Which rule: the id is a hash of file, group, name, labels and place among equals.
struct RuleIdentity {
  uint64_t id = 0;
  std::string file;
  std::string group;
  std::string rule;
};

enum class StoredAlertState : uint8_t { kInactive = 0, kPending = 1, kFiring = 2 };

struct StoredAlert {
  std::shared_ptr<const RuleIdentity> rule;
  Labels labels;
  Labels annotations;
  StoredAlertState state = StoredAlertState::kInactive;
  double value = 0;
  TimestampMs active_at = kNever;
  TimestampMs fired_at = kNever;
  TimestampMs resolved_at = kNever;
  TimestampMs keep_firing_since = kNever;

  using Key = std::pair<uint64_t, uint64_t>;  // rule, hash of the labels
  [[nodiscard]] Key key() const { return {rule->id, labels.Hash()}; }
};

struct RuleStates {
  std::vector<StoredAlert> alerts;
  std::optional<TimestampMs> saved_at;  // none: nothing was ever saved
};

struct RuleStateChanges {
  std::vector<StoredAlert> changed;
  std::vector<StoredAlert::Key> gone;
  [[nodiscard]] bool empty() const { return changed.empty() && gone.empty(); }
};

// Both calls may block; on an error nothing of the call is stored. Threads: one at a time.
class RuleStateTable {
 public:
  virtual ~RuleStateTable() = default;
  virtual Result<RuleStates> LoadRuleStates() = 0;
  // `now` is what saved_at will say.
  virtual Result<void> SaveRuleStates(const RuleStateChanges& changes, TimestampMs now) = 0;
};

}  // namespace vigil::storage
