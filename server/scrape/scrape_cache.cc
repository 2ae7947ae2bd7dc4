// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/scrape_cache.h"

#include <algorithm>
#include <functional>
#include <unordered_set>
#include <utility>

#include "client-lib/base/result.h"

namespace vigil::scrape {
namespace {

// Series that went away may stay until they are this many more than those that are there.
constexpr size_t kSpareEntries = 64;

size_t HashOf(std::string_view text) { return std::hash<std::string_view>{}(text); }

}  // namespace

void ScrapeCache::BeginPage() {
  ++page_;
  cursor_ = 0;
  seen_again_ = 0;
  next_order_.clear();
}

ScrapeCache::Index ScrapeCache::FindByHash(std::string_view series) {
  if (slots_.empty()) return kNone;
  size_t mask = slots_.size() - 1;
  for (size_t slot = HashOf(series) & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
    Index index = slots_[slot] - 1;
    const Entry& entry = entries_[index];
    if (!SameText(entry, series)) continue;
    // Lines behind this one are likely to follow it as they did.
    if (entry.page == last_good_page_) cursor_ = entry.position + 1;
    return index;
  }
  return kNone;
}

ScrapeCache::Index ScrapeCache::Insert(std::string_view series, storage::SeriesRef ref) {
  CHECK(entries_.size() < kNone && texts_.size() + series.size() < UINT32_MAX);
  Index index = static_cast<Index>(entries_.size());
  entries_.push_back(
      {ref, static_cast<uint32_t>(texts_.size()), static_cast<uint32_t>(series.size()), 0, 0});
  texts_ += series;
  if (entries_.size() * 3 > slots_.size() * 2) {
    Grow();
  } else {
    Place(index);
  }
  return index;
}

void ScrapeCache::Place(Index index) {
  const Entry& entry = entries_[index];
  size_t mask = slots_.size() - 1;
  size_t slot = HashOf({texts_.data() + entry.offset, entry.size}) & mask;
  while (slots_[slot] != 0) slot = (slot + 1) & mask;
  slots_[slot] = index + 1;
}

void ScrapeCache::Grow() {
  size_t wanted = 16;
  while (wanted * 2 < entries_.size() * 3 + 1) wanted *= 2;
  slots_.assign(wanted, 0);
  for (Index i = 0; i < entries_.size(); ++i) Place(i);
}

void ScrapeCache::CommitPage() {
  std::swap(order_, next_order_);
  last_good_page_ = page_;
  live_ = true;
  had_good_page_ = true;
  orphans_.clear();
  CompactIfSparse(&order_);
}

void ScrapeCache::FailPage() {
  live_ = false;
  orphans_.clear();
  // The failed page may have moved the positions and marks of the order that stays.
  for (size_t i = 0; i < order_.size(); ++i) {
    Entry& entry = entries_[order_[i] & kIndexMask];
    entry.page = last_good_page_;
    entry.position = static_cast<uint32_t>(i);
  }
  CompactIfSparse(&order_);
}

void ScrapeCache::AbortPage() {
  for (size_t i = 0; i < order_.size(); ++i) {
    Entry& entry = entries_[order_[i] & kIndexMask];
    entry.page = last_good_page_;
    entry.position = static_cast<uint32_t>(i);
  }
}

void ScrapeCache::CompactIfSparse(std::vector<Index>* order) {
  if (entries_.size() > order->size() + order->size() / 4 + kSpareEntries) CompactTo(order);
}

// Keeps exactly the entries of the order, in that order: texts become neighbours, too.
void ScrapeCache::CompactTo(std::vector<Index>* order) {
  std::vector<Entry> entries;
  entries.reserve(order->size());
  std::string texts;
  for (Index& item : *order) {
    Entry entry = entries_[item & kIndexMask];
    std::string_view text(texts_.data() + entry.offset, entry.size);
    entry.offset = static_cast<uint32_t>(texts.size());
    texts += text;
    item = static_cast<Index>(entries.size()) | (item & kTracked);
    entries.push_back(entry);
  }
  entries_ = std::move(entries);
  texts.shrink_to_fit();
  texts_ = std::move(texts);
  next_order_.clear();
  Grow();
}

void ScrapeCache::Invalidate() {
  std::vector<storage::SeriesRef> live;
  ForEachLive([&](storage::SeriesRef ref) { live.push_back(ref); });
  orphans_ = std::move(live);
  entries_.clear();
  texts_.clear();
  slots_.clear();
  order_.clear();
  next_order_.clear();
  cursor_ = 0;
  live_ = false;
  had_good_page_ = false;
}

std::vector<storage::SeriesRef> ScrapeCache::VanishedOrphans() const {
  std::unordered_set<storage::SeriesRef> present;
  for (Index item : next_order_) present.insert(entries_[item & kIndexMask].ref);
  std::vector<storage::SeriesRef> vanished;
  for (storage::SeriesRef ref : orphans_) {
    if (present.count(ref) == 0) vanished.push_back(ref);
  }
  return vanished;
}

size_t ScrapeCache::HeapBytes() const {
  return entries_.capacity() * sizeof(Entry) + texts_.capacity() +
         slots_.capacity() * sizeof(uint32_t) +
         (order_.capacity() + next_order_.capacity()) * sizeof(Index) +
         orphans_.capacity() * sizeof(storage::SeriesRef);
}

}  // namespace vigil::scrape
