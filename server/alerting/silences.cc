// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/silences.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "client-lib/base/strings.h"

namespace vigil::alerting {
namespace {

constexpr std::string_view kIntervals = "time_intervals";

std::string IndexKey(std::string_view name, std::string_view value) {
  std::string key;
  key.reserve(name.size() + value.size() + 1);
  key.append(name).append("\xff").append(value);
  return key;
}

// Where a silence is found: the label and its values, or what they begin with. Empty when no
// matcher pins anything.
struct IndexPlace {
  std::string name;
  std::vector<std::string> texts;
  bool prefixes = false;
};

IndexPlace PlaceOf(const Silence& silence) {
  for (const LabelMatcher& matcher : silence.matchers) {
    if (matcher.type() == MatchType::kEqual && !matcher.value().empty()) {
      return {matcher.name(), {matcher.value()}, false};
    }
  }
  for (const LabelMatcher& matcher : silence.matchers) {
    std::vector<std::string> values = matcher.Alternatives();
    if (!values.empty() && !values.front().empty())
      return {matcher.name(), std::move(values), false};
  }
  for (const LabelMatcher& matcher : silence.matchers) {
    std::vector<std::string> prefixes = matcher.Prefixes();
    if (!prefixes.empty()) return {matcher.name(), std::move(prefixes), true};
  }
  return {};
}

// The names of the intervals in which it mutes; none: always.
std::vector<std::string> IntervalsOf(const Silence& silence) {
  std::vector<std::string> names;
  const auto found = silence.annotations.find(std::string(kIntervals));
  if (found == silence.annotations.end()) return names;
  for (const std::string_view name : Split(found->second, ',')) {
    names.emplace_back(TrimSpace(name));
  }
  return names;
}

void Erase(std::vector<const Silence*>* list, const Silence* silence) {
  list->erase(std::remove(list->begin(), list->end(), silence), list->end());
}

}  // namespace

std::string NewUuid() {
  std::random_device random;
  uint32_t words[4];
  for (uint32_t& word : words) word = random();
  words[1] = (words[1] & 0xffff0fffU) | 0x4000U;
  words[2] = (words[2] & 0x3fffffffU) | 0x80000000U;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:04x}{:08x}", words[0], words[1] >> 16,
                     words[1] & 0xffff, words[2] >> 16, words[2] & 0xffff, words[3]);
}

void Silences::AddToIndex(const Silence& silence) {
  const IndexPlace place = PlaceOf(silence);
  Index& index = place.prefixes ? by_prefix_ : by_value_;
  for (const std::string& text : place.texts) {
    index[IndexKey(place.name, text)].push_back(&silence);
    if (place.prefixes) ++prefix_lengths_[place.name][text.size()];
  }
  if (place.texts.empty()) others_.push_back(&silence);
}

void Silences::RemoveFromIndex(const Silence& silence) {
  const IndexPlace place = PlaceOf(silence);
  Index& index = place.prefixes ? by_prefix_ : by_value_;
  for (const std::string& text : place.texts) {
    const auto found = index.find(IndexKey(place.name, text));
    Erase(&found->second, &silence);
    if (found->second.empty()) index.erase(found);
    if (!place.prefixes) continue;
    auto& lengths = prefix_lengths_[place.name];
    if (--lengths[text.size()] == 0) lengths.erase(text.size());
  }
  if (place.texts.empty()) Erase(&others_, &silence);
}

void Silences::Store(Silence silence) {
  changed_.push_back(silence.id);
  const auto found = silences_.find(silence.id);
  if (found != silences_.end()) {
    RemoveFromIndex(found->second);
    found->second = std::move(silence);
    AddToIndex(found->second);
    return;
  }
  ++version_;
  const std::string id = silence.id;
  AddToIndex(silences_.emplace(id, std::move(silence)).first->second);
}

Result<void> Silences::CheckSize(const Silence& silence) const {
  const size_t size = silence.SizeBytes();
  if (options_.max_size_bytes == 0 || size <= options_.max_size_bytes) return Ok();
  return BadData(fmt::format("silence exceeded maximum size: {} bytes (limit: {} bytes)", size,
                             options_.max_size_bytes));
}

Result<void> Silences::CheckIntervals(const Silence& silence, TimestampMs now) const {
  for (const std::string& name : IntervalsOf(silence)) {
    if (in_interval_ && in_interval_(name, now)) continue;
    return BadData(
        fmt::format("invalid silence: no time interval {} in the configuration, as its annotation "
                    "time_intervals says",
                    Quote(name)));
  }
  return Ok();
}

bool Silences::Rests(const Silence& silence, TimestampMs now) const {
  const std::vector<std::string> names = IntervalsOf(silence);
  if (names.empty()) return false;
  return std::none_of(names.begin(), names.end(), [&](const std::string& name) {
    return in_interval_ && in_interval_(name, now).value_or(false);
  });
}

void Silences::AddIfMuting(const Silence& silence, const Labels& labels, TimestampMs now,
                           std::vector<std::string>* ids) const {
  if (silence.StateAt(now) != SilenceState::kActive) return;
  if (!MatchesLabels(silence.matchers, labels)) return;
  if (silence.annotations.empty() || !Rests(silence, now)) ids->push_back(silence.id);
}

Result<std::vector<Silence>> Silences::PlanSet(Silence silence, TimestampMs now) const {
  if (silence.starts_at == 0) silence.starts_at = now;
  TRY_CONTEXT(ValidateSilence(silence, names_), "invalid silence");
  TRY(CheckIntervals(silence, now));
  const Silence* old = silence.id.empty() ? nullptr : Find(silence.id);
  if (!silence.id.empty() && old == nullptr) return NotFound("silence not found");
  silence.updated_at = now;
  std::vector<Silence> planned;
  if (old != nullptr && CanUpdateSilence(*old, silence, now)) {
    TRY(CheckSize(silence));
    planned.push_back(std::move(silence));
    return planned;
  }
  if (options_.max_silences != 0 && silences_.size() + 1 > options_.max_silences) {
    return BadData(fmt::format("exceeded maximum number of silences: {} (limit: {})",
                               silences_.size(), options_.max_silences));
  }
  const std::string old_id = std::exchange(silence.id, options_.new_id());
  // What is past cannot be silenced any more.
  silence.starts_at = std::max(silence.starts_at, now);
  TRY(CheckSize(silence));
  if (old != nullptr) planned = TRY(PlanExpire(old_id, now));
  planned.push_back(std::move(silence));
  return planned;
}

Result<std::vector<Silence>> Silences::PlanExpire(const std::string& id, TimestampMs now) const {
  const Silence* old = Find(id);
  if (old == nullptr) return NotFound("silence not found");
  std::vector<Silence> planned;
  const SilenceState state = old->StateAt(now);
  if (state == SilenceState::kExpired) return planned;
  Silence silence = *old;
  if (state == SilenceState::kPending) silence.starts_at = now;
  silence.ends_at = now;
  silence.updated_at = now;
  planned.push_back(std::move(silence));
  return planned;
}

Result<std::string> Silences::Set(Silence silence, TimestampMs now) {
  std::vector<Silence> planned = TRY(PlanSet(std::move(silence), now));
  std::string id = planned.back().id;
  for (Silence& one : planned) Store(std::move(one));
  return id;
}

Result<void> Silences::Expire(const std::string& id, TimestampMs now) {
  for (Silence& one : TRY(PlanExpire(id, now))) Store(std::move(one));
  return Ok();
}

void Silences::Adopt(std::vector<Silence> planned) {
  for (Silence& one : planned) {
    Store(std::move(one));
    changed_.pop_back();  // it is stored
  }
}

std::array<size_t, 3> Silences::CountByState(TimestampMs now) const {
  std::array<size_t, 3> counts = {};
  for (const auto& [id, silence] : silences_) ++counts[static_cast<size_t>(silence.StateAt(now))];
  return counts;
}

const Silence* Silences::Find(const std::string& id) const {
  const auto found = silences_.find(id);
  return found == silences_.end() ? nullptr : &found->second;
}

std::vector<const Silence*> Silences::All(TimestampMs now) const {
  std::vector<const Silence*> all;
  for (const auto& [id, silence] : silences_) all.push_back(&silence);
  const auto rank = [now](const Silence& silence) {
    const SilenceState state = silence.StateAt(now);
    if (state == SilenceState::kActive) return 0;
    return state == SilenceState::kPending ? 1 : 2;
  };
  std::stable_sort(all.begin(), all.end(), [&](const Silence* a, const Silence* b) {
    const int left = rank(*a);
    const int right = rank(*b);
    if (left != right) return left < right;
    if (left == 1) return a->starts_at < b->starts_at;
    return left == 0 ? a->ends_at < b->ends_at : a->ends_at > b->ends_at;
  });
  return all;
}

void Silences::FindByPrefix(LabelView label, const Labels& labels, TimestampMs now,
                            std::vector<std::string>* ids) const {
  const auto lengths = prefix_lengths_.find(label.name);
  if (lengths == prefix_lengths_.end()) return;
  for (const auto& [length, count] : lengths->second) {
    if (length > label.value.size()) break;
    const auto found = by_prefix_.find(IndexKey(label.name, label.value.substr(0, length)));
    if (found == by_prefix_.end()) continue;
    for (const Silence* silence : found->second) AddIfMuting(*silence, labels, now, ids);
  }
}

std::vector<std::string> Silences::Muting(const Labels& labels, TimestampMs now) const {
  std::vector<std::string> ids;
  if (silences_.empty()) return ids;
  for (const LabelView label : labels) {
    FindByPrefix(label, labels, now, &ids);
    const auto found = by_value_.find(IndexKey(label.name, label.value));
    if (found == by_value_.end()) continue;
    for (const Silence* silence : found->second) AddIfMuting(*silence, labels, now, &ids);
  }
  for (const Silence* silence : others_) AddIfMuting(*silence, labels, now, &ids);
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<std::string> Silences::CollectGarbage(TimestampMs now) {
  std::vector<std::string> gone;
  for (auto it = silences_.begin(); it != silences_.end();) {
    if (it->second.ends_at + options_.retention > now) {
      ++it;
      continue;
    }
    gone.push_back(it->first);
    RemoveFromIndex(it->second);
    it = silences_.erase(it);
  }
  return gone;
}

bool Silences::Merge(const Silence& silence, TimestampMs now) {
  if (silence.ends_at + options_.retention < now) return false;
  const Silence* old = Find(silence.id);
  if (old != nullptr && old->updated_at >= silence.updated_at) return false;
  Store(silence);
  changed_.pop_back();  // it is known where it came from
  return true;
}

std::vector<Silence> Silences::TakeChanges() {
  std::sort(changed_.begin(), changed_.end());
  changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
  std::vector<Silence> out;
  for (const std::string& id : changed_) {
    if (const Silence* silence = Find(id)) out.push_back(*silence);
  }
  changed_.clear();
  return out;
}

}  // namespace vigil::alerting
