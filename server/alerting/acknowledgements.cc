// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/acknowledgements.h"

namespace vigil::alerting {

const Acknowledgement* Acknowledgements::Find(const Alert& alert) const {
  if (rows_.empty()) return nullptr;
  const auto found = rows_.find(alert.fingerprint);
  return found == rows_.end() || found->second.at < alert.starts_at ? nullptr : &found->second;
}

std::vector<uint64_t> Acknowledgements::CollectGarbage(const AlertStore& alerts, TimestampMs now) {
  std::vector<uint64_t> gone;
  for (auto it = rows_.begin(); it != rows_.end();) {
    const AlertPtr alert = alerts.Find(it->first);
    if (alert != nullptr && !alert->ResolvedAt(now) && alert->starts_at <= it->second.at) {
      ++it;
      continue;
    }
    gone.push_back(it->first);
    it = rows_.erase(it);
  }
  return gone;
}

}  // namespace vigil::alerting
