// SPDX-License-Identifier: Apache-2.0
#include "client-lib/exposition/open_metrics_reader.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "client-lib/base/strings.h"
#include "client-lib/exposition/line_text.h"
#include "client-lib/model/float_text.h"

namespace vigil::exposition {
namespace {

constexpr std::string_view kEof = "# EOF";
constexpr std::string_view kExemplarMark = " # {";

std::optional<MetricType> ParseType(std::string_view text) {
  for (const MetricType type : {MetricType::kUnknown, MetricType::kCounter, MetricType::kGauge,
                                MetricType::kHistogram, MetricType::kGaugeHistogram,
                                MetricType::kSummary, MetricType::kInfo, MetricType::kStateSet}) {
    if (text == MetricTypeName(type)) return type;
  }
  return std::nullopt;
}

// Index behind the brace that closes the labels which begin at text[0], or npos. Braces within
// quotes do not count.
size_t LabelsLength(std::string_view text) {
  for (size_t i = 1; i < text.size();) {
    if (text[i] == '}') return i + 1;
    if (text[i] != '"') {
      ++i;
      continue;
    }
    const size_t quoted = QuotedLength(text.substr(i));
    if (quoted == std::string_view::npos) return quoted;
    i += quoted;
  }
  return std::string_view::npos;
}

// Index behind name and labels at the beginning of the line, or npos.
size_t SeriesLength(std::string_view line) {
  size_t name = 0;
  while (name < line.size() && line[name] != '{' && !IsBlank(line[name])) ++name;
  if (name == line.size() || line[name] != '{') return name;
  // Without a hash there is no exemplar, and the last brace closes the labels: should there be
  // anything else in between, ParseSeries refuses it.
  if (std::memchr(line.data(), '#', line.size()) == nullptr) {
    const size_t brace = line.rfind('}');
    return brace == std::string_view::npos ? brace : brace + 1;
  }
  const size_t labels = LabelsLength(line.substr(name));
  return labels == std::string_view::npos ? labels : name + labels;
}

// Takes a blank and the word behind it off the front; empty: there is none.
std::string_view TakeWord(std::string_view* text) {
  if (!text->starts_with(' ')) return {};
  const size_t end = text->find(' ', 1);
  const std::string_view word = text->substr(1, end == std::string_view::npos ? end : end - 1);
  text->remove_prefix(1 + word.size());
  return word;
}

bool EndsWithUnit(std::string_view metric, std::string_view unit) {
  return metric.size() > unit.size() && metric.ends_with(unit) &&
         metric[metric.size() - unit.size() - 1] == '_';
}

}  // namespace

Error OpenMetricsReader::Fail(std::string_view what) const {
  return BadData(fmt::format("line {}: {}", line_, what));
}

Result<Entry> OpenMetricsReader::Next() {
  exemplar_.reset();
  if (ended_) return Entry{};
  ++line_;
  if (pos_ == page_.size()) return Fail("data does not end with # EOF");
  const std::string_view left = page_.substr(pos_);
  const size_t length = left.find('\n');
  const std::string_view line = left.substr(0, length);
  pos_ += length == std::string_view::npos ? line.size() : line.size() + 1;
  if (line == kEof) return End();
  if (length == std::string_view::npos) return Fail("data does not end with # EOF");
  if (line.starts_with('#')) return ReadComment(line);
  return ReadSample(line);
}

Result<Entry> OpenMetricsReader::End() {
  ended_ = true;
  if (pos_ == page_.size()) return Entry{};
  ++line_;
  return Fail("unexpected data after # EOF");
}

Result<Entry> OpenMetricsReader::ReadSample(std::string_view line) {
  Entry entry;
  entry.kind = EntryKind::kSample;
  const size_t length = SeriesLength(line);
  if (length == std::string_view::npos) return Fail("the labels have no end in " + Shown(line));
  entry.series = line.substr(0, length);
  if (entry.series.empty()) return Fail("expected a metric name, got " + Shown(line));
  std::string_view rest = line.substr(entry.series.size());
  const size_t mark = rest.find(kExemplarMark);
  if (mark != std::string_view::npos) {
    TRY(ReadExemplar(rest.substr(mark + kExemplarMark.size() - 1)));
    rest = rest.substr(0, mark);
  }
  TRY(ReadNumbers(rest, &entry));
  return entry;
}

Result<void> OpenMetricsReader::ReadNumbers(std::string_view rest, Entry* entry) {
  const std::string_view value = TakeWord(&rest);
  if (value.empty()) {
    return Fail(fmt::format("expected a blank and a value after {}, got {}", Shown(entry->series),
                            Shown(rest)));
  }
  entry->value = TRY(ReadValue(value));
  if (rest.empty()) return Ok();
  const std::string_view timestamp = TakeWord(&rest);
  if (timestamp.empty() || !rest.empty()) {
    return Fail("expected nothing but a timestamp after the value, got " + Shown(rest));
  }
  entry->timestamp = TRY(ReadTimestamp(timestamp));
  return Ok();
}

Result<void> OpenMetricsReader::ReadExemplar(std::string_view text) {
  const size_t length = LabelsLength(text);
  if (length == std::string_view::npos) return Fail("the labels of the exemplar have no end");
  ExemplarText exemplar;
  exemplar.labels = text.substr(0, length);
  std::string_view rest = text.substr(length);
  const std::string_view value = TakeWord(&rest);
  if (value.empty()) {
    return Fail("expected a blank and a value after the labels of the exemplar, got " +
                Shown(rest));
  }
  exemplar.value = TRY(ReadValue(value));
  if (!rest.empty()) {
    const std::string_view timestamp = TakeWord(&rest);
    if (timestamp.empty() || !rest.empty()) {
      return Fail("expected nothing but a timestamp after the value of the exemplar");
    }
    exemplar.timestamp = TRY(ReadTimestamp(timestamp));
  }
  exemplar_ = exemplar;
  return Ok();
}

Result<double> OpenMetricsReader::ReadValue(std::string_view text) const {
  const std::optional<double> number = ParseExpositionFloat(text);
  if (!number) return Fail(fmt::format("expected a number, got {}", Shown(text)));
  return std::isnan(*number) ? NormalNaN() : *number;
}

Result<TimestampMs> OpenMetricsReader::ReadTimestamp(std::string_view text) const {
  // Beyond, the milliseconds do not fit 64 bits.
  constexpr double kLimit = 9.2e15;
  const std::optional<double> seconds = ParseExpositionFloat(text);
  if (!seconds || !(std::fabs(*seconds) < kLimit)) {
    return Fail("expected a timestamp in seconds, got " + Shown(text));
  }
  return static_cast<TimestampMs>(*seconds * 1000);
}

Result<Entry> OpenMetricsReader::ReadComment(std::string_view line) const {
  Entry entry;
  std::string_view rest = line;
  std::string_view keyword;
  for (const auto& [word, kind] : {std::pair{std::string_view("# HELP "), EntryKind::kHelp},
                                   std::pair{std::string_view("# TYPE "), EntryKind::kType},
                                   std::pair{std::string_view("# UNIT "), EntryKind::kUnit}}) {
    if (!line.starts_with(word)) continue;
    entry.kind = kind;
    keyword = word.substr(2, 4);
    rest.remove_prefix(word.size());
  }
  if (keyword.empty()) {
    return Fail("expected HELP, TYPE, UNIT or EOF after #, got " + Shown(line));
  }
  entry.series = TakeFamilyName(&rest);
  if (entry.series.empty()) {
    return Fail(fmt::format("expected a metric name after {}, got {}", keyword, Shown(rest)));
  }
  if (!rest.starts_with(' ')) {
    return Fail(
        fmt::format("expected a blank and a text after the metric name, got {}", Shown(rest)));
  }
  rest.remove_prefix(1);
  if (!IsValidUtf8(rest) || !IsValidUtf8(entry.series)) {
    return Fail(fmt::format("the {} line is not valid UTF-8", keyword));
  }
  entry.help = rest;
  if (entry.kind == EntryKind::kType) {
    const std::optional<MetricType> type = ParseType(rest);
    if (!type) return Fail(fmt::format("invalid metric type {}", Shown(rest)));
    entry.type = *type;
    entry.help = {};
  }
  if (entry.kind == EntryKind::kUnit && !rest.empty() && !EndsWithUnit(entry.series, rest)) {
    return Fail(fmt::format("unit not a suffix of metric {}", Shown(entry.series)));
  }
  return entry;
}

}  // namespace vigil::exposition
