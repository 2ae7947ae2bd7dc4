// SPDX-License-Identifier: Apache-2.0
// A zero-copy reader of the text exposition format 0.0.4 and its 1.0.0 extension (quoted UTF-8
// names): the one reader of scraper, pushgateway and textfile collector.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"

namespace vigil::exposition {

enum class MetricType {
  kUnknown,
  kCounter,
  kGauge,
  kHistogram,
  kGaugeHistogram,
  kSummary,
  kInfo,
  kStateSet
};
// "counter", ..., "unknown"
std::string_view MetricTypeName(MetricType type);

enum class EntryKind { kEnd, kSample, kHelp, kType, kUnit };

// One line. Views point into the page.
struct Entry {
  EntryKind kind = EntryKind::kEnd;
  // kSample: the raw text of name and labels, exactly as the page has it, without blanks around
  // it: the key of a per-target cache. Only ParseSeries checks it: a text that it accepted once
  // needs no second look. kHelp, kType, kUnit: the metric family name (quotes removed).
  std::string_view series;
  double value = 0;
  std::optional<TimestampMs> timestamp;
  std::string_view help;  // still escaped, see UnescapeHelp; of kUnit the unit (OpenMetrics only)
  MetricType type = MetricType::kUnknown;
};

// The format wants a newline behind every line, so a last line without one is half a line: its
// number may have lost digits. Prometheus' scraper takes it all the same, the Pushgateway does not.
enum class LastLine { kNeedsNewline, kMayLackNewline };

// Cost per unchanged sample line: a scan for its end and a number conversion; no allocation.
// Threads: owner thread only. The page must outlive the reader.
class TextReader {
 public:
  explicit TextReader(std::string_view page, LastLine last_line = LastLine::kNeedsNewline)
      : page_(page), last_line_(last_line) {}

  // The next sample, HELP or TYPE line; other comments and blank lines are skipped. bad_data:
  // `line 12: expected a value after the metric name, got "x"`. After an error the reader is spent.
  Result<Entry> Next();

  // 1-based number of the line Next() returned last.
  [[nodiscard]] size_t line() const { return line_; }

 private:
  Error Fail(std::string_view what) const;
  // False at the end of the page.
  Result<bool> TakeLine(std::string_view* line);
  Result<Entry> ReadSample(std::string_view line) const;
  // False for a comment that is neither HELP nor TYPE.
  Result<bool> ReadComment(std::string_view line, Entry* entry) const;

  std::string_view page_;
  LastLine last_line_;
  size_t pos_ = 0;
  size_t line_ = 0;
};

// Parses the text of Entry::series into *out (replaced): the metric name becomes __name__.
// Duplicate label names and invalid UTF-8 are bad_data. Values of `le` and `quantile` are kept
// as written.
Result<void> ParseSeries(std::string_view series, LabelsBuilder* out);

// The same as pairs in the order of the page, __name__ first, with the empty values that a label
// set does not keep (honor_labels must see them).
using SeriesPairs = std::vector<std::pair<std::string, std::string>>;
Result<void> ParseSeriesPairs(std::string_view series, SeriesPairs* out);

// Parses the labels of an exemplar with their braces, in the order of the page.
Result<void> ParseExemplarLabels(std::string_view text, SeriesPairs* out);

std::string UnescapeHelp(std::string_view help);

}  // namespace vigil::exposition
