// SPDX-License-Identifier: Apache-2.0
#include "server/storage/exemplar_ring.h"

#include <algorithm>
#include <utility>

namespace vigil::storage {
namespace {

constexpr size_t kMaxLabelCharacters = 128;

size_t Characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<uint8_t>(c) & 0xc0) != 0x80;  // not the middle of a character
  }));
}

bool IsTooLong(const Labels& labels) {
  size_t characters = 0;
  for (const LabelView label : labels)
    characters += Characters(label.name) + Characters(label.value);
  return characters > kMaxLabelCharacters;
}

// How upstream sorts those of one scrape: by time, value, labels.
bool ComesBefore(const Exemplar& a, const Exemplar& b) {
  if (a.timestamp != b.timestamp) return a.timestamp < b.timestamp;
  if (a.value != b.value) return a.value < b.value;
  return a.labels.Hash() < b.labels.Hash();
}

}  // namespace

ExemplarVerdict ExemplarRing::Add(SeriesRef ref, const Exemplar& exemplar) {
  if (capacity_ == 0) return ExemplarVerdict::kOff;
  if (IsTooLong(exemplar.labels)) return ExemplarVerdict::kTooLong;
  const auto known = series_.find(ref);
  if (known != series_.end()) {
    const Exemplar& newest = slots_[known->second.newest].exemplar;
    if (newest.timestamp == exemplar.timestamp && SameBits(newest.value, exemplar.value) &&
        newest.labels == exemplar.labels) {
      return ExemplarVerdict::kDuplicate;
    }
    if (ComesBefore(exemplar, newest)) return ExemplarVerdict::kOutOfOrder;
  }
  const size_t place = Place();
  slots_[place] = {ref, exemplar, kNone};
  Ends& ends = series_[ref];  // Place() may have ended the series
  if (ends.newest == kNone) {
    ends.oldest = place;
  } else {
    slots_[ends.newest].newer = place;
  }
  ends.newest = place;
  return ExemplarVerdict::kAdded;
}

// A slot to write to; what was in it is the oldest of its series, because slots fill in turn.
size_t ExemplarRing::Place() {
  if (slots_.size() < capacity_) {
    slots_.emplace_back();
    return slots_.size() - 1;
  }
  const size_t place = next_;
  next_ = (next_ + 1) % capacity_;
  const auto series = series_.find(slots_[place].ref);
  series->second.oldest = slots_[place].newer;
  if (series->second.oldest == kNone) series_.erase(series);
  return place;
}

void ExemplarRing::Resize(size_t capacity) {
  if (capacity == capacity_) return;
  std::vector<Slot> before = std::move(slots_);
  const size_t oldest = next_;
  slots_.clear();
  series_.clear();
  next_ = 0;
  capacity_ = capacity;
  const size_t dropped = before.size() > capacity ? before.size() - capacity : 0;
  for (size_t i = dropped; i < before.size(); ++i) {
    const Slot& slot = before[(oldest + i) % before.size()];
    Add(slot.ref, slot.exemplar);
  }
}

std::vector<Exemplar> ExemplarRing::Of(SeriesRef ref, TimestampMs start, TimestampMs end) const {
  std::vector<Exemplar> out;
  const auto series = series_.find(ref);
  if (series == series_.end()) return out;
  for (size_t i = series->second.oldest; i != kNone; i = slots_[i].newer) {
    const Exemplar& exemplar = slots_[i].exemplar;
    if (exemplar.timestamp >= start && exemplar.timestamp <= end) out.push_back(exemplar);
  }
  return out;
}

TimestampMs ExemplarRing::oldest_time() const {
  if (slots_.empty()) return 0;
  return slots_[slots_.size() < capacity_ ? 0 : next_].exemplar.timestamp;
}

}  // namespace vigil::storage
