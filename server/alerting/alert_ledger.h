// SPDX-License-Identifier: Apache-2.0
// What storage knows of each alert, so that only what a restart needs is written.
//
// Sources repeat a firing alert every minute or so and only move its end. Such a refresh is not
// written: the first one marks the stored row as renewed, and that is all. What is written:
//   - the begin of an occurrence and its end, also when nobody reports the alert any more;
//   - another start, as merges make it;
//   - other annotations or another generator URL, at most every few minutes per alert, since many
//     rules print the current value there.
// An alert that is over is stored with an update time not before its end, so that a row whose end
// is behind its update time was still firing when it was written. After a restart such a row gets
// the time its source needs to repeat it (Revive).
#pragma once

#include <cstdint>
#include <unordered_map>

#include "server/alerting/alert.h"

namespace vigil::alerting {

// Threads: one at a time.
class AlertLedger {
 public:
  enum class Change { kNone, kFiring, kResolved };
  struct Noted {
    Change change = Change::kNone;
    AlertPtr to_store;     // null: the row stays as it is
    bool renewed = false;  // the row is to be marked
  };
  // The alert as it is now.
  Noted Note(const AlertPtr& alert, TimestampMs now);
  void Forget(uint64_t fingerprint) { entries_.erase(fingerprint); }

  // True while storage has the alert as firing.
  [[nodiscard]] bool IsOpen(uint64_t fingerprint) const;
  // At a clean stop: the alert for storage if its row is behind in annotations; else null.
  AlertPtr CatchUp(const AlertPtr& alert, TimestampMs now);

  // The row of an alert as a restart takes it: one that was firing stays so for the span between
  // two reports when it was renewed, and at least for `resolve_timeout` or that span, whatever is
  // less, when its end has passed meanwhile.
  static Alert Revive(Alert stored, bool renewed, TimestampMs now, DurationMs resolve_timeout);
  // What storage has: at start.
  void Restore(const Alert& stored, bool renewed);

  [[nodiscard]] size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint64_t content = 0;  // annotations and generator URL
    TimestampMs starts_at = 0;
    TimestampMs ends_at = 0;  // as stored
    TimestampMs written_at = 0;
    bool open = false;
    bool renewed = false;
  };
  static Entry EntryOf(const Alert& alert, bool open, TimestampMs now);

  std::unordered_map<uint64_t, Entry> entries_;
};

}  // namespace vigil::alerting
