// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sample_histograms.h"

#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <random>

#include "client-lib/model/sample.h"

namespace vigil::testing {
namespace {

using Random = std::mt19937_64;

uint64_t Below(Random& random, uint64_t limit) { return random() % limit; }

void SetBuckets(const std::map<int32_t, double>& counts, Histogram* histogram) {
  int32_t expected = 0;
  for (const auto& [index, count] : counts) {
    if (histogram->positive_spans.empty() || index != expected) {
      histogram->positive_spans.push_back({index - expected, 0});
    }
    ++histogram->positive_spans.back().length;
    histogram->positive_buckets.push_back(count);
    expected = index + 1;
  }
}

double OddNumber(Random& random) {
  switch (Below(random, 9)) {
    case 0:
      return std::numeric_limits<double>::infinity();
    case 1:
      return -0.0;
    case 2:
      return NormalNaN();
    case 3:
      return StaleNaN();
    case 4:
      return std::bit_cast<double>(random());
    case 5:
      return 9007199254740992.0;
    case 6:
      return -9007199254740991.0;
    case 7:
      return static_cast<double>(Below(random, 1000)) / 8;
    default:
      return static_cast<double>(Below(random, 1'000'000));
  }
}

void WildColumn(Random& random, std::vector<BucketSpan>* spans, std::vector<double>* buckets) {
  spans->clear();
  uint64_t total = 0;
  for (uint64_t i = Below(random, 5); i > 0; --i) {
    const auto offset = static_cast<int32_t>(Below(random, 4) == 0 ? random() : Below(random, 5));
    const auto length = static_cast<uint32_t>(Below(random, 6));
    spans->push_back({offset, length});
    total += length;
  }
  buckets->resize(total);
}

void WildCounts(Random& random, Histogram* histogram) {
  const bool whole = Below(random, 2) == 0;
  const auto change = [&](double& value) {
    if (Below(random, 3) == 0) return;
    value = whole ? static_cast<double>(Below(random, 1'000'000) >> Below(random, 20))
                  : OddNumber(random);
  };
  change(histogram->count);
  change(histogram->zero_count);
  for (double& value : histogram->positive_buckets) change(value);
  for (double& value : histogram->negative_buckets) change(value);
}

}  // namespace

std::vector<HistogramSample> MakeHistograms(size_t count, bool integer, uint64_t seed) {
  Random random(seed);
  std::map<int32_t, double> counts;
  double sum = 0;
  std::vector<HistogramSample> samples;
  for (size_t i = 0; i < count; ++i) {
    if (Below(random, 500) == 0) {
      counts.clear();
      sum = 0;
    }
    std::normal_distribution<double> seconds(-3, 0.8);
    for (uint64_t n = Below(random, 100); n > 0; --n) {
      const double observed = std::exp(seconds(random));
      counts[static_cast<int32_t>(std::ceil(std::log2(observed) * 8))] += integer ? 1 : 0.7;
      sum += observed;
    }
    auto histogram = std::make_shared<Histogram>();
    histogram->integer = integer;
    histogram->schema = 3;
    histogram->zero_threshold = std::ldexp(1.0, -128);
    histogram->sum = sum;
    SetBuckets(counts, histogram.get());
    for (const double bucket : histogram->positive_buckets) histogram->count += bucket;
    samples.push_back(
        {1'700'000'000'000 + static_cast<TimestampMs>(i) * 15000, std::move(histogram)});
  }
  return samples;
}

std::vector<HistogramSample> MakeWildHistograms(size_t count, uint64_t seed) {
  Random random(seed);
  Histogram now;
  TimestampMs time = static_cast<TimestampMs>(Below(random, 1'000'000));
  std::vector<HistogramSample> samples;
  for (size_t i = 0; i < count; ++i) {
    time += 1 + static_cast<TimestampMs>(random() >> (Below(random, 4) == 0 ? 20 : 54));
    if (i == 0 || Below(random, 4) == 0) {
      now.schema = static_cast<int32_t>(Below(random, 14)) - 4;
      if (now.schema == 9) now.schema = kCustomBucketsSchema;
      now.zero_threshold = OddNumber(random);
      now.custom_values.resize(Below(random, 4));
      for (double& value : now.custom_values) value = OddNumber(random);
    }
    if (Below(random, 3) == 0) {
      WildColumn(random, &now.positive_spans, &now.positive_buckets);
      WildColumn(random, &now.negative_spans, &now.negative_buckets);
    }
    if (Below(random, 3) != 0) {
      now.reset_hint = static_cast<CounterResetHint>(Below(random, 4));
      now.integer = Below(random, 2) == 0;
      now.sum = OddNumber(random);
      WildCounts(random, &now);
    }
    samples.push_back({time, std::make_shared<const Histogram>(now)});
  }
  return samples;
}

}  // namespace vigil::testing
