// SPDX-License-Identifier: Apache-2.0
#include "server/head/replay.h"

#include <algorithm>
#include <utility>

namespace vigil::head {
namespace {

// So many samples are appended at once: some per series even when there are many series, and few
// enough to take little memory beside what they become.
constexpr size_t kGatheredSamples = size_t{1} << 20;
// How thinly ids may be spread for a list.
constexpr size_t kListedPerSeries = 16;

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

void Replayer::Gathered::Add(SeriesRef ref, TimestampMs timestamp, double value) {
  const auto narrow = static_cast<uint32_t>(ref);
  refs.push_back(narrow);
  timestamps.push_back(timestamp);
  values.push_back(value);
  lowest = std::min(lowest, narrow);
  highest = std::max(highest, narrow);
}

void Replayer::Gathered::Clear() {
  refs.clear();
  timestamps.clear();
  values.clear();
  lowest = UINT32_MAX;
  highest = 0;
}

void Replayer::LearnIds() {
  known_ = slots_.size();
  SeriesId highest = INT64_MIN;
  lowest_ = INT64_MAX;
  for (SeriesRef ref = 1; ref <= known_; ++ref) {
    lowest_ = std::min(lowest_, slots_.id(ref));
    highest = std::max(highest, slots_.id(ref));
  }
  const auto span = static_cast<uint64_t>(highest) - static_cast<uint64_t>(lowest_);
  listed_.clear();
  mapped_.clear();
  if (span < kListedPerSeries * known_) listed_.resize(span + 1);
  for (SeriesRef ref = 1; ref <= known_; ++ref) {
    const SeriesId id = slots_.id(ref);
    (listed_.empty() ? mapped_[id] : listed_[static_cast<size_t>(id - lowest_)]) =
        static_cast<uint32_t>(ref);
  }
}

SeriesRef Replayer::RefOf(SeriesId id) {
  if (known_ != slots_.size()) LearnIds();
  if (!listed_.empty()) {
    const uint64_t place = static_cast<uint64_t>(id) - static_cast<uint64_t>(lowest_);
    return place < listed_.size() ? listed_[place] : 0;
  }
  const auto found = mapped_.find(id);
  return found == mapped_.end() ? 0 : found->second;
}

Result<ReplayGrowth> Replayer::Add(std::string_view page, uint64_t generation) {
  samples_.Clear();
  TRY(chunks::DecodeJournalPage(page, &samples_));
  ReplayGrowth growth;
  for (size_t i = 0; i < samples_.size(); ++i) {
    const SeriesRef ref = RefOf(samples_.series[i]);
    if (ref == 0) {
      ++growth.unknown_series;
      continue;
    }
    gathered_.Add(ref, samples_.timestamps[i], samples_.values[i]);
  }
  if (!samples_.histograms.empty()) {
    RunWalker walker(slots_);
    AddHistograms(&walker, generation, &growth);
  }
  if (gathered_.refs.size() >= kGatheredSamples) Hand(generation, &growth);
  return growth;
}

void Replayer::Hand(uint64_t generation, ReplayGrowth* growth) {
  Join(growth);
  std::swap(gathered_, taken_);
  gathered_.Clear();
  worker_ = std::jthread([this, generation] { AppendGathered(generation); });
}

void Replayer::Join(ReplayGrowth* growth) {
  if (worker_.joinable()) worker_.join();
  growth->samples += appended_.samples;
  growth->bytes += appended_.bytes;
  growth->min_time = std::min(growth->min_time, appended_.min_time);
  growth->max_time = std::max(growth->max_time, appended_.max_time);
  appended_ = {};
}

void Replayer::SortBySeries() {
  ends_.assign(taken_.highest - taken_.lowest + 2, 0);
  for (const uint32_t ref : taken_.refs) ++ends_[ref - taken_.lowest + 1];
  for (size_t i = 1; i < ends_.size(); ++i) ends_[i] += ends_[i - 1];
  sorted_.resize(taken_.refs.size());
  for (size_t i = 0; i < taken_.refs.size(); ++i) {
    sorted_[ends_[taken_.refs[i] - taken_.lowest]++] = {taken_.timestamps[i], taken_.values[i]};
  }
}

void Replayer::AppendGathered(uint64_t generation) {
  if (taken_.refs.empty()) return;
  SortBySeries();
  RunWalker walker(slots_);
  size_t begin = 0;
  for (SeriesRef ref = taken_.lowest; ref <= taken_.highest; ++ref) {
    const size_t end = ends_[ref - taken_.lowest];
    if (begin == end) continue;
    Series& series = walker.At(ref);
    series.generation = generation;
    AppendTo(&series.open, ref, std::span(sorted_).subspan(begin, end - begin));
    begin = end;
  }
}

void Replayer::AppendTo(SampleStream* open, SeriesRef ref, std::span<const Sample> samples) {
  for (const Sample& sample : samples) {
    if (sample.timestamp <= open->last_time()) {
      const bool again =
          sample.timestamp == open->last_time() && SameBits(sample.value, open->last_value());
      if (!again) late_.push_back({ref, sample.timestamp, sample.value});
      continue;
    }
    appended_.bytes += open->Append(sample.timestamp, sample.value);
    ++appended_.samples;
    appended_.min_time = std::min(appended_.min_time, sample.timestamp);
    appended_.max_time = std::max(appended_.max_time, sample.timestamp);
  }
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
  Join(&growth);
  std::swap(gathered_, taken_);
  AppendGathered(generation);
  Join(&growth);
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
