// SPDX-License-Identifier: Apache-2.0
// A reader of the protobuf exposition format: io.prometheus.client.MetricFamily messages, each
// behind its length. It walks over the bytes of the page and gives out the same lines as the text
// readers do; no object is made per family, metric or label.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/proto_reader.h"
#include "client-lib/base/result.h"
#include "client-lib/exposition/open_metrics_reader.h"
#include "client-lib/exposition/proto_histogram.h"
#include "client-lib/exposition/text_reader.h"
#include "client-lib/model/histogram.h"

namespace vigil::exposition {

// Which samples a histogram gives that has native buckets: those of the classic ones (_count, _sum,
// _bucket), one native sample, or both.
enum class NativeHistograms { kIgnore, kPrefer, kBeside };

// Cost per sample: its name and labels are written as text once per metric and copied per sample
// into a buffer that is kept. A metric whose name and labels are over 1 MiB, or whose samples need
// more text than 64 MiB and 16 times its message, is refused.
// Threads: owner thread only. The page must outlive the reader.
class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view page,
                          NativeHistograms natives = NativeHistograms::kPrefer)
      : page_(page), natives_(natives) {}

  // The next sample, or HELP, TYPE or UNIT of a family, in this order and before its samples. Views
  // are valid until the next call. Labels are as the page has them: ParseSeries checks them.
  // bad_data with the family: `metric "x": a message is cut off`. After an error the reader is
  // spent.
  Result<Entry> Next();

  // Of the sample that Next() returned last. Null: it is a float.
  [[nodiscard]] const HistogramPtr& histogram() const { return histogram_; }
  // Those of native histograms have timestamps.
  [[nodiscard]] std::span<const ExemplarText> exemplars() const { return exemplars_; }
  // Since when it counts.
  [[nodiscard]] std::optional<TimestampMs> start_time() const { return start_time_; }

 private:
  // As in the page.
  enum class Type : uint64_t {
    kCounter = 0,
    kGauge = 1,
    kSummary = 2,
    kUntyped = 3,
    kHistogram = 4,
    kGaugeHistogram = 5
  };
  // Offsets in text_, which grows.
  struct Text {
    size_t begin = 0;
    size_t size = 0;
  };
  struct PendingExemplar {
    Text labels;
    double value = 0;
    std::optional<TimestampMs> timestamp;
  };
  struct PendingSample {
    Text series;
    double value = 0;
    HistogramPtr histogram;
    size_t exemplars = 0;  // in pending_exemplars_: [exemplars, exemplars_end)
    size_t exemplars_end = 0;
  };

  [[nodiscard]] Error Fail(std::string_view what) const;
  // False at the end of the page.
  Result<bool> BeginFamily();
  Result<void> CheckFamily();
  std::optional<Entry> Declaration();
  Entry Give(const PendingSample& sample);
  // Fills pending_ with the samples of one metric.
  Result<void> Expand(std::string_view message);
  Result<void> ExpandCounter(std::string_view message);
  Result<void> ExpandSummary(std::string_view message);
  Result<void> ExpandQuantile(std::string_view message);
  Result<void> ExpandHistogram(std::string_view message);
  Result<void> ExpandNative(const ProtoHistogram& histogram);
  Result<void> ExpandBuckets(const ProtoHistogram& histogram);
  // The exemplar message; of a native histogram without a timestamp it is left out.
  Result<void> AddExemplar(std::string_view message, bool needs_time);
  // To pending_. bad_data when text_ would be larger than most_text_.
  Result<void> AddSample(std::string_view suffix, double value);
  Result<void> AppendLabel(std::string_view message, std::string* out) const;

  std::string_view page_;  // what is left
  const NativeHistograms natives_;
  bool spent_ = false;

  // The family.
  std::string_view name_;
  std::string_view unit_;
  std::string_view help_;
  bool has_help_ = false;
  bool plain_name_ = true;
  Type type_ = Type::kCounter;
  int declared_ = 3;  // how many of its declarations were given out
  ProtoReader metrics_{{}};
  std::string escaped_help_;

  // The metric.
  std::string labels_;  // a="b",c="d"
  std::string extra_;   // le="1.0" of one sample
  std::string text_;
  size_t most_text_ = 0;
  std::vector<PendingSample> pending_;
  std::vector<PendingExemplar> pending_exemplars_;
  size_t next_ = 0;
  std::optional<TimestampMs> timestamp_;
  std::optional<TimestampMs> started_;

  // The sample.
  HistogramPtr histogram_;
  std::vector<ExemplarText> exemplars_;
  std::optional<TimestampMs> start_time_;
};

}  // namespace vigil::exposition
