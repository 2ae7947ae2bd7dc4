// SPDX-License-Identifier: Apache-2.0
// The chunks of one flush: goes over the series, decodes what is sealed of each, encodes it anew
// and leaves the smaller bytes in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "client-lib/model/sample.h"
#include "server/chunks/chunk_encoder.h"
#include "server/head/ref_set.h"
#include "server/head/sealed_chunk.h"
#include "server/head/series_slots.h"
#include "server/head/sizes.h"
#include "server/storage/recent.h"

namespace vigil::head {

// Takes the generations after `after` up to `through`. Late samples are in the chunks where their
// time says; the chunks of one series and flush do not overlap, those of floats come before those
// of histograms.
// Threads: as SealedChunks.
class Transcoder : public storage::SealedChunks {
 public:
  // The slots and sizes must outlive it. order: the series, in the order of the rows.
  Transcoder(const SeriesSlots& slots, Sizes* sizes, Refs order, uint64_t after, uint64_t through)
      : slots_(slots), sizes_(*sizes), order_(std::move(order)), after_(after), through_(through) {}

  bool Next(storage::ChunkRow* row) override;
  void Rewind() override;
  [[nodiscard]] uint64_t samples() const override { return samples_; }

 private:
  [[nodiscard]] bool AtEnd() const {
    return at_ == columns_.size() && histogram_ == columns_.histograms.size();
  }
  void Load(SeriesRef ref);
  void EncodeFloats();
  void EncodeHistograms();
  void Replace();

  const SeriesSlots& slots_;
  Sizes& sizes_;
  const Refs order_;
  const uint64_t after_;
  const uint64_t through_;

  chunks::ChunkEncoder encoder_;
  size_t next_ = 0;  // in order_
  SeriesRef ref_ = 0;
  uint16_t retention_class_ = 0;    // of ref_
  std::vector<SealedRef> parts_;    // of ref_, newest first
  std::vector<SealedRef> encoded_;  // of ref_, oldest first
  SampleColumns columns_;           // of ref_
  size_t at_ = 0;                   // in columns_
  size_t histogram_ = 0;            // in columns_.histograms
  chunks::Chunk chunk_;
  uint64_t samples_ = 0;
};

}  // namespace vigil::head
