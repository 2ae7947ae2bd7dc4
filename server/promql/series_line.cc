// SPDX-License-Identifier: Apache-2.0
#include "server/promql/series_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "client-lib/model/histogram_math.h"
#include "client-lib/model/sample.h"
#include "server/promql/histogram_literal.h"
#include "server/promql/parser.h"
#include "server/promql/utf8.h"

namespace vigil::promql {
namespace {

using ValueKind = SeriesValue::Kind;

// A wrong repetition must not exhaust memory.
constexpr uint64_t kMaxRepetitions = 1'000'000;
constexpr size_t kMaxValues = 4'000'000;

bool IsDecimal(char c) { return c >= '0' && c <= '9'; }

bool IsWordByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Of a metric's name; what is not ASCII is for the parser to judge.
bool IsNameByte(char c) {
  return IsWordByte(c) || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}

// Bytes of the metric at the start of the line: up to the closing brace, or what can be its name.
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
    } else if (!braces && !IsNameByte(c)) {
      return i;
    }
  }
  return line.size();
}

// Reads the values one by one. Errors have upstream's texts, with the column in the line.
class ValueReader {
 public:
  // The values begin at `from`.
  ValueReader(std::string_view line, size_t from) : text_(line), pos_(from) {}

  Result<std::vector<SeriesValue>> ReadAll();
  // What stands where the values begin has no place there.
  [[nodiscard]] Error Misplaced() const;

 private:
  Result<void> ReadItem();
  Result<void> ReadHistogram();
  Result<void> ReadFloat();
  Result<void> Repeat(SeriesValue value, double step, uint64_t times);
  Result<uint64_t> TakeTimes();
  Result<double> TakeNumber(std::string_view otherwise);
  Result<HistogramLiteral> TakeHistogram();
  bool Accept(std::string_view word);
  void SkipSpace();
  [[nodiscard]] char Here() const { return pos_ < text_.size() ? text_[pos_] : '\0'; }
  [[nodiscard]] bool AtItemEnd() const {
    return pos_ >= text_.size() || text_[pos_] == ' ' || text_[pos_] == '\t';
  }
  [[nodiscard]] Error Fail(size_t at, std::string_view what) const {
    return BadData(fmt::format("1:{}: parse error: {}", at + 1, what));
  }
  // suffix: where it was not expected, and what was.
  [[nodiscard]] Error Unexpected(std::string_view suffix) const;

  std::string_view text_;
  size_t pos_;
  std::vector<SeriesValue> values_;
};

constexpr std::string_view kInValues = " in series values";
constexpr std::string_view kInValuesExpected = " in series values, expected number or \"stale\"";

Error ValueReader::Unexpected(std::string_view suffix) const {
  const auto error = [&](std::string_view token, std::string_view behind) {
    return Fail(pos_, fmt::format("unexpected {}{}", token, behind));
  };
  const char c = Here();
  if (pos_ >= text_.size()) return error("end of input", kInValues);
  size_t end = pos_;
  while (end < text_.size() && IsWordByte(text_[end])) ++end;
  const std::string_view word = text_.substr(pos_, end - pos_);
  const bool at_start = suffix == kInValuesExpected;
  if (c == ' ' || c == '\t') return error("\" \"", at_start ? kInValues : suffix);
  if (c == '+' || c == '-') return error(fmt::format("<op:{}>", c), at_start ? kInValues : suffix);
  if (c == '_') return error("\"_\"", "");
  if (c == 'x' && (word.size() == 1 || word[1] == 'x' || IsDecimal(word[1]))) {
    return error("\"x\"", at_start ? "" : suffix);
  }
  if (IsDecimal(c) || c == '.') return error(fmt::format("number {}", Quote(word)), suffix);
  if (IsWordByte(c)) return error(fmt::format("identifier {}", Quote(word)), suffix);
  return Fail(pos_, fmt::format("unexpected character in series sequence: '{}'",
                                text_.substr(pos_, DecodeRune(text_.substr(pos_)).size)));
}

Error ValueReader::Misplaced() const { return Unexpected(kInValues); }

Result<std::vector<SeriesValue>> ValueReader::ReadAll() {
  for (SkipSpace(); pos_ < text_.size(); SkipSpace()) {
    TRY(ReadItem());
    if (!AtItemEnd()) return Unexpected("");
  }
  return std::move(values_);
}

Result<void> ValueReader::ReadItem() {
  if (Accept("_")) {
    const uint64_t times = Here() == 'x' ? TRY(TakeTimes()) : 1;
    return Repeat({ValueKind::kOmitted, 0, nullptr}, 0, times);
  }
  if (text_.substr(pos_).starts_with("{{")) return ReadHistogram();
  return ReadFloat();
}

// `{{a}}`, `{{a}}xN`, `{{a}}+{{b}}xN`, `{{a}}-{{b}}xN`: a itself, then N more.
Result<void> ValueReader::ReadHistogram() {
  const HistogramLiteral literal = TRY(TakeHistogram());
  SeriesValue value{ValueKind::kHistogram, 0, std::make_shared<const Histogram>(literal.histogram),
                    literal.hint_set};
  const bool adds = text_.substr(pos_).starts_with("+{{");
  const bool subtracts = text_.substr(pos_).starts_with("-{{");
  if (!adds && !subtracts) {
    const uint64_t more = Here() == 'x' ? TRY(TakeTimes()) : 0;
    return Repeat(value, 0, more + 1);
  }
  ++pos_;
  const Histogram step = TRY(TakeHistogram()).histogram;
  const uint64_t times = TRY(TakeTimes()) + 1;
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

// `a`, `axN`, `a+bxN`, `a-bxN`: a itself, then N more.
Result<void> ValueReader::ReadFloat() {
  SeriesValue value;
  constexpr std::string_view kStale = "stale";
  const std::string_view rest = text_.substr(pos_);
  const bool word_ends = rest.size() <= kStale.size() || rest[kStale.size()] == 'x' ||
                         !IsWordByte(rest[kStale.size()]);
  if (word_ends && Accept(kStale)) {
    value.value = StaleNaN();
  } else {
    value.value = TRY(TakeNumber(kInValuesExpected));
  }
  if (Here() == '+' || Here() == '-') {
    const double step = TRY(TakeNumber(kInValues));
    const uint64_t more = TRY(TakeTimes());
    return Repeat(value, step, more + 1);
  }
  const uint64_t more = Here() == 'x' ? TRY(TakeTimes()) : 0;
  return Repeat(value, 0, more + 1);
}

// `xN`
Result<uint64_t> ValueReader::TakeTimes() {
  if (Here() != 'x') return Unexpected(kInValues);
  ++pos_;
  if (!IsDecimal(Here())) return Unexpected(kInValues);
  size_t end = pos_;
  while (end < text_.size() && (IsWordByte(text_[end]) || text_[end] == '.')) ++end;
  const std::string_view word = text_.substr(pos_, end - pos_);
  const auto count = ParseUint(word);
  if (!count || *count > kMaxRepetitions) {
    return Fail(pos_, fmt::format("invalid repetition in series values: {}: {}", Quote(word),
                                  count ? "too many" : "invalid syntax"));
  }
  pos_ = end;
  return *count;
}

Result<void> ValueReader::Repeat(SeriesValue value, double step, uint64_t times) {
  if (values_.size() + times > kMaxValues) {
    return Fail(pos_, fmt::format("more than {} values in a series", kMaxValues));
  }
  for (uint64_t i = 0; i < times; ++i) {
    values_.push_back(value);
    value.value += step;
  }
  return Ok();
}

// otherwise: of the error when there is none.
Result<double> ValueReader::TakeNumber(std::string_view otherwise) {
  const auto at = [this](size_t i) {
    return i < text_.size() ? static_cast<char>(std::tolower(text_[i])) : '\0';
  };
  const size_t begin = pos_;
  size_t end = pos_;
  if (at(end) == '+' || at(end) == '-') ++end;
  if (std::isalpha(static_cast<unsigned char>(at(end))) != 0) {
    while (at(end) >= 'a' && at(end) <= 'z' && at(end) != 'x') ++end;
  } else {
    while (IsDecimal(at(end)) || at(end) == '.') ++end;
    size_t exponent = end + 1;
    if (at(exponent) == '+' || at(exponent) == '-') ++exponent;
    if (at(end) == 'e' && IsDecimal(at(exponent))) {
      end = exponent;
      while (IsDecimal(at(end))) ++end;
    }
  }
  const auto value = ParseFloat(text_.substr(begin, end - begin));
  const Error bad_number =
      Fail(begin, "bad number syntax: " + Quote(text_.substr(begin, end - begin)));
  if (!value) {
    if (IsDecimal(at(begin)) || at(begin) == '.') return bad_number;
    if (at(begin) == '+' || at(begin) == '-') ++pos_;
    return Unexpected(otherwise);
  }
  if (IsDecimal(at(end - 1)) && at(end) != 'x' && IsWordByte(at(end))) return bad_number;
  pos_ = end;
  return *value;
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
  if (!line.empty() && IsDecimal(line[0])) return ValueReader(line, 0).Misplaced();
  SeriesLine series;
  series.labels = TRY(ParseMetric(line.substr(0, length)));
  const std::string_view rest = line.substr(length);
  if (rest.starts_with("@st")) {
    series.start_timestamps = true;
    series.starts = TRY(ParseStarts(rest.substr(3)));
    return series;
  }
  if (!rest.empty() && rest[0] != ' ' && rest[0] != '\t') {
    return ValueReader(line, length).Misplaced();
  }
  series.values = TRY(ValueReader(line, length).ReadAll());
  return series;
}

Result<HistogramPtr> ParseHistogramValue(std::string_view text) {
  const std::vector<SeriesValue> values = TRY(ValueReader(text, 0).ReadAll());
  if (values.size() != 1) return BadData(fmt::format("expected 1 value, got {}", values.size()));
  if (values[0].kind != ValueKind::kHistogram) {
    return BadData(fmt::format("expected a histogram, got {}", Quote(text)));
  }
  return values[0].histogram;
}

}  // namespace vigil::promql
