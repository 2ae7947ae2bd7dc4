// SPDX-License-Identifier: Apache-2.0
// What was deleted: spans of time of some series, whose samples readers leave out until a rewrite
// of the chunks has removed them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/model/sample.h"
#include "server/storage/backend.h"
#include "server/storage/rising.h"

namespace vigil::storage {

// Both ends inclusive.
struct DeletedSpan {
  TimestampMs from = 0;
  TimestampMs to = 0;
};

struct Tombstone {
  int64_t id = 0;        // rising in the order of deletion
  std::string matchers;  // what was asked for, for people
  std::vector<SeriesId> series;
  DeletedSpan span;
};

// All tombstones at one moment.
// Threads: any (immutable).
class Tombstones {
 public:
  Tombstones() = default;
  explicit Tombstones(std::vector<Tombstone> tombstones);

  [[nodiscard]] bool empty() const { return tombstones_.empty(); }
  [[nodiscard]] const std::vector<Tombstone>& all() const { return tombstones_; }
  // The highest id, 0 without any.
  [[nodiscard]] int64_t newest() const;
  // Whether any begins within or reaches into [from, to].
  [[nodiscard]] bool Overlap(TimestampMs from, TimestampMs to) const;
  // Of one series; may overlap each other.
  [[nodiscard]] std::vector<DeletedSpan> SpansOf(SeriesId series) const;

 private:
  std::vector<Tombstone> tombstones_;  // by id, each with its series sorted
};

// Removes the samples of the spans from what was added since `begin`.
void EraseDeleted(const std::vector<DeletedSpan>& spans, const ColumnsMark& begin,
                  SampleColumns* samples);

}  // namespace vigil::storage
