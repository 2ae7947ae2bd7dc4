// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/classic_gather.h"

#include <memory>
#include <utility>

namespace vigil::scrape {

using exposition::ClassicPart;
using exposition::EntryKind;

ClassicGather::Seen ClassicGather::Look(const exposition::Entry& entry, bool native) {
  Seen seen;
  line_part_ = ClassicPart::kNone;
  if (entry.kind == EntryKind::kType) {
    family_ = entry.series;
    is_histogram_ = entry.type == exposition::MetricType::kHistogram;
    native_.clear();
  } else if (entry.kind == EntryKind::kSample && native) {
    native_ = entry.series;
  } else if (entry.kind == EntryKind::kSample && is_histogram_) {
    line_part_ = exposition::ReadClassicLine(entry.series, family_, &line_base_, &line_bound_);
    seen.part = line_part_ != ClassicPart::kNone && line_base_ != native_;
  }
  seen.ends_before = open_ && !(seen.part && line_base_ == base_);
  return seen;
}

void ClassicGather::Add(const exposition::Entry& entry) {
  if (!open_) {
    open_ = true;
    std::swap(base_, line_base_);
    classic_ = {};
  }
  timestamp_ = entry.timestamp;
  switch (line_part_) {
    case ClassicPart::kBucket:
      classic_.buckets.push_back({line_bound_, entry.value});
      break;
    case ClassicPart::kCount:
      classic_.count = entry.value;
      break;
    default:
      classic_.sum = entry.value;
  }
}

void ClassicGather::AddExemplar(const exposition::ExemplarText& exemplar) {
  if (!exemplar.timestamp) return;
  exemplar_labels_.emplace_back(exemplar.labels);
  exemplars_.push_back(exemplar);
}

ClassicGather::Finished ClassicGather::Take() {
  open_ = false;
  std::swap(taken_base_, base_);
  taken_exemplars_.swap(exemplars_);
  taken_labels_.swap(exemplar_labels_);
  exemplars_.clear();
  exemplar_labels_.clear();
  for (size_t i = 0; i < taken_exemplars_.size(); ++i)
    taken_exemplars_[i].labels = taken_labels_[i];
  Finished finished;
  finished.entry.kind = EntryKind::kSample;
  finished.entry.series = taken_base_;
  finished.entry.timestamp = timestamp_;
  finished.exemplars = taken_exemplars_;
  if (auto histogram = WithCustomBuckets(std::move(classic_))) {
    finished.histogram = std::make_shared<const Histogram>(*std::move(histogram));
  }
  return finished;
}

}  // namespace vigil::scrape
