// SPDX-License-Identifier: Apache-2.0
#include "tests/support/promqltest/series_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "client-lib/model/sample.h"
#include "server/promql/parser.h"

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
  std::optional<double> TakeNumber();
  bool SkipHistogram();
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
  if (Accept("_")) return Repeat({Kind::kOmitted, 0}, 0, false);
  if (text_.substr(pos_).starts_with("{{")) return ReadHistogram();
  return ReadFloat();
}

Result<void> ValueReader::ReadHistogram() {
  if (!SkipHistogram()) return BadData("histogram description has no end");
  if (Accept("+{{") || Accept("-{{")) {
    pos_ -= 2;
    if (!SkipHistogram()) return BadData("histogram description has no end");
  }
  return Repeat({Kind::kHistogram, 0}, 0, true);
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

// Behind a value: `xN`, or nothing. A value that is repeated N times stands once more for the
// start; an omitted one does not.
Result<void> ValueReader::Repeat(SeriesValue value, double step, bool with_first) {
  uint64_t times = with_first ? 0 : 1;
  if (Accept("x")) {
    size_t end = pos_;
    while (end < text_.size() && std::isdigit(static_cast<unsigned char>(text_[end])) != 0) ++end;
    const auto count = ParseUint(text_.substr(pos_, end - pos_));
    if (!count || *count > kMaxRepetitions) return BadData("invalid repetition in series values");
    pos_ = end;
    times = *count;
  }
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

bool ValueReader::SkipHistogram() {
  const size_t end = text_.find("}}", pos_);
  if (end == std::string_view::npos) return false;
  pos_ = end + 2;
  return true;
}

bool ValueReader::Accept(std::string_view word) {
  if (!text_.substr(pos_).starts_with(word)) return false;
  pos_ += word.size();
  return true;
}

void ValueReader::SkipSpace() {
  while (pos_ < text_.size() && AtItemEnd()) ++pos_;
}

}  // namespace

bool SeriesLine::HasHistograms() const {
  return std::ranges::any_of(
      values, [](const SeriesValue& value) { return value.kind == Kind::kHistogram; });
}

Result<SeriesLine> ParseSeriesLine(std::string_view line) {
  line = TrimSpace(line);
  const size_t length = MetricLength(line);
  SeriesLine series;
  series.labels = TRY(promql::ParseMetric(line.substr(0, length)));
  const std::string_view rest = line.substr(length);
  if (rest.starts_with("@st")) {
    series.start_timestamps = true;
    return series;
  }
  series.values = TRY(ValueReader(rest).ReadAll());
  return series;
}

}  // namespace vigil::tests
