// SPDX-License-Identifier: Apache-2.0
#include "server/head/replay.h"

#include <algorithm>

namespace vigil::head {
namespace {

int64_t Grown(size_t before, const SampleStream& stream) {
  return static_cast<int64_t>(stream.capacity()) - static_cast<int64_t>(before);
}

bool HasHistogramAt(TimestampMs timestamp, const SideSamples& side) {
  const chunks::HistogramStream& stream = side.histograms();
  if (timestamp == stream.last_time()) return true;
  std::vector<HistogramSample> there;
  CHECK(chunks::DecodeHistogramStream(stream.data(), stream.first_time(), timestamp, timestamp,
                                      &there));
  return !there.empty();
}

}  // namespace

SeriesRef Replayer::RefOf(SeriesId id) {
  // Ids of a page mostly rise by one, and so do the refs of series loaded in their order.
  if (slots_.Has(last_ + 1) && slots_.id(last_ + 1) == id) return ++last_;
  for (; known_ < slots_.size(); ++known_) {
    refs_[slots_.id(known_ + 1)] = static_cast<uint32_t>(known_ + 1);
  }
  const auto found = refs_.find(id);
  if (found == refs_.end()) return 0;
  return last_ = found->second;
}

Result<ReplayGrowth> Replayer::Add(std::string_view page, uint64_t generation) {
  samples_.Clear();
  TRY(chunks::DecodeJournalPage(page, &samples_));
  ReplayGrowth growth;
  RunWalker walker(slots_);
  for (size_t i = 0; i < samples_.size(); ++i) {
    const SeriesRef ref = RefOf(samples_.series[i]);
    if (ref == 0) {
      ++growth.unknown_series;
      continue;
    }
    Series& series = walker.At(ref);
    const TimestampMs timestamp = samples_.timestamps[i];
    const double value = samples_.values[i];
    SampleStream& open = series.open;
    if (timestamp <= open.last_time()) {
      const bool again = timestamp == open.last_time() && SameBits(value, open.last_value());
      if (!again) late_.push_back({ref, timestamp, value});
      continue;
    }
    series.generation = generation;
    growth.bytes += open.Append(timestamp, value);
    ++growth.samples;
    growth.min_time = std::min(growth.min_time, timestamp);
    growth.max_time = std::max(growth.max_time, timestamp);
  }
  if (!samples_.histograms.empty()) AddHistograms(&walker, generation, &growth);
  return growth;
}

void Replayer::AddHistograms(RunWalker* walker, uint64_t generation, ReplayGrowth* growth) {
  for (size_t i = 0; i < samples_.histograms.size(); ++i) {
    const SeriesRef ref = RefOf(samples_.histogram_series[i]);
    if (ref == 0) {
      ++growth->unknown_series;
      continue;
    }
    Series& series = walker->At(ref);
    SideSamples& side = series.Side();
    const HistogramSample& sample = samples_.histograms[i];
    series.generation = generation;
    const size_t count = side.count();
    if (sample.timestamp > side.histograms().last_time()) {
      growth->bytes += side.Append(sample);
    } else if (!HasHistogramAt(sample.timestamp, side)) {
      growth->bytes += side.AddLate(sample);
    }
    growth->samples += side.count() - count;
    growth->min_time = std::min(growth->min_time, sample.timestamp);
    growth->max_time = std::max(growth->max_time, sample.timestamp);
  }
}

void Replayer::Merge(Series* series, const Late* from, const Late* to, ReplayGrowth* growth) {
  SampleStream& open = series->open;
  const size_t capacity = open.capacity();
  const size_t count = open.count();
  SampleColumns taken;
  DecodeSampleStream(open.data(), open.size(), open.first_time(), INT64_MIN, INT64_MAX, &taken);
  open.Reset();
  const auto append = [&open](TimestampMs timestamp, double value) {
    // Of two values at one time the first stays.
    if (open.empty() || timestamp > open.last_time()) open.Append(timestamp, value);
  };
  size_t i = 0;
  for (const Late* late = from; late != to; ++late) {
    for (; i < taken.size() && taken.timestamps[i] <= late->timestamp; ++i) {
      append(taken.timestamps[i], taken.values[i]);
    }
    append(late->timestamp, late->value);
  }
  for (; i < taken.size(); ++i) append(taken.timestamps[i], taken.values[i]);
  growth->bytes += static_cast<size_t>(Grown(capacity, open));
  growth->samples += open.count() - count;
  growth->min_time = std::min(growth->min_time, open.first_time());
}

ReplayGrowth Replayer::Finish(uint64_t generation) {
  ReplayGrowth growth;
  std::stable_sort(late_.begin(), late_.end(), [](const Late& a, const Late& b) {
    return a.ref != b.ref ? a.ref < b.ref : a.timestamp < b.timestamp;
  });
  RunWalker walker(slots_);
  const Late* const end = late_.data() + late_.size();
  for (const Late* from = late_.data(); from != end;) {
    const Late* const to =
        std::find_if(from, end, [from](const Late& late) { return late.ref != from->ref; });
    Series& series = walker.At(from->ref);
    series.generation = generation;
    Merge(&series, from, to, &growth);
    from = to;
  }
  return growth;
}

}  // namespace vigil::head
