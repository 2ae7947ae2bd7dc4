// SPDX-License-Identifier: Apache-2.0
// What alerting counts about itself.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "client-lib/base/clock.h"

namespace vigil::alerting {

// From a flush to the receiver's answer, in upstream's buckets.
struct LatencyCounts {
  static constexpr std::array<double, 5> kBounds = {1, 5, 10, 15, 20};
  std::array<uint64_t, kBounds.size()> within = {};  // cumulative
  uint64_t count = 0;
  double sum = 0;

  void Add(double seconds);
};

// Since the start. Threads: any (a plain value).
struct AlertingCounters {
  uint64_t received_firing = 0;  // alerts posted
  uint64_t received_resolved = 0;
  uint64_t invalid = 0;
  std::map<std::string, uint64_t> notifications;  // messages that ended, by integration
  // By integration, then upstream's words for why: see FailureReason.
  std::map<std::pair<std::string, std::string>, uint64_t> notifications_failed;
  std::map<std::string, uint64_t> tries;  // requests, by integration
  std::map<std::string, uint64_t> tries_failed;
  std::map<std::string, uint64_t> suppressed;    // alerts held back by a flush, by reason
  std::map<std::string, LatencyCounts> latency;  // by integration
};

struct AlertingStats {
  AlertingCounters counters;
  size_t alerts_active = 0;
  size_t alerts_suppressed = 0;  // of the last flush of their groups
  size_t alerts_over = 0;
  uint64_t alerts_dropped_by_limit = 0;
  size_t silences_pending = 0;
  size_t silences_active = 0;
  size_t silences_expired = 0;
  size_t log_entries = 0;
  size_t groups = 0;
  size_t receivers = 0;
  size_t integrations = 0;
  // The state store.
  bool store_works = true;
  uint64_t saves = 0;
  uint64_t save_failures = 0;
  double save_seconds = 0;
  size_t unsaved_rows = 0;
  uint64_t dropped_events = 0;
};

// 429 rateLimited, 401 and 403 authError, other 4xx clientError, 5xx serverError, none: a try that
// ran out of time or other.
std::string FailureReason(int status, bool out_of_time);

}  // namespace vigil::alerting
