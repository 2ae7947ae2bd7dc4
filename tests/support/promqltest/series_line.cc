// SPDX-License-Identifier: Apache-2.0
#include "tests/support/promqltest/series_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "client-lib/model/histogram_math.h"
#include "client-lib/model/sample.h"
#include "server/promql/parser.h"
#include "tests/support/promqltest/histogram_literal.h"

namespace vigil::tests {
namespace {

using Kind = SeriesValue::Kind;

// A wrong repetition must not exhaust memory.
constexpr uint64_t kMaxRepetitions = 1'000'000;

// Bytes of the metric at the start of the line: up to the closing brace, or to the first blank.
size_t MetricLength(std::string_view line) {
  char quote = 0;
  bool braces = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == '\\' && quote != '`') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'' || c == '`') {
      quote = c;
    } else if (c == '{') {
      braces = true;
    } else if (c == '}') {
      return i + 1;
    } else if (!braces && (c == ' ' || c == '\t' || c == '@')) {
      return i;
    }
  }
  return line.size();
}

// Reads the values one by one.
class ValueReader {
 public:
  explicit ValueReader(std::string_view text) : text_(text) {}

  Result<std::vector<SeriesValue>> ReadAll();

 private:
  Result<void> ReadItem();
  Result<void> ReadHistogram();
  Result<void> ReadFloat();
  Result<void> Repeat(SeriesValue value, double step, bool with_first);
  Result<uint64_t> TakeTimes(uint64_t otherwise);
  std::optional<double> TakeNumber();
  Result<HistogramLiteral> TakeHistogram();
  bool Accept(std::string_view word);
  void SkipSpace();
  [[nodiscard]] bool AtItemEnd() const {
    return pos_ >= text_.size() || text_[pos_] == ' ' || text_[pos_] == '\t';
  }
  [[nodiscard]] Error Unexpected() const {
    return BadData(fmt::format("unexpected {} in series values", Quote(text_.substr(pos_, 10))));
  }

  std::string_view text_;
  size_t pos_ = 0;
  std::vector<SeriesValue> values_;
};

Result<std::vector<SeriesValue>> ValueReader::ReadAll() {
  for (SkipSpace(); pos_ < text_.size(); SkipSpace()) {
    TRY(ReadItem());
    if (!AtItemEnd()) return Unexpected();
  }
  return std::move(values_);
}

Result<void> ValueReader::ReadItem() {
  if (Accept("_")) return Repeat({Kind::kOmitted, 0, nullptr}, 0, false);
  if (text_.substr(pos_).starts_with("{{")) return ReadHistogram();
  return ReadFloat();
}

// `{{a}}`, `{{a}}xN`, `{{a}}+{{b}}xN`, `{{a}}-{{b}}xN`.
Result<void> ValueReader::ReadHistogram() {
  const HistogramLiteral literal = TRY(TakeHistogram());
  SeriesValue value{Kind::kHistogram, 0, std::make_shared<const Histogram>(literal.histogram),
                    literal.hint_set};
  const bool adds = text_.substr(pos_).starts_with("+{{");
  const bool subtracts = text_.substr(pos_).starts_with("-{{");
  if (!adds && !subtracts) return Repeat(value, 0, true);
  ++pos_;
  const Histogram step = TRY(TakeHistogram()).histogram;
  const uint64_t times = TRY(TakeTimes(0)) + 1;
  for (uint64_t i = 0; i < times; ++i) {
    values_.push_back(value);
    auto next = std::make_shared<Histogram>(*value.histogram);
    const HistogramMerge merge =
        adds ? AddHistogram(next.get(), step) : SubtractHistogram(next.get(), step);
    if (merge.incompatible) return BadData("histograms of different kinds cannot be added up");
    value.histogram = std::move(next);
  }
  return Ok();
}

Result<void> ValueReader::ReadFloat() {
  SeriesValue value;
  if (Accept("stale")) {
    value.value = StaleNaN();
  } else {
    const auto number = TakeNumber();
    if (!number) return Unexpected();
    value.value = *number;
  }
  double step = 0;
  if (pos_ < text_.size() && (text_[pos_] == '+' || text_[pos_] == '-')) {
    const auto number = TakeNumber();
    if (!number) return Unexpected();
    step = *number;
  }
  return Repeat(value, step, true);
}

// Behind a value: `xN`, or nothing.
Result<uint64_t> ValueReader::TakeTimes(uint64_t otherwise) {
  if (!Accept("x")) return otherwise;
  size_t end = pos_;
  while (end < text_.size() && std::isdigit(static_cast<unsigned char>(text_[end])) != 0) ++end;
  const auto count = ParseUint(text_.substr(pos_, end - pos_));
  if (!count || *count > kMaxRepetitions) return BadData("invalid repetition in series values");
  pos_ = end;
  return *count;
}

// A value that is repeated N times stands once more for the start; an omitted one does not.
Result<void> ValueReader::Repeat(SeriesValue value, double step, bool with_first) {
  uint64_t times = TRY(TakeTimes(with_first ? 0 : 1));
  if (with_first) ++times;
  for (uint64_t i = 0; i < times; ++i) {
    values_.push_back(value);
    value.value += step;
  }
  return Ok();
}

std::optional<double> ValueReader::TakeNumber() {
  const auto at = [this](size_t i) {
    return i < text_.size() ? static_cast<char>(std::tolower(text_[i])) : '\0';
  };
  const auto is_digit = [&](size_t i) { return at(i) >= '0' && at(i) <= '9'; };
  size_t end = pos_;
  if (at(end) == '+' || at(end) == '-') ++end;
  if (std::isalpha(static_cast<unsigned char>(at(end))) != 0) {
    while (at(end) >= 'a' && at(end) <= 'z' && at(end) != 'x') ++end;
  } else {
    while (is_digit(end) || at(end) == '.') ++end;
    size_t exponent = end + 1;
    if (at(exponent) == '+' || at(exponent) == '-') ++exponent;
    if (at(end) == 'e' && is_digit(exponent)) {
      end = exponent;
      while (is_digit(end)) ++end;
    }
  }
  const auto value = ParseFloat(text_.substr(pos_, end - pos_));
  if (value) pos_ = end;
  return value;
}

// REQUIRES: "{{" comes next.
Result<HistogramLiteral> ValueReader::TakeHistogram() {
  const size_t end = text_.find("}}", pos_);
  if (end == std::string_view::npos) return BadData("histogram description has no end");
  const std::string_view literal = text_.substr(pos_ + 2, end - pos_ - 2);
  pos_ = end + 2;
  return ParseHistogramLiteral(literal);
}

bool ValueReader::Accept(std::string_view word) {
  if (!text_.substr(pos_).starts_with(word)) return false;
  pos_ += word.size();
  return true;
}

void ValueReader::SkipSpace() {
  while (pos_ < text_.size() && AtItemEnd()) ++pos_;
}

// A duration with its sign at the start of the text, which moves on behind it.
Result<DurationMs> TakeDuration(std::string_view* text) {
  const bool negative = text->starts_with('-');
  if (negative || text->starts_with('+')) text->remove_prefix(1);
  const size_t end = std::min(text->find_first_of("x+-"), text->size());
  const DurationMs duration = TRY(ParseDuration(text->substr(0, end)));
  text->remove_prefix(end);
  return negative ? -duration : duration;
}

Result<uint64_t> TakeCount(std::string_view text) {
  const auto count = text.starts_with('x') ? ParseUint(text.substr(1)) : std::nullopt;
  if (!count || *count > kMaxRepetitions) {
    return BadData(fmt::format("invalid repetition {} of start timestamps", Quote(text)));
  }
  return *count;
}

// `_`, `_xN`, `-1m`, `-1mxN` (once more than N), `-1m-10sxN`.
Result<std::vector<std::optional<DurationMs>>> ParseStarts(std::string_view text) {
  std::vector<std::optional<DurationMs>> starts;
  for (std::string_view item : Split(text, ' ')) {
    item = TrimSpace(item);
    if (item.empty()) continue;
    if (item.starts_with('_')) {
      item.remove_prefix(1);
      starts.resize(starts.size() + (item.empty() ? 1 : TRY(TakeCount(item))));
      continue;
    }
    DurationMs offset = TRY(TakeDuration(&item));
    const bool steps = item.starts_with('+') || item.starts_with('-');
    const DurationMs step = steps ? TRY(TakeDuration(&item)) : 0;
    const uint64_t times = item.empty() && !steps ? 0 : TRY(TakeCount(item));
    for (uint64_t i = 0; i <= times; ++i, offset += step) starts.emplace_back(offset);
  }
  return starts;
}

}  // namespace

Result<SeriesLine> ParseSeriesLine(std::string_view line) {
  line = TrimSpace(line);
  const size_t length = MetricLength(line);
  SeriesLine series;
  series.labels = TRY(promql::ParseMetric(line.substr(0, length)));
  const std::string_view rest = line.substr(length);
  if (rest.starts_with("@st")) {
    series.start_timestamps = true;
    series.starts = TRY(ParseStarts(rest.substr(3)));
    return series;
  }
  series.values = TRY(ValueReader(rest).ReadAll());
  return series;
}

}  // namespace vigil::tests
