// SPDX-License-Identifier: Apache-2.0
#include "server/head/label_order.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace vigil::head {
namespace {

constexpr size_t kFew = 32;
// Ranking is worth it when at least one in so many unranked series is in the result.
constexpr size_t kWorth = 8;
// When one in so many is new, ordering all by the index takes less than comparing labels.
constexpr size_t kMany = 16;

}  // namespace

bool LabelOrder::Less(SeriesRef a, SeriesRef b) const {
  return (slots_.labels(a) <=> slots_.labels(b)) < 0;
}

void LabelOrder::Sort(std::vector<SeriesRef>* refs) {
  const auto less = [this](SeriesRef a, SeriesRef b) { return Less(a, b); };
  if (refs->size() <= kFew) {
    std::sort(refs->begin(), refs->end(), less);
    return;
  }
  std::shared_ptr<const Ranks> ranks = ranks_.Copy();
  const auto unranked = [&ranks](SeriesRef ref) { return ref >= ranks->size(); };
  const auto count = static_cast<size_t>(std::count_if(refs->begin(), refs->end(), unranked));
  if (count > kFew && slots_.size() + 1 - ranks->size() <= count * kWorth) ranks = Extend();
  const auto middle = std::stable_partition(refs->begin(), refs->end(),
                                            [&unranked](SeriesRef ref) { return !unranked(ref); });
  std::sort(refs->begin(), middle,
            [&ranks](SeriesRef a, SeriesRef b) { return (*ranks)[a] < (*ranks)[b]; });
  std::sort(middle, refs->end(), less);
  std::inplace_merge(refs->begin(), middle, refs->end(), less);
}

std::shared_ptr<const LabelOrder::Ranks> LabelOrder::Extend() {
  MutexLock lock(extend_mutex_);
  const size_t total = slots_.size();
  const size_t added = total - order_.size();
  Refs order = added * kMany < total ? WithRest(order_, total) : postings_.AllByLabels();
  Ranks ranks(order.size() + 1);
  for (size_t rank = 0; rank < order.size(); ++rank) {
    ranks[order[rank]] = static_cast<uint32_t>(rank);
  }
  order_ = std::move(order);
  auto shared = std::make_shared<const Ranks>(std::move(ranks));
  ranks_.Set(shared);
  return shared;
}

Refs LabelOrder::WithRest(const Refs& ordered, size_t total) const {
  Refs rest(total - ordered.size());
  std::iota(rest.begin(), rest.end(), static_cast<uint32_t>(ordered.size() + 1));
  const auto less = [this](uint32_t a, uint32_t b) { return Less(a, b); };
  std::sort(rest.begin(), rest.end(), less);
  // Places are looked up, so that the many old series are moved but not compared.
  Refs order;
  order.reserve(total);
  auto from = ordered.begin();
  for (const uint32_t ref : rest) {
    const auto place = std::upper_bound(from, ordered.end(), ref, less);
    order.insert(order.end(), from, place);
    order.push_back(ref);
    from = place;
  }
  order.insert(order.end(), from, ordered.end());
  return order;
}

}  // namespace vigil::head
