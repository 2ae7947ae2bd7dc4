// SPDX-License-Identifier: Apache-2.0
// The series in the order of their labels, kept as ranks, so that sorting a result compares
// numbers and not strings.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "client-lib/base/mutex.h"
#include "server/head/postings.h"
#include "server/head/ref_set.h"
#include "server/head/series_slots.h"

namespace vigil::head {

// Ranks are given with each flush, and when so many new series come up in one result that ranking
// them is worth it; until then new series are compared by their labels.
// Threads: any.
class LabelOrder {
 public:
  // Both must outlive it. The postings have all series that are to be sorted.
  LabelOrder(const SeriesSlots& slots, const Postings& postings)
      : slots_(slots), postings_(postings) {}

  void Sort(std::vector<SeriesRef>* refs);
  // Ranks the series that are new. Takes a while when they are many: for a thread that has it.
  void Refresh() { Extend(); }

 private:
  using Ranks = std::vector<uint32_t>;  // by ref

  [[nodiscard]] bool Less(SeriesRef a, SeriesRef b) const;
  // Ranks all series there are.
  std::shared_ptr<const Ranks> Extend() EXCLUDES_LOCK(extend_mutex_);
  // The first series, ordered, with all others put in their places.
  [[nodiscard]] Refs WithRest(const Refs& ordered, size_t total) const;

  const SeriesSlots& slots_;
  const Postings& postings_;
  Guarded<std::shared_ptr<const Ranks>> ranks_{std::make_shared<const Ranks>()};
  Mutex extend_mutex_;
  Refs order_ GUARDED_BY(extend_mutex_);  // of the ranked series
};

}  // namespace vigil::head
