// SPDX-License-Identifier: Apache-2.0
// What a target's lines meant the last time: from the raw text of a series to its reference, so
// that an unchanged line costs one comparison.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "server/storage/storage.h"

namespace vigil::scrape {

// Pages usually list the same series in the same order, so the next line is first compared with
// the one that followed last time; the hash table is only for the others.
//
// Life of a page: BeginPage; Find / Insert and MarkSeen per line; then one of CommitPage (it was
// good), FailPage (it was not, its series are stale now) or AbortPage (nothing was stored: as if
// it had not been).
// Threads: owner thread only.
class ScrapeCache {
 public:
  using Index = uint32_t;
  static constexpr Index kNone = 0x7fffffff;

  void BeginPage();

  // The series with this raw text, or kNone.
  Index Find(std::string_view series) {
    if (cursor_ < order_.size()) {
      Index index = order_[cursor_] & kIndexMask;
      if (SameText(entries_[index], series)) {
        ++cursor_;
        return index;
      }
    }
    return FindByHash(series);
  }

  // REQUIRES: Find(series) is kNone. ref 0: relabelling drops this series.
  Index Insert(std::string_view series, storage::SeriesRef ref);

  [[nodiscard]] storage::SeriesRef ref(Index index) const { return entries_[index].ref; }
  // The page has had this series already.
  [[nodiscard]] bool Seen(Index index) const { return entries_[index].page == page_; }
  // It was in the last good page. REQUIRES: !Seen(index).
  [[nodiscard]] bool WasThere(Index index) const {
    return had_good_page_ && entries_[index].page == last_good_page_;
  }
  // tracked: it becomes stale when a later page lacks it. REQUIRES: !Seen(index).
  void MarkSeen(Index index, bool tracked) {
    Entry& entry = entries_[index];
    if (entry.page == last_good_page_) ++seen_again_;
    entry.page = page_;
    entry.position = static_cast<uint32_t>(next_order_.size());
    next_order_.push_back(index | (tracked ? kTracked : 0));
  }

  // Calls f(ref) for each tracked series of the last good page that this page lacks.
  template <typename F>
  void ForEachVanished(F&& f) const {
    ForEachOrphan(f);
    if (!live_ || seen_again_ == order_.size()) return;
    for (Index item : order_) {
      const Entry& entry = entries_[item & kIndexMask];
      if ((item & kTracked) != 0 && entry.page != page_) f(entry.ref);
    }
  }
  // Calls f(ref) for each tracked series of the last good page.
  template <typename F>
  void ForEachLive(F&& f) const {
    for (storage::SeriesRef ref : orphans_) f(ref);
    if (!live_) return;
    for (Index item : order_) {
      if ((item & kTracked) != 0) f(entries_[item & kIndexMask].ref);
    }
  }

  void CommitPage();
  void FailPage();
  void AbortPage();

  // What the lines mean has changed: all must be parsed again. The live series stay known, so that
  // those that the next page lacks become stale. REQUIRES: no page is begun and not ended.
  void Invalidate();

  [[nodiscard]] size_t size() const { return entries_.size(); }
  [[nodiscard]] size_t HeapBytes() const;

 private:
  static constexpr uint32_t kTracked = 0x80000000;
  static constexpr uint32_t kIndexMask = 0x7fffffff;

  struct Entry {
    storage::SeriesRef ref;
    uint32_t offset;  // of its text in texts_
    uint32_t size;
    uint32_t page;      // the newest that had it
    uint32_t position;  // in the order of that page
  };

  [[nodiscard]] bool SameText(const Entry& entry, std::string_view series) const {
    return entry.size == series.size() &&
           std::memcmp(texts_.data() + entry.offset, series.data(), series.size()) == 0;
  }
  Index FindByHash(std::string_view series);
  template <typename F>
  void ForEachOrphan(F&& f) const {
    if (orphans_.empty()) return;
    for (storage::SeriesRef ref : VanishedOrphans()) f(ref);
  }
  [[nodiscard]] std::vector<storage::SeriesRef> VanishedOrphans() const;
  void Grow();
  void Place(Index index);
  void CompactTo(std::vector<Index>* order);
  void CompactIfSparse(std::vector<Index>* order);

  std::vector<Entry> entries_;
  std::string texts_;
  std::vector<uint32_t> slots_;  // open addressing: index + 1, 0 is free; a power of two

  std::vector<Index> order_;       // of the last good page, with kTracked
  std::vector<Index> next_order_;  // of the page being read
  size_t cursor_ = 0;              // in order_: the line expected next
  size_t seen_again_ = 0;          // lines of this page that the last good one had, too
  uint32_t page_ = 0;
  uint32_t last_good_page_ = 0;
  bool live_ = false;           // the series of order_ are not stale
  bool had_good_page_ = false;  // since the lines mean what they mean

  std::vector<storage::SeriesRef> orphans_;  // live before Invalidate()
};

}  // namespace vigil::scrape
