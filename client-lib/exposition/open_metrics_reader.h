// SPDX-License-Identifier: Apache-2.0
// A zero-copy reader of OpenMetrics 1.0 text, line by line like TextReader. Stricter than the text
// format, as upstream is: single blanks, no other comments, `# EOF` at the end.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/exposition/text_reader.h"

namespace vigil::exposition {

// What stands behind the ` # ` of a sample line.
struct ExemplarText {
  std::string_view labels;  // with the braces; only ParseExemplarLabels checks it
  double value = 0;
  std::optional<TimestampMs> timestamp;
};

// Timestamps of the page are seconds with a fraction; what is below a millisecond is cut off.
// Threads: owner thread only. The page must outlive the reader.
class OpenMetricsReader {
 public:
  explicit OpenMetricsReader(std::string_view page) : page_(page) {}

  // The next sample, HELP, TYPE or UNIT line; kEnd behind `# EOF`. bad_data as TextReader::Next(),
  // and when `# EOF` is missing. After an error the reader is spent.
  Result<Entry> Next();

  // Of the sample that Next() returned last; null when it has none.
  [[nodiscard]] const ExemplarText* exemplar() const { return exemplar_ ? &*exemplar_ : nullptr; }

  // 1-based number of the line Next() returned last.
  [[nodiscard]] size_t line() const { return line_; }

 private:
  Error Fail(std::string_view what) const;
  Result<Entry> End();
  Result<Entry> ReadSample(std::string_view line);
  Result<void> ReadNumbers(std::string_view rest, Entry* entry);
  Result<void> ReadExemplar(std::string_view text);
  Result<Entry> ReadComment(std::string_view line) const;
  Result<double> ReadValue(std::string_view text) const;
  Result<TimestampMs> ReadTimestamp(std::string_view text) const;

  std::string_view page_;
  std::optional<ExemplarText> exemplar_;
  size_t pos_ = 0;
  size_t line_ = 0;
  bool ended_ = false;
};

}  // namespace vigil::exposition
