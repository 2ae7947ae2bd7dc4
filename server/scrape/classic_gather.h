// SPDX-License-Identifier: Apache-2.0
// Gathers the lines of the classic histograms of a page, one histogram at a time, to store each as
// one native histogram with custom buckets (convert_classic_histograms_to_nhcb).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/exposition/classic_line.h"
#include "client-lib/exposition/open_metrics_reader.h"
#include "client-lib/exposition/text_reader.h"
#include "client-lib/model/classic_histogram.h"

namespace vigil::scrape {

// Per entry of the page: Look(), which says whether the entry ends the histogram before (Take() it
// then) and whether it is part of one (Add() it then).
// Threads: owner thread only.
class ClassicGather {
 public:
  struct Seen {
    bool part = false;
    bool ends_before = false;
  };
  // A histogram as a line. Views are valid until the next Look().
  struct Finished {
    exposition::Entry entry;
    HistogramPtr histogram;  // null: the lines make up none
    std::span<const exposition::ExemplarText> exemplars;
  };

  // native: the sample is a native histogram; the classic lines of the same series stay classic.
  Seen Look(const exposition::Entry& entry, bool native);
  // REQUIRES: Look() of the entry said `part`, and what was before has been taken.
  void Add(const exposition::Entry& entry);
  // Of the line that was added last. Those without a time are left out, as for native histograms.
  void AddExemplar(const exposition::ExemplarText& exemplar);
  // REQUIRES: Look() said `ends_before`.
  Finished Take();

 private:
  std::string family_;
  bool is_histogram_ = false;
  std::string native_;  // the series that came as a native histogram last

  // The line that was looked at.
  std::string line_base_;
  exposition::ClassicPart line_part_ = exposition::ClassicPart::kNone;
  double line_bound_ = 0;

  // The histogram that is being gathered.
  bool open_ = false;
  std::string base_;
  std::optional<TimestampMs> timestamp_;
  ClassicHistogram classic_;
  std::vector<exposition::ExemplarText> exemplars_;
  std::vector<std::string> exemplar_labels_;  // the readers' views do not last

  std::string taken_base_;
  std::vector<exposition::ExemplarText> taken_exemplars_;
  std::vector<std::string> taken_labels_;
};

}  // namespace vigil::scrape
