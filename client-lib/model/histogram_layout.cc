// SPDX-License-Identifier: Apache-2.0
// Merging of bucket layouts.
#include "client-lib/model/histogram_layout.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace vigil {
namespace {

double CompensationAt(const SideView& side, size_t i) {
  return side.compensation == nullptr ? 0 : (*side.compensation)[i];
}

int32_t ToOffset(int64_t offset) {
  return static_cast<int32_t>(std::clamp<int64_t>(offset, std::numeric_limits<int32_t>::min(),
                                                  std::numeric_limits<int32_t>::max()));
}

struct Place {
  int64_t index;
  size_t position;
};

std::vector<Place> PlacesOf(const std::vector<BucketSpan>& spans, size_t buckets) {
  std::vector<Place> places;
  places.reserve(buckets);
  ForEachBucket(spans, buckets, [&](int64_t index, size_t position) {
    places.push_back({index, position});
  });
  return places;
}

}  // namespace

void SideBuilder::Append(int64_t index, double count, double compensation) {
  if (spans_.empty() || index != next_) {
    spans_.push_back({ToOffset(spans_.empty() ? index : index - next_), 0});
  }
  ++spans_.back().length;
  buckets_.push_back(count);
  if (compensated_) compensations_.push_back(compensation);
  next_ = index + 1;
}

void SideBuilder::AddToLast(double count, double compensation) {
  double* room = compensated_ ? &compensations_.back() : nullptr;
  Accumulate(count, &buckets_.back(), room);
  if (compensation != 0) Accumulate(compensation, &buckets_.back(), room);
}

void SideBuilder::MoveTo(const SideView& side) {
  *side.spans = std::move(spans_);
  *side.buckets = std::move(buckets_);
  if (side.compensation != nullptr) *side.compensation = std::move(compensations_);
}

void AddSide(const SideView& side, const ConstSideView& other, int64_t from, bool negative) {
  const double sign = negative ? -1 : 1;
  const bool all = other.spans.empty() || other.spans[0].offset >= from;
  if (all && *side.spans == other.spans && side.buckets->size() == other.buckets.size()) {
    for (size_t i = 0; i < other.buckets.size(); ++i) {
      Accumulate(sign * other.buckets[i], &(*side.buckets)[i],
                 side.compensation == nullptr ? nullptr : &(*side.compensation)[i]);
    }
    return;
  }
  const std::vector<Place> places = PlacesOf(*side.spans, side.buckets->size());
  SideBuilder merged(side.compensation != nullptr);
  size_t next = 0;
  const auto append_own = [&] {
    const Place& own = places[next++];
    merged.Append(own.index, (*side.buckets)[own.position], CompensationAt(side, own.position));
  };
  ForEachBucket(other.spans, other.buckets.size(), [&](int64_t index, size_t position) {
    if (index < from) return;
    while (next < places.size() && places[next].index < index) append_own();
    const double count = sign * other.buckets[position];
    if (next < places.size() && places[next].index == index) {
      append_own();
      merged.AddToLast(count, 0);
    } else {
      merged.Append(index, count, 0);
    }
  });
  while (next < places.size()) append_own();
  merged.MoveTo(side);
}

void ReduceSide(const SideView& side, int32_t schema, int32_t target_schema) {
  SideBuilder reduced(side.compensation != nullptr);
  ForEachBucket(*side.spans, side.buckets->size(), [&](int64_t index, size_t position) {
    const int64_t target = CoarserIndex(index, schema, target_schema);
    const double count = (*side.buckets)[position];
    const double compensation = CompensationAt(side, position);
    if (!reduced.empty() && reduced.last_index() == target) {
      reduced.AddToLast(count, compensation);
    } else {
      reduced.Append(target, count, compensation);
    }
  });
  reduced.MoveTo(side);
}

void CompactSide(const SideView& side, size_t max_empty) {
  SideBuilder compact(side.compensation != nullptr);
  ForEachBucket(*side.spans, side.buckets->size(), [&](int64_t index, size_t position) {
    const double count = (*side.buckets)[position];
    const double compensation = CompensationAt(side, position);
    if (count == 0 && compensation == 0) return;
    if (!compact.empty()) {
      const int64_t gap = index - compact.last_index() - 1;
      if (gap > 0 && static_cast<uint64_t>(gap) <= max_empty) {
        for (int64_t i = index - gap; i < index; ++i) compact.Append(i, 0, 0);
      }
    }
    compact.Append(index, count, compensation);
  });
  compact.MoveTo(side);
}

std::vector<double> CommonBounds(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  return common;
}

void MapToBounds(const SideView& side, const std::vector<double>& from,
                 const std::vector<double>& to) {
  SideBuilder mapped(side.compensation != nullptr);
  ForEachBucket(*side.spans, side.buckets->size(), [&](int64_t index, size_t position) {
    int64_t target = static_cast<int64_t>(to.size());
    if (index >= 0 && static_cast<size_t>(index) < from.size()) {
      target =
          std::lower_bound(to.begin(), to.end(), from[static_cast<size_t>(index)]) - to.begin();
    }
    const double count = (*side.buckets)[position];
    const double compensation = CompensationAt(side, position);
    if (!mapped.empty() && mapped.last_index() == target) {
      mapped.AddToLast(count, compensation);
    } else {
      mapped.Append(target, count, compensation);
    }
  });
  mapped.MoveTo(side);
}

}  // namespace vigil
