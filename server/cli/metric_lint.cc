// SPDX-License-Identifier: Apache-2.0
#include "server/cli/metric_lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "client-lib/base/strings.h"

namespace vigil::cli {
namespace {

using exposition::Family;
using exposition::MetricType;

struct UnitRow {
  std::string_view unit;
  std::string_view base;
};

constexpr std::array kUnits = {
    UnitRow{"amperes", "amperes"}, UnitRow{"bytes", "bytes"},     UnitRow{"celsius", "celsius"},
    UnitRow{"grams", "grams"},     UnitRow{"joules", "joules"},   UnitRow{"kelvin", "kelvin"},
    UnitRow{"meters", "meters"},   UnitRow{"metres", "metres"},   UnitRow{"seconds", "seconds"},
    UnitRow{"volts", "volts"},     UnitRow{"minutes", "seconds"}, UnitRow{"hours", "seconds"},
    UnitRow{"days", "seconds"},    UnitRow{"weeks", "seconds"},   UnitRow{"kelvins", "kelvin"},
    UnitRow{"rankine", "celsius"}, UnitRow{"inches", "meters"},   UnitRow{"yards", "meters"},
    UnitRow{"miles", "meters"},    UnitRow{"bits", "bytes"},      UnitRow{"calories", "joules"},
    UnitRow{"pounds", "grams"},    UnitRow{"ounces", "grams"},    UnitRow{"fahrenheit", "celsius"},
};

constexpr std::array<std::string_view, 18> kUnitPrefixes = {
    "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo",
    "kibi", "mega", "mibi",  "giga",  "gibi",  "tera", "tebi", "peta",  "pebi"};

constexpr std::array<std::string_view, 14> kAbbreviations = {
    "s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"};

constexpr std::array<std::string_view, 5> kTypeNames = {"counter", "gauge", "summary", "histogram",
                                                        "gauge_histogram"};

std::string_view BaseUnit(std::string_view unit) {
  for (const UnitRow& row : kUnits) {
    if (row.unit == unit) return row.base;
  }
  return {};
}

// The first unit in the name and its base; empty when there is none.
UnitRow UnitIn(std::string_view name) {
  for (const std::string_view word : Split(name, '_')) {
    if (const std::string_view base = BaseUnit(word); !base.empty()) return {word, base};
    for (const std::string_view prefix : kUnitPrefixes) {
      if (!word.starts_with(prefix)) continue;
      if (const auto base = BaseUnit(word.substr(prefix.size())); !base.empty()) {
        return {word, base};
      }
    }
  }
  return {};
}

bool HasCamelCase(std::string_view name) {
  for (size_t i = 1; i < name.size(); ++i) {
    const bool lower = name[i - 1] >= 'a' && name[i - 1] <= 'z';
    if (lower && name[i] >= 'A' && name[i] <= 'Z') return true;
  }
  return false;
}

// Between underscores, or at the end behind one.
bool HasWord(std::string_view name, std::string_view word) {
  const std::string text = "_" + std::string(word);
  return name.find(text + "_") != std::string_view::npos || name.ends_with(text);
}

// The problems of one family.
class FamilyLinter {
 public:
  FamilyLinter(const Family& family, std::vector<MetricProblem>* out)
      : family_(family), name_(family.name), out_(out) {}

  void Lint() {
    if (family_.help.empty()) Add("no help text");
    const UnitRow unit = UnitIn(name_);
    if (unit.unit != unit.base) {
      Add(fmt::format("use base unit {} instead of {}", Quote(unit.base), Quote(unit.unit)));
    }
    LintSuffixes();
    LintLabels();
    const std::string lower = AsciiLower(name_);
    for (const std::string_view type : kTypeNames) {
      if (HasWord(lower, type)) Add(fmt::format("metric name should not include type '{}'", type));
    }
    if (name_.find(':') != std::string_view::npos) Add("metric names should not contain ':'");
    if (HasCamelCase(name_)) {
      Add("metric names should be written in 'snake_case' not 'camelCase'");
    }
    for (const std::string_view word : kAbbreviations) {
      if (HasWord(lower, word)) Add("metric names should not contain abbreviated units");
    }
  }

 private:
  void Add(std::string text) { out_->push_back({std::string(name_), std::move(text)}); }

  void LintSuffixes() {
    const bool total = name_.ends_with("_total");
    const bool counter = family_.type == MetricType::kCounter;
    if (counter && !total) Add("counter metrics should have \"_total\" suffix");
    if (family_.type == MetricType::kUnknown) return;
    if (!counter && total) Add("non-counter metrics should not have \"_total\" suffix");
    const bool histogram = family_.type == MetricType::kHistogram;
    const bool summary = family_.type == MetricType::kSummary;
    if (!histogram && name_.ends_with("_bucket")) {
      Add("non-histogram metrics should not have \"_bucket\" suffix");
    }
    for (const std::string_view suffix : {"_count", "_sum"}) {
      if (histogram || summary || !name_.ends_with(suffix)) continue;
      Add(fmt::format("non-histogram and non-summary metrics should not have \"{}\" suffix",
                      suffix));
    }
  }

  void LintLabels() {
    const bool typed = family_.type != MetricType::kUnknown;
    const bool histogram = family_.type == MetricType::kHistogram;
    const bool summary = family_.type == MetricType::kSummary;
    for (const exposition::Point& point : family_.points) {
      // Buckets, sum and count of a histogram are one metric: looked at once.
      if (!point.suffix.empty() && point.suffix != "_count") continue;
      if (summary && point.labels.Has("quantile")) continue;
      for (const LabelView label : point.labels) {
        if (typed && !histogram && label.name == "le") {
          Add("non-histogram metrics should not have \"le\" label");
        }
        if (typed && !summary && label.name == "quantile") {
          Add("non-summary metrics should not have \"quantile\" label");
        }
        if (HasCamelCase(label.name)) {
          Add("label names should be written in 'snake_case' not 'camelCase'");
        }
      }
    }
  }

  const Family& family_;
  const std::string_view name_;
  std::vector<MetricProblem>* out_;
};

}  // namespace

std::vector<MetricProblem> LintMetrics(const std::vector<Family>& families) {
  std::vector<MetricProblem> problems;
  for (const Family& family : families) FamilyLinter(family, &problems).Lint();
  std::stable_sort(problems.begin(), problems.end());
  return problems;
}

}  // namespace vigil::cli
