// SPDX-License-Identifier: Apache-2.0
#include "server/promql/histogram_literal.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "client-lib/model/histogram_text.h"

namespace vigil::promql {
namespace {

Result<double> ParseNumber(std::string_view text) {
  const std::optional<double> number = ParseFloat(text);
  if (!number) return BadData(fmt::format("{} in a histogram is no number", Quote(text)));
  return *number;
}

Result<int32_t> ParseInteger(std::string_view text) {
  const auto number = ParseInt(text);
  if (!number || *number < -1'000'000 || *number > 1'000'000) {
    return BadData(fmt::format("{} in a histogram is no small integer", Quote(text)));
  }
  return static_cast<int32_t>(*number);
}

Result<std::vector<double>> ParseNumbers(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) {
    return BadData(fmt::format("expected a list like [1 2 3], got {}", Quote(text)));
  }
  std::vector<double> numbers;
  for (const std::string_view part : Split(text.substr(1, text.size() - 2), ' ')) {
    if (!part.empty()) numbers.push_back(TRY(ParseNumber(part)));
  }
  return numbers;
}

Result<CounterResetHint> ParseHint(std::string_view text) {
  if (text == "unknown") return CounterResetHint::kUnknown;
  if (text == "reset") return CounterResetHint::kReset;
  if (text == "not_reset") return CounterResetHint::kNotReset;
  if (text == "gauge") return CounterResetHint::kGauge;
  return BadData(fmt::format("{} is no counter reset hint", Quote(text)));
}

// Takes `key:value` pairs; a value is a word or a list in brackets.
class LiteralReader {
 public:
  Result<HistogramLiteral> Read(std::string_view text) {
    size_t pos = 0;
    for (;;) {
      while (pos < text.size() && (text[pos] == ' ' || text[pos] == '\t')) ++pos;
      if (pos >= text.size()) break;
      const size_t colon = text.find(':', pos);
      if (colon == std::string_view::npos) {
        return BadData(
            fmt::format("expected key:value in a histogram, got {}", Quote(text.substr(pos))));
      }
      const bool list = colon + 1 < text.size() && text[colon + 1] == '[';
      size_t end = list ? text.find(']', colon) : text.find_first_of(" \t", colon);
      if (list && end == std::string_view::npos) return BadData("list in a histogram has no end");
      if (list) ++end;
      if (end == std::string_view::npos) end = text.size();
      TRY(Set(text.substr(pos, colon - pos), text.substr(colon + 1, end - colon - 1)));
      pos = end;
    }
    if (!positive_.empty()) {
      literal_.histogram.positive_spans = {{offset_, static_cast<uint32_t>(positive_.size())}};
    }
    if (!negative_.empty()) {
      literal_.histogram.negative_spans = {{n_offset_, static_cast<uint32_t>(negative_.size())}};
    }
    literal_.histogram.positive_buckets = std::move(positive_);
    literal_.histogram.negative_buckets = std::move(negative_);
    TRY(FitSchema(&literal_.histogram));
    return std::move(literal_);
  }

 private:
  Result<void> Set(std::string_view key, std::string_view value) {
    Histogram& h = literal_.histogram;
    if (key == "schema") {
      h.schema = TRY(ParseInteger(value));
    } else if (key == "sum") {
      h.sum = TRY(ParseNumber(value));
    } else if (key == "count") {
      h.count = TRY(ParseNumber(value));
    } else if (key == "z_bucket") {
      h.zero_count = TRY(ParseNumber(value));
    } else if (key == "z_bucket_w") {
      h.zero_threshold = TRY(ParseNumber(value));
    } else if (key == "buckets") {
      positive_ = TRY(ParseNumbers(value));
    } else if (key == "n_buckets") {
      negative_ = TRY(ParseNumbers(value));
    } else if (key == "custom_values") {
      h.custom_values = TRY(ParseNumbers(value));
    } else if (key == "offset") {
      offset_ = TRY(ParseInteger(value));
    } else if (key == "n_offset") {
      n_offset_ = TRY(ParseInteger(value));
    } else if (key == "counter_reset_hint") {
      h.reset_hint = TRY(ParseHint(value));
      literal_.hint_set = true;
    } else {
      return BadData(fmt::format("{} is no part of a histogram", Quote(key)));
    }
    return Ok();
  }

  HistogramLiteral literal_;
  std::vector<double> positive_;
  std::vector<double> negative_;
  int32_t offset_ = 0;
  int32_t n_offset_ = 0;
};

}  // namespace

Result<HistogramLiteral> ParseHistogramLiteral(std::string_view text) {
  return LiteralReader().Read(text);
}

}  // namespace vigil::promql
