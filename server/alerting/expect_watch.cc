// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/expect_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace vigil::alerting {
namespace {

constexpr std::string_view kMissing = "missing";
constexpr DurationMs kMostGrace = 120'000;
constexpr DurationMs kLeastNews = 1'000;

}  // namespace

bool TellsOfMissing(const Labels& labels) { return labels.Get(kExpectedLabel) == kMissing; }

void ExpectWatch::Reset(const RouteTree& tree, TimestampMs now) {
  std::map<std::string, Watch> before;
  for (Watch& watch : std::exchange(watches_, {})) {
    std::string id = watch.route_id;
    before.emplace(std::move(id), std::move(watch));
  }
  std::vector<LabelsBuilder> labels(tree.routes().size());
  for (const Route& route : tree.routes()) {
    for (const LabelMatcher& matcher : route.matchers) {
      if (matcher.type() == MatchType::kEqual) {
        labels[route.index].Set(matcher.name(), matcher.value());
      }
    }
    // Parents stand before their children.
    for (const size_t child : route.children) labels[child] = labels[route.index];
    if (route.expect_every == 0) continue;
    Watch& watch = watches_.emplace_back();
    watch.route_id = route.id;
    watch.route_index = route.index;
    watch.every = route.expect_every;
    watch.last_seen = now;
    const auto old = before.find(route.id);
    if (old != before.end()) {
      watch.last_seen = old->second.last_seen;
      watch.told = old->second.told;
      watch.stored = old->second.stored;
    }
    watch.next = std::max(now, watch.last_seen + watch.every);
    LabelsBuilder own = labels[route.index];
    own.Set(kExpectedLabel, kMissing);
    if (!own.Has("alertname")) own.Set("alertname", "ExpectedAlertMissing");
    watch.labels = own.Build();
  }
}

void ExpectWatch::Seen(const std::vector<const Route*>& routes, TimestampMs now) {
  for (Watch& watch : watches_) {
    const bool taken = std::any_of(routes.begin(), routes.end(), [&](const Route* route) {
      return route->index == watch.route_index;
    });
    if (!taken) continue;
    watch.last_seen = now;
    watch.next = watch.told ? now : now + watch.every;
  }
}

void ExpectWatch::Restore(const std::vector<Heartbeat>& stored, TimestampMs now) {
  for (Watch& watch : watches_) {
    const auto found = std::find_if(
        stored.begin(), stored.end(),
        [&watch](const Heartbeat& heartbeat) { return heartbeat.route_id == watch.route_id; });
    watch.stored = found == stored.end() ? 0 : found->silent_for;
    const DurationMs grace = std::min(watch.every / 2, kMostGrace);
    watch.last_seen = now - std::clamp<DurationMs>(watch.stored, 0, watch.every - grace);
    watch.next = watch.last_seen + watch.every;
  }
}

std::vector<Heartbeat> ExpectWatch::TakeHeartbeats(TimestampMs now) {
  const auto silent = [now](const Watch& watch) {
    return std::clamp<DurationMs>(now - watch.last_seen, 0, watch.every);
  };
  const bool news = std::any_of(watches_.begin(), watches_.end(), [&](const Watch& watch) {
    const DurationMs change = silent(watch) - watch.stored;
    return std::max(change, -change) >= std::max(watch.every / 8, kLeastNews);
  });
  std::vector<Heartbeat> taken;
  if (!news) return taken;
  for (Watch& watch : watches_) {
    watch.stored = silent(watch);
    taken.push_back({watch.route_id, watch.stored});
  }
  return taken;
}

void ExpectWatch::MoveTimers(DurationMs by) {
  for (Watch& watch : watches_) {
    watch.last_seen -= by;
    watch.next -= by;
  }
}

TimestampMs ExpectWatch::NextDeadline() const {
  TimestampMs next = std::numeric_limits<TimestampMs>::max();
  for (const Watch& watch : watches_) next = std::min(next, watch.next);
  return next;
}

std::vector<PostedAlert> ExpectWatch::Due(TimestampMs now) {
  std::vector<PostedAlert> due;
  for (Watch& watch : watches_) {
    if (watch.next > now) continue;
    const bool missing = watch.last_seen + watch.every <= now;
    if (missing || watch.told) {
      PostedAlert& alert = due.emplace_back();
      alert.labels = watch.labels;
      const std::string summary = fmt::format("an alert that is expected every {} did not come",
                                              FormatDuration(watch.every));
      alert.annotations = Labels::Of({{"summary", summary}});
      alert.starts_at = missing ? watch.last_seen + watch.every : now;
      alert.ends_at = missing ? now + 2 * watch.every : now;
    }
    watch.told = missing;
    watch.next = missing ? now + watch.every : watch.last_seen + watch.every;
  }
  return due;
}

}  // namespace vigil::alerting
