// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/inhibitor.h"

#include <algorithm>
#include <iterator>

namespace vigil::alerting {

Inhibitor::Inhibitor(const std::vector<InhibitRuleConfig>& rules) {
  for (const InhibitRuleConfig& config : rules) {
    Rule& rule = rules_.emplace_back();
    rule.source = config.source;
    rule.target = config.target;
    rule.equal = config.equal;
    std::sort(rule.equal.begin(), rule.equal.end());
    rule.equal.erase(std::unique(rule.equal.begin(), rule.equal.end()), rule.equal.end());
  }
}

void Inhibitor::Process(const AlertSlotPtr& slot) {
  const Alert& alert = *slot->alert();
  for (Rule& rule : rules_) {
    if (!MatchesLabels(rule.source, alert.labels)) continue;
    rule.sources[alert.labels.KeepOnly(rule.equal)][alert.fingerprint] = {
        slot, MatchesLabels(rule.target, alert.labels)};
  }
}

std::optional<Inhibition> Inhibitor::Find(const Labels& target, TimestampMs now) const {
  for (size_t i = 0; i < rules_.size(); ++i) {
    const Rule& rule = rules_[i];
    if (rule.sources.empty() || !MatchesLabels(rule.target, target)) continue;
    const auto found = rule.sources.find(target.KeepOnly(rule.equal));
    if (found == rule.sources.end()) continue;
    // Two alerts that both match both sides would mute each other, and one would mute itself.
    const bool two_sided = MatchesLabels(rule.source, target);
    for (const auto& [fingerprint, source] : found->second) {
      if (source.slot->times().ResolvedAt(now) || (two_sided && source.two_sided)) continue;
      return Inhibition{i, fingerprint};
    }
  }
  return std::nullopt;
}

void Inhibitor::CollectGarbage(TimestampMs now) {
  for (Rule& rule : rules_) {
    for (auto group = rule.sources.begin(); group != rule.sources.end();) {
      auto& sources = group->second;
      for (auto source = sources.begin(); source != sources.end();) {
        if (source->second.slot->times().ResolvedAt(now)) {
          source->second.slot->placed = false;
          source = sources.erase(source);
        } else {
          ++source;
        }
      }
      group = sources.empty() ? rule.sources.erase(group) : std::next(group);
    }
  }
}

}  // namespace vigil::alerting
