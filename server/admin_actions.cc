// SPDX-License-Identifier: Apache-2.0
#include "server/admin_actions.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <random>
#include <utility>

#include "client-lib/base/files.h"
#include "client-lib/base/log.h"
#include "server/postgres/snapshot.h"

namespace vigil::server {
namespace {

constexpr int64_t kSnapshotTimeoutMs = 6 * 3'600'000;

std::string SelectorText(const std::vector<Matcher>& matchers) {
  std::string text = "{";
  for (const Matcher& matcher : matchers) {
    if (text.size() > 1) text += ',';
    text += matcher.ToString();
  }
  return text + "}";
}

// 20060102T150405Z-<16 hexadecimal digits>, as upstream names them.
std::string SnapshotName(TimestampMs now) {
  const std::time_t seconds = now / 1000;
  std::tm utc = {};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text;
  const size_t length = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &utc);
  std::random_device random;
  const uint64_t bits = (static_cast<uint64_t>(random()) << 32 | random()) >> 1;
  std::snprintf(text.data() + length, text.size() - length, "-%016llx",
                static_cast<unsigned long long>(bits));
  return text.data();
}

}  // namespace

web::AdminActions Admin::Actions(bool enabled) {
  web::AdminActions actions;
  actions.enabled = enabled;
  actions.delete_series = [this](const auto& sets, TimestampMs start, TimestampMs end) {
    return DeleteSeries(sets, start, end);
  };
  actions.clean_tombstones = [this] { return CleanTombstones(); };
  actions.snapshot = [this](bool skip_head) { return Snapshot(skip_head); };
  return actions;
}

Result<void> Admin::DeleteSeries(const std::vector<std::vector<Matcher>>& sets, TimestampMs start,
                                 TimestampMs end) {
  // What comes later is not deleted, though the span says "until the end of time".
  const TimestampMs newest = std::max(clock_.Now(), store_.Stats().recent.max_time);
  end = std::min(end, newest);
  if (start > end) return Ok();
  for (const std::vector<Matcher>& matchers : sets) {
    storage::Tombstone tombstone;
    tombstone.matchers = SelectorText(matchers);
    tombstone.series = store_.MatchIds(matchers, start, end);
    tombstone.span = {start, end};
    log::Info("admin", "deleting samples",
              {{"matchers", tombstone.matchers},
               {"series", static_cast<uint64_t>(tombstone.series.size())}});
    TRY(database_.maintenance().Delete(std::move(tombstone)));
  }
  return Ok();
}

Result<void> Admin::CleanTombstones() {
  if (database_.maintenance().tombstones()->empty()) return Ok();
  // The first writes what memory holds into chunks, the second lets go of it.
  TRY(store_.Flush());
  TRY(store_.Flush());
  return database_.maintenance().CleanTombstones(stop_);
}

Result<std::string> Admin::Snapshot(bool skip_head) {
  const MutexLock lock(snapshot_mutex_);
  const std::string directory = storage_path_ + "/snapshots";
  TRY(MakeDirectories(directory));
  if (!skip_head) TRY(store_.Flush());
  const std::string name = SnapshotName(clock_.Now());
  const postgres::Maintenance::Pause pause(database_.maintenance());
  const std::string path = directory + "/" + name;
  TRY(managed_ != nullptr
          ? managed_->BackUp(path, kSnapshotTimeoutMs, stop_)
          : postgres::DumpDatabase(database_.conninfo(), path, kSnapshotTimeoutMs, stop_));
  log::Info("admin", "snapshot is complete", {{"path", path}});
  return name;
}

}  // namespace vigil::server
