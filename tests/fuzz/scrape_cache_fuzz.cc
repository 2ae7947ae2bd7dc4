// SPDX-License-Identifier: Apache-2.0
// Pages of any lines in any order against the cache and a plain map: same references, same
// vanished series.
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "client-lib/base/result.h"
#include "server/scrape/scrape_cache.h"

namespace {

using vigil::scrape::ScrapeCache;

// Each byte is a line with that series; 0..2 end the page as good, failed or aborted, 3 declares
// the cache invalid between two pages.
class Twin {
 public:
  void Line(uint8_t byte) {
    std::string series(1 + byte % 7, static_cast<char>('a' + byte % 26));
    series += static_cast<char>(byte);
    ScrapeCache::Index index = cache_.Find(series);
    if (index == ScrapeCache::kNone) {
      CHECK(known_.count(series) == 0 || !strict_);
      uint64_t& ref = refs_[series];
      if (ref == 0) ref = refs_.size();
      index = cache_.Insert(series, ref);
    }
    known_.insert(series);
    CHECK(cache_.ref(index) == refs_[series]);
    CHECK(cache_.Seen(index) == (page_.count(refs_[series]) != 0));
    if (!cache_.Seen(index)) cache_.MarkSeen(index, true);
    page_.insert(refs_[series]);
  }

  void End(uint8_t how) {
    std::multiset<uint64_t> vanished;
    cache_.ForEachVanished([&](uint64_t ref) { vanished.insert(ref); });
    std::multiset<uint64_t> live;
    cache_.ForEachLive([&](uint64_t ref) { live.insert(ref); });
    std::multiset<uint64_t> expected;
    for (uint64_t ref : live_) {
      if (page_.count(ref) == 0) expected.insert(ref);
    }
    CHECK(vanished == expected);
    CHECK(live == std::multiset<uint64_t>(live_.begin(), live_.end()));
    if (how == 0) {
      cache_.CommitPage();
      live_ = page_;
    } else if (how == 1) {
      cache_.FailPage();
      live_.clear();
    } else {
      cache_.AbortPage();
    }
    if (how == 3) cache_.Invalidate();
    // What is not on the newest page may be forgotten at any end.
    known_.clear();
    page_.clear();
    cache_.BeginPage();
  }

  Twin() { cache_.BeginPage(); }

 private:
  static constexpr bool strict_ = true;
  ScrapeCache cache_;
  std::map<std::string, uint64_t> refs_;
  std::set<std::string> known_;
  std::set<uint64_t> page_;
  std::set<uint64_t> live_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Twin twin;
  for (size_t i = 0; i < size; ++i) {
    if (data[i] < 4) {
      twin.End(data[i]);
    } else {
      twin.Line(data[i]);
    }
  }
  return 0;
}
