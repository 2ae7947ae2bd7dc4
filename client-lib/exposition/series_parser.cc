// SPDX-License-Identifier: Apache-2.0
// Name and labels of one series: the part of a page that is read once per new series.
#include <fmt/format.h>

#include <algorithm>

#include "client-lib/base/strings.h"
#include "client-lib/exposition/text_reader.h"

namespace vigil::exposition {
namespace {

bool IsNameChar(char c, bool colon) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (colon && c == ':');
}

// Threads: owner thread only. Views of the text must outlive it.
class SeriesParser {
 public:
  SeriesParser(std::string_view text, SeriesPairs* out) : all_(text), rest_(text), out_(out) {}

  Result<void> Parse() {
    out_->clear();
    if (!At('{')) TRY(SetMetricName(std::string(TRY(BareName(true)))));
    SkipBlanks();
    if (At('{')) {
      rest_.remove_prefix(1);
      TRY(Labels());
    }
    SkipBlanks();
    if (!rest_.empty()) return Expected("nothing but labels behind the metric name");
    if (!named_) return BadData("no metric name in " + Quote(all_));
    return Ok();
  }

  // Labels in braces, without a metric name.
  Result<void> ParseLabels() {
    out_->clear();
    if (!At('{')) return Expected("labels in braces");
    rest_.remove_prefix(1);
    TRY(Labels());
    if (!rest_.empty()) return Expected("nothing behind the labels");
    if (named_) return BadData("a metric name among the labels " + Quote(all_));
    return Ok();
  }

 private:
  [[nodiscard]] bool At(char c) const { return rest_.starts_with(c); }
  void SkipBlanks() {
    while (At(' ') || At('\t')) rest_.remove_prefix(1);
  }
  [[nodiscard]] Error Expected(std::string_view what) const {
    const std::string got = rest_.empty() ? "the end" : Quote(rest_.substr(0, 20));
    return BadData(fmt::format("expected {} in {}, got {}", what, Quote(all_), got));
  }

  Result<std::string_view> BareName(bool metric) {
    size_t length = 0;
    while (length < rest_.size() && IsNameChar(rest_[length], metric)) ++length;
    const std::string_view name = rest_.substr(0, length);
    const bool valid = metric ? IsLegacyMetricName(name) : IsLegacyLabelName(name);
    if (!valid) return Expected(metric ? "a metric name" : "a label name");
    rest_.remove_prefix(length);
    return name;
  }

  // REQUIRES: At('"'). \\, \" and \n are escapes; any other backslash stands for itself.
  Result<std::string> QuotedText() {
    std::string text;
    for (size_t i = 1; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (c == '"') {
        if (!IsValidUtf8(text)) return BadData("invalid UTF-8 in " + Quote(all_));
        rest_.remove_prefix(i + 1);
        return text;
      }
      if (c == '\0') return BadData("a zero byte in " + Quote(all_));
      const char next = c == '\\' && i + 1 < rest_.size() ? rest_[i + 1] : '\0';
      if (next == '\\' || next == '"' || next == 'n') {
        text += next == 'n' ? '\n' : next;
        ++i;
      } else {
        text += c;
      }
    }
    return Expected("a closing quote");
  }

  // Behind the opening brace. Commas between labels may be missing, one at the end may be there:
  // upstream takes both.
  Result<void> Labels() {
    for (;;) {
      SkipBlanks();
      if (At('}')) break;
      TRY(Label());
      SkipBlanks();
      if (At(',')) rest_.remove_prefix(1);
    }
    rest_.remove_prefix(1);
    return Ok();
  }

  // name="value", "name"="value" or the quoted metric name alone.
  Result<void> Label() {
    const bool quoted = At('"');
    std::string name = quoted ? TRY(QuotedText()) : std::string(TRY(BareName(false)));
    SkipBlanks();
    if (quoted && (At(',') || At('}'))) {
      if (name.empty()) return BadData("an empty metric name in " + Quote(all_));
      return SetMetricName(std::move(name));
    }
    if (!At('=')) return Expected("= after the label name");
    rest_.remove_prefix(1);
    SkipBlanks();
    if (!At('"')) return Expected("a quoted label value");
    if (name.empty()) return BadData("an empty label name in " + Quote(all_));
    return AddLabel(std::move(name), TRY(QuotedText()));
  }

  Result<void> SetMetricName(std::string name) {
    if (named_) return BadData("a second metric name in " + Quote(all_));
    named_ = true;
    out_->emplace(out_->begin(), std::string(kMetricName), std::move(name));
    return Ok();
  }

  Result<void> AddLabel(std::string name, std::string value) {
    const bool twice = std::any_of(out_->begin(), out_->end(),
                                   [&](const auto& pair) { return pair.first == name; });
    // The metric name has its own place; as a label it would be a second one.
    if (twice || name == kMetricName) {
      return BadData(fmt::format("label name {} is not unique in {}", Quote(name), Quote(all_)));
    }
    out_->emplace_back(std::move(name), std::move(value));
    return Ok();
  }

  std::string_view all_;
  std::string_view rest_;
  SeriesPairs* out_;
  bool named_ = false;
};

}  // namespace

Result<void> ParseSeriesPairs(std::string_view series, SeriesPairs* out) {
  return SeriesParser(series, out).Parse();
}

Result<void> ParseExemplarLabels(std::string_view text, SeriesPairs* out) {
  return SeriesParser(text, out).ParseLabels();
}

Result<void> ParseSeries(std::string_view series, LabelsBuilder* out) {
  SeriesPairs pairs;
  TRY(ParseSeriesPairs(series, &pairs));
  out->Reset();
  for (const auto& [name, value] : pairs) out->Set(name, value);
  return Ok();
}

}  // namespace vigil::exposition
