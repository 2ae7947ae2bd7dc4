// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/takeover_rule.h"

namespace vigil::cluster {

bool TakeoverRule::Saw(const Sight& sight, int64_t now_ns) {
  const bool alive = sight.locked && sight.lease_left_ms > 0;
  // The database was away for everybody, and its locks went with it. Or it may have been before
  // this server began to look; an owner that is seen alive was not hit.
  if (asked_before_ ? lost_ : !alive) settled_at_ns_ = now_ns + kSettleMs * 1'000'000;
  lost_ = false;
  asked_before_ = true;
  if (alive) {
    gone_epoch_ = 0;
    return false;
  }
  if (sight.epoch == 0) return true;
  if (sight.given_back && !sight.locked) return true;
  if (now_ns < settled_at_ns_) return false;
  if (sight.lease_left_ms <= 0) return true;
  if (gone_epoch_ != sight.epoch) {
    gone_epoch_ = sight.epoch;
    gone_since_ns_ = now_ns;
  }
  return now_ns - gone_since_ns_ >= kGoneMs * 1'000'000;
}

}  // namespace vigil::cluster
