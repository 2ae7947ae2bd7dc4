// SPDX-License-Identifier: Apache-2.0
// What a few series have beside floats in order: native histograms, and samples that came late
// (within the out-of-order window). Everything here is open: no flush has begun to take it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "client-lib/model/sample.h"
#include "server/chunks/histogram_stream.h"

namespace vigil::head {

// Threads: one at a time.
class SideSamples {
 public:
  // Each returns by how many bytes the memory grew.
  // REQUIRES: timestamp above histograms().last_time().
  size_t Append(const HistogramSample& sample);
  // Late samples may come in any order. A timestamp that is here already is not taken again: the
  // first sample stays.
  size_t AddLate(const Sample& sample);
  size_t AddLate(const HistogramSample& sample);

  // Forgets the samples; histograms().last_time() and last() stay.
  void Reset();

  [[nodiscard]] bool empty() const { return count() == 0; }
  [[nodiscard]] size_t count() const {
    return histograms_.count() + late_.size() + late_histograms_.size();
  }
  // INT64_MAX and INT64_MIN without samples.
  [[nodiscard]] TimestampMs first_time() const;
  [[nodiscard]] TimestampMs last_time() const;
  [[nodiscard]] size_t heap_bytes() const;

  [[nodiscard]] const chunks::HistogramStream& histograms() const { return histograms_; }
  // Both by time.
  [[nodiscard]] const std::vector<Sample>& late() const { return late_; }
  [[nodiscard]] const std::vector<HistogramSample>& late_histograms() const {
    return late_histograms_;
  }

 private:
  chunks::HistogramStream histograms_;
  std::vector<Sample> late_;
  std::vector<HistogramSample> late_histograms_;
};

}  // namespace vigil::head
