// SPDX-License-Identifier: Apache-2.0
// The data all programs are measured on: noisy counters, gauges with two decimals and histogram
// buckets, as a pure function of series and time, so that every run and every peer sees the same.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace vigil::bench {

// splitmix64: cheap, well mixed.
inline uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// Rises by `rate` per tick on average and never falls.
inline double Counter(uint64_t series, uint64_t tick) {
  const uint64_t rate = 1 + Mix(series) % 1000;
  return static_cast<double>(tick * rate + Mix(series ^ (tick << 20)) % rate);
}

// A slow wave with noise, two decimals.
inline double Gauge(uint64_t series, uint64_t tick) {
  const double wave = std::sin(static_cast<double>(tick + series % 977) / 240.0);
  const double noise = static_cast<double>(Mix(series ^ (tick << 20)) % 1000) / 100.0;
  return std::round((50.0 + 30.0 * wave + noise) * 100.0) / 100.0;
}

// Bucket `index` of `buckets`: a share of its histogram's counter.
inline double Bucket(uint64_t histogram, size_t index, size_t buckets, uint64_t tick) {
  const double share = static_cast<double>(index + 1) / static_cast<double>(buckets);
  return std::floor(Counter(histogram, tick) * share * share);
}

}  // namespace vigil::bench
