// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/history.h"

namespace vigil::alerting {

std::string_view AlertEventText(AlertEventKind kind) {
  switch (kind) {
    case AlertEventKind::kFiring:
      return "firing";
    case AlertEventKind::kResolved:
      return "resolved";
    case AlertEventKind::kGrouped:
      return "grouped";
    case AlertEventKind::kMuted:
      return "muted";
    case AlertEventKind::kUnmuted:
      return "unmuted";
    case AlertEventKind::kAcknowledged:
      return "acknowledged";
    case AlertEventKind::kPending:
      break;
  }
  return "pending";
}

std::string_view NotificationResultText(NotificationResult result) {
  switch (result) {
    case NotificationResult::kSent:
      return "sent";
    case NotificationResult::kFailed:
      return "failed";
    case NotificationResult::kUnwanted:
      break;
  }
  return "unwanted";
}

}  // namespace vigil::alerting
