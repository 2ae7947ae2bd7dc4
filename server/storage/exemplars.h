// SPDX-License-Identifier: Apache-2.0
// Exemplars: samples that point to a trace or whatever else explains them.
#pragma once

#include <cstddef>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/matcher.h"
#include "client-lib/model/sample.h"

namespace vigil::storage {

using SeriesRef = uint64_t;  // as in storage.h

struct Exemplar {
  Labels labels;  // trace_id and the like
  double value = 0;
  TimestampMs timestamp = 0;
};

// Exemplars to append, with their series. Clear() keeps capacity.
struct ExemplarBatch {
  std::vector<SeriesRef> refs;
  std::vector<Exemplar> exemplars;

  void Clear() {
    refs.clear();
    exemplars.clear();
  }
};

struct SeriesExemplars {
  Labels series;
  std::vector<Exemplar> exemplars;  // by time
};

// Threads: any.
class ExemplarQueryable {
 public:
  virtual ~ExemplarQueryable() = default;
  // The exemplars within [start, end] of all series that match one of the selectors, by series.
  // Series without any are left out.
  virtual Result<std::vector<SeriesExemplars>> SelectExemplars(
      const std::vector<std::vector<Matcher>>& selectors, TimestampMs start,
      TimestampMs end) const = 0;
};

}  // namespace vigil::storage
