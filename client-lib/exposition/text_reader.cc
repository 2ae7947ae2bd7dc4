// SPDX-License-Identifier: Apache-2.0
// The line reader. A sample line is split from its end: value and timestamp hold neither blanks nor
// braces, so the last `}` closes the labels and nothing before it needs to be looked at. Should the
// text in front be anything but name and labels, ParseSeries refuses it.
#include "client-lib/exposition/text_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "client-lib/base/strings.h"
#include "client-lib/exposition/line_text.h"
#include "client-lib/model/float_text.h"

namespace vigil::exposition {
namespace {

void SkipBlanks(std::string_view* text) {
  while (!text->empty() && IsBlank(text->front())) text->remove_prefix(1);
}
void TrimBlanksBehind(std::string_view* text) {
  while (!text->empty() && IsBlank(text->back())) text->remove_suffix(1);
}

// Takes the last word off the text, up to a blank or the brace that closes the labels.
std::string_view TakeLastWord(std::string_view* text) {
  size_t begin = text->size();
  while (begin > 0 && !IsBlank((*text)[begin - 1]) && (*text)[begin - 1] != '}') --begin;
  const std::string_view word = text->substr(begin);
  text->remove_suffix(word.size());
  return word;
}

std::string_view LineEndHint(std::string_view word) {
  return word.ends_with('\r') ? ": lines must end with \\n alone, not \\r\\n" : "";
}

struct TypeName {
  MetricType type;
  std::string_view name;
};
constexpr TypeName kTypeNames[] = {
    {MetricType::kUnknown, "unknown"}, {MetricType::kCounter, "counter"},
    {MetricType::kGauge, "gauge"},     {MetricType::kHistogram, "histogram"},
    {MetricType::kSummary, "summary"}, {MetricType::kGaugeHistogram, "gaugehistogram"},
    {MetricType::kInfo, "info"},       {MetricType::kStateSet, "stateset"},
};

// The five words of the text format.
std::optional<MetricType> ParseTextType(std::string_view text) {
  if (text == "counter") return MetricType::kCounter;
  if (text == "gauge") return MetricType::kGauge;
  if (text == "histogram") return MetricType::kHistogram;
  if (text == "summary") return MetricType::kSummary;
  if (text == "untyped") return MetricType::kUnknown;
  return std::nullopt;
}

// Takes "HELP" or "TYPE" with the blanks around it off a comment line.
bool TakeKeyword(std::string_view* line, std::string_view keyword) {
  std::string_view rest = *line;
  rest.remove_prefix(1);
  if (rest.empty() || !IsBlank(rest.front())) return false;
  SkipBlanks(&rest);
  if (!rest.starts_with(keyword)) return false;
  rest.remove_prefix(keyword.size());
  if (rest.empty() || !IsBlank(rest.front())) return false;
  SkipBlanks(&rest);
  *line = rest;
  return true;
}

}  // namespace

std::string_view MetricTypeName(MetricType type) {
  for (const TypeName& row : kTypeNames) {
    if (row.type == type) return row.name;
  }
  return "unknown";
}

Error TextReader::Fail(std::string_view what) const {
  return BadData(fmt::format("line {}: {}", line_, what));
}

Result<bool> TextReader::TakeLine(std::string_view* line) {
  if (pos_ == page_.size()) return false;
  ++line_;
  const char* const begin = page_.data() + pos_;
  const size_t left = page_.size() - pos_;
  const void* const newline = std::memchr(begin, '\n', left);
  if (newline == nullptr) {
    if (last_line_ == LastLine::kNeedsNewline) {
      return Fail("the page ends within a line: a newline is missing behind " +
                  Shown({begin, left}));
    }
    *line = {begin, left};
    pos_ = page_.size();
    return true;
  }
  *line = {begin, static_cast<size_t>(static_cast<const char*>(newline) - begin)};
  pos_ += line->size() + 1;
  return true;
}

Result<Entry> TextReader::Next() {
  std::string_view line;
  while (TRY(TakeLine(&line))) {
    SkipBlanks(&line);
    if (line.empty()) continue;
    if (line.front() != '#') return ReadSample(line);
    Entry entry;
    if (TRY(ReadComment(line, &entry))) return entry;
  }
  return Entry{};
}

Result<Entry> TextReader::ReadSample(std::string_view line) const {
  Entry entry;
  entry.kind = EntryKind::kSample;
  std::string_view rest = line;
  TrimBlanksBehind(&rest);
  std::string_view value = TakeLastWord(&rest);
  TrimBlanksBehind(&rest);
  std::string_view timestamp;
  if (!rest.empty() && rest.back() != '}') {
    // Another word: either the metric's name without labels, or the value before a timestamp.
    std::string_view before = rest;
    const std::string_view word = TakeLastWord(&before);
    if (!before.empty()) {
      timestamp = value;
      value = word;
      rest = before;
      TrimBlanksBehind(&rest);
    }
  }
  entry.series = rest;
  if (rest.empty() || value.empty()) {
    return Fail("expected a value after " + Shown(line) + ", got the end of the line");
  }
  const std::optional<double> number = ParseExpositionFloat(value);
  if (!number) {
    return Fail(fmt::format("expected a value after the metric name, got {}{}", Shown(value),
                            LineEndHint(value)));
  }
  entry.value = std::isnan(*number) ? NormalNaN() : *number;
  if (!timestamp.empty()) {
    entry.timestamp = timestamp.front() == '+' ? std::nullopt : ParseInt(timestamp);
    if (!entry.timestamp) {
      return Fail(
          fmt::format("expected a timestamp in whole milliseconds after the value, got {}{}",
                      Shown(timestamp), LineEndHint(timestamp)));
    }
  }
  return entry;
}

Result<bool> TextReader::ReadComment(std::string_view line, Entry* entry) const {
  const bool help = TakeKeyword(&line, "HELP");
  if (!help && !TakeKeyword(&line, "TYPE")) return false;
  const std::string_view keyword = help ? "HELP" : "TYPE";
  const std::string_view all = line;
  entry->series = TakeFamilyName(&line);
  if (entry->series.empty()) {
    return Fail(fmt::format("expected a metric name after {}, got {}", keyword, Shown(all)));
  }
  if (!line.empty() && !IsBlank(line.front())) {
    return Fail(fmt::format("expected a blank after the metric name, got {}", Shown(line)));
  }
  if (!IsValidUtf8(line) || !IsValidUtf8(entry->series)) {
    return Fail(fmt::format("the {} line is not valid UTF-8", keyword));
  }
  // One blank belongs to the grammar, more would belong to the text.
  if (!line.empty()) line.remove_prefix(1);
  if (help) {
    entry->kind = EntryKind::kHelp;
    entry->help = line;
    return true;
  }
  const std::optional<MetricType> type = ParseTextType(line);
  if (!type) {
    return Fail(fmt::format("invalid metric type {} of {}{}", Shown(line), Shown(entry->series),
                            LineEndHint(line)));
  }
  entry->kind = EntryKind::kType;
  entry->type = *type;
  return true;
}

std::string UnescapeHelp(std::string_view help) {
  std::string text;
  text.reserve(help.size());
  for (size_t i = 0; i < help.size(); ++i) {
    const char next = help[i] == '\\' && i + 1 < help.size() ? help[i + 1] : '\0';
    if (next == '\\' || next == 'n') {
      text += next == 'n' ? '\n' : '\\';
      ++i;
    } else {
      text += help[i];
    }
  }
  return text;
}

}  // namespace vigil::exposition
