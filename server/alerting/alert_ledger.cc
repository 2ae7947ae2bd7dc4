// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/alert_ledger.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace vigil::alerting {
namespace {

constexpr DurationMs kContentEvery = 300'000;

uint64_t ContentHash(const Alert& alert) {
  constexpr uint64_t kMix = 0x9e3779b97f4a7c15ULL;
  return alert.annotations.Hash() * kMix + std::hash<std::string_view>()(alert.generator_url);
}

AlertPtr ForStorage(const AlertPtr& alert, bool open) {
  if (open || alert->updated_at >= alert->ends_at) return alert;
  Alert closed = *alert;
  closed.updated_at = closed.ends_at;
  return std::make_shared<const Alert>(std::move(closed));
}

}  // namespace

AlertLedger::Entry AlertLedger::EntryOf(const Alert& alert, bool open, TimestampMs now) {
  return {ContentHash(alert), alert.starts_at, alert.ends_at, now, open, false};
}

AlertLedger::Noted AlertLedger::Note(const AlertPtr& alert, TimestampMs now) {
  const bool open = !alert->ResolvedAt(now);
  const auto [found, fresh] = entries_.try_emplace(alert->fingerprint);
  Entry& entry = found->second;
  const bool reopened = !fresh && !entry.open && open;
  const bool closed = entry.open && !open;
  const bool moved = entry.starts_at != alert->starts_at;
  // A later start is another occurrence, an earlier one was learnt late.
  const bool restarted = entry.open && open && alert->starts_at > entry.starts_at;
  Noted noted;
  if (fresh) {
    noted.change = open ? Change::kFiring : Change::kResolved;
  } else if (reopened || restarted) {
    noted.change = Change::kFiring;
  } else if (closed) {
    noted.change = Change::kResolved;
  }
  if (fresh || reopened || closed || moved ||
      (now - entry.written_at >= kContentEvery && entry.content != ContentHash(*alert))) {
    const bool renewed = entry.renewed && !fresh;
    entry = EntryOf(*alert, open, now);
    entry.renewed = renewed;
    noted.to_store = ForStorage(alert, open);
  } else if (open && !entry.renewed && alert->ends_at > entry.ends_at) {
    entry.renewed = true;
    noted.renewed = true;
  }
  return noted;
}

bool AlertLedger::IsOpen(uint64_t fingerprint) const {
  const auto found = entries_.find(fingerprint);
  return found != entries_.end() && found->second.open;
}

AlertPtr AlertLedger::CatchUp(const AlertPtr& alert, TimestampMs now) {
  const auto found = entries_.find(alert->fingerprint);
  if (found == entries_.end() || found->second.content == ContentHash(*alert)) return nullptr;
  found->second.content = ContentHash(*alert);
  found->second.written_at = now;
  return ForStorage(alert, found->second.open);
}

Alert AlertLedger::Revive(Alert stored, bool renewed, TimestampMs now, DurationMs resolve_timeout) {
  const DurationMs span = stored.ends_at - stored.updated_at;
  if (span <= 0) return stored;
  TimestampMs ends_at = stored.ends_at;
  if (renewed) {
    ends_at = std::max(ends_at, now + span);
  } else if (ends_at <= now) {
    ends_at = now + std::min(span, resolve_timeout);
  }
  if (ends_at == stored.ends_at) return stored;
  stored.ends_at = ends_at;
  // What the source says next goes before this guess.
  stored.timeout = true;
  return stored;
}

void AlertLedger::Restore(const Alert& stored, bool renewed) {
  Entry& entry = entries_[stored.fingerprint];
  entry = EntryOf(stored, stored.ends_at > stored.updated_at, stored.updated_at);
  entry.renewed = renewed;
}

}  // namespace vigil::alerting
