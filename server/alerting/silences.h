// SPDX-License-Identifier: Apache-2.0
// All silences: changes by upstream's rules, and a quick answer to "which of them mutes this?".
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client-lib/model/duration.h"
#include "client-lib/model/labels.h"
#include "server/alerting/silence.h"

namespace vigil::alerting {

// A random UUID, version 4.
std::string NewUuid();

// Threads: one at a time; const functions only read.
class Silences {
 public:
  struct Options {
    DurationMs retention = 120LL * 3'600'000;  // how long expired ones are kept
    size_t max_silences = 0;                   // 0: no limit
    size_t max_size_bytes = 0;                 // of one; 0: no limit
    MatcherMode mode = MatcherMode::kFallback;
    std::function<std::string()> new_id = &NewUuid;
  };
  explicit Silences(Options options) : options_(std::move(options)), names_(options_.mode) {}

  // Whether a time is in the interval of a name; nothing when there is none. Silences with the
  // annotation time_intervals: "nights,weekends" recur: they mute while it is in one of them.
  using InInterval = std::function<std::optional<bool>(std::string_view name, TimestampMs when)>;
  void set_in_interval(InInterval in_interval) { in_interval_ = std::move(in_interval); }

  // Stores a new silence, or changes the one with its id. When the change would rewrite what has
  // been silenced, the old one expires and a new one with another id takes its place. Returns the
  // id. bad_data, or not_found for an id that is unknown.
  Result<std::string> Set(Silence silence, TimestampMs now);
  // Ends it now; one that is expired stays so. not_found.
  Result<void> Expire(const std::string& id, TimestampMs now);

  // The same in two steps, for an owner that stores in between: what would change, the silence that
  // was asked for last (nothing when it is expired already); and taking it as it was stored, which
  // TakeChanges does not list. No other change may come in between.
  [[nodiscard]] Result<std::vector<Silence>> PlanSet(Silence silence, TimestampMs now) const;
  [[nodiscard]] Result<std::vector<Silence>> PlanExpire(const std::string& id,
                                                        TimestampMs now) const;
  void Adopt(std::vector<Silence> planned);

  // Null when unknown. Valid until the next change.
  [[nodiscard]] const Silence* Find(const std::string& id) const;
  // Active ones by end, then pending ones by start, then expired ones, the latest first.
  [[nodiscard]] std::vector<const Silence*> All(TimestampMs now) const;
  // The ids of the active silences that match, sorted.
  [[nodiscard]] std::vector<std::string> Muting(const Labels& labels, TimestampMs now) const;

  // Forgets what expired longer than the retention ago; returns the ids.
  std::vector<std::string> CollectGarbage(TimestampMs now);
  // From storage or another server: of two with one id the later changed one stays. True when
  // something changed.
  bool Merge(const Silence& silence, TimestampMs now);
  [[nodiscard]] MatcherMode mode() const { return options_.mode; }
  // Grows with each new silence.
  [[nodiscard]] uint64_t version() const { return version_; }
  // How many are pending, active and expired, in this order.
  [[nodiscard]] std::array<size_t, 3> CountByState(TimestampMs now) const;
  // What changed since the last call, for storage.
  std::vector<Silence> TakeChanges();

 private:
  Result<void> CheckSize(const Silence& silence) const;
  Result<void> CheckIntervals(const Silence& silence, TimestampMs now) const;
  [[nodiscard]] bool Rests(const Silence& silence, TimestampMs now) const;
  void AddIfMuting(const Silence& silence, const Labels& labels, TimestampMs now,
                   std::vector<std::string>* ids) const;
  void Store(Silence silence);
  void AddToIndex(const Silence& silence);
  void RemoveFromIndex(const Silence& silence);
  void FindByPrefix(LabelView label, const Labels& labels, TimestampMs now,
                    std::vector<std::string>* ids) const;

  const Options options_;
  const MatcherParser names_;
  InInterval in_interval_;
  uint64_t version_ = 0;
  std::map<std::string, Silence> silences_;
  std::vector<std::string> changed_;
  // By "name\xffvalue" of a matcher that takes these values only, or by "name\xffprefix" of one
  // whose values begin so; the others are looked at always.
  using Index = std::unordered_map<std::string, std::vector<const Silence*>>;
  Index by_value_;
  Index by_prefix_;
  // How many prefixes of each length a label name has.
  std::map<std::string, std::map<size_t, size_t>, std::less<>> prefix_lengths_;
  std::vector<const Silence*> others_;
};

}  // namespace vigil::alerting
