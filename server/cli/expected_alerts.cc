// SPDX-License-Identifier: Apache-2.0
#include "server/cli/expected_alerts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"

namespace vigil::cli {
namespace {

constexpr std::string_view kRed = "\033[0;31m";
constexpr std::string_view kGreen = "\033[0;32m";
constexpr std::string_view kYellow = "\033[0;33m";
constexpr std::string_view kPlain = "\033[0m";
constexpr std::string_view kDiffIndent = "    ";

std::string ScientificText(double value) {
  std::string text = FormatFloatE(value);
  std::replace(text.begin(), text.end(), 'e', 'E');
  return text;
}

bool SameValue(double a, double b, bool fuzzy) {
  if (a == b) return true;
  const double infinity = std::numeric_limits<double>::infinity();
  return fuzzy && (std::nextafter(a, -infinity) == b || std::nextafter(a, infinity) == b);
}

// One member, element or bracket of the JSON, on a line of its own.
class DiffWriter {
 public:
  void Line(std::string_view text, std::string_view colour = {}) {
    for (size_t i = 0; i < depth_; ++i) out_ += kDiffIndent;
    if (!colour.empty()) out_ += colour;
    out_ += text;
    if (!colour.empty()) out_ += kPlain;
    out_ += '\n';
  }
  void Open(std::string_view text, std::string_view colour = {}) {
    Line(text, colour);
    ++depth_;
  }
  void Close(std::string_view text, std::string_view colour = {}) {
    --depth_;
    Line(text, colour);
  }
  std::string Take() {
    if (out_.ends_with('\n')) out_.pop_back();
    return std::move(out_);
  }

 private:
  std::string out_;
  size_t depth_ = 0;
};

// The members of both label sets, by name.
void DiffMembers(const Labels& expected, const Labels& got, DiffWriter* writer) {
  std::vector<std::string_view> names;
  for (const LabelView& label : expected) names.push_back(label.name);
  for (const LabelView& label : got) names.push_back(label.name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string_view comma = i + 1 < names.size() ? "," : "";
    const std::string key = Quote(names[i]) + ": ";
    const auto line = [&](const Labels& from) {
      return key + Quote(from.Get(names[i])) + std::string(comma);
    };
    if (!got.Has(names[i])) {
      writer->Line(line(expected), kRed);
    } else if (!expected.Has(names[i])) {
      writer->Line(line(got), kGreen);
    } else if (expected.Get(names[i]) == got.Get(names[i])) {
      writer->Line(line(got));
    } else {
      std::string text = key;
      text.append(kYellow).append(Quote(expected.Get(names[i]))).append(" => ");
      text.append(Quote(got.Get(names[i]))).append(kPlain).append(comma);
      writer->Line(text);
    }
  }
}

// expected or got may be null: then the other one alone, in its colour.
void DiffAlert(const AlertText* expected, const AlertText* got, std::string_view comma,
               DiffWriter* writer) {
  static const AlertText kNone;
  const AlertText& a = expected == nullptr ? kNone : *expected;
  const AlertText& b = got == nullptr ? kNone : *got;
  const std::string_view colour = expected == nullptr ? kGreen : got == nullptr ? kRed : "";
  writer->Open("{", colour);
  writer->Open("\"Annotations\": {", colour);
  DiffMembers(a.annotations, b.annotations, writer);
  writer->Close("},", colour);
  writer->Open("\"Labels\": {", colour);
  DiffMembers(a.labels, b.labels, writer);
  writer->Close("}", colour);
  writer->Close("}" + std::string(comma), colour);
}

}  // namespace

void SortAlerts(std::vector<AlertText>* alerts) {
  std::sort(alerts->begin(), alerts->end(), [](const AlertText& a, const AlertText& b) {
    return std::tie(a.labels, a.annotations) < std::tie(b.labels, b.annotations);
  });
}

std::string PrintAlerts(const std::vector<AlertText>& alerts) {
  if (alerts.empty()) return "[]";
  std::string out = "[\n";
  for (size_t i = 0; i < alerts.size(); ++i) {
    if (i > 0) out += ",\n";
    out += std::to_string(i) + ":\n  Labels:" + alerts[i].labels.ToString() +
           "\n  Annotations:" + alerts[i].annotations.ToString();
  }
  return out + "\n]";
}

std::string DiffAlerts(const std::vector<AlertText>& expected, const std::vector<AlertText>& got) {
  DiffWriter writer;
  writer.Open("[");
  const size_t count = std::max(expected.size(), got.size());
  for (size_t i = 0; i < count; ++i) {
    DiffAlert(i < expected.size() ? &expected[i] : nullptr, i < got.size() ? &got[i] : nullptr,
              i + 1 < count ? "," : "", &writer);
  }
  writer.Close("]");
  return writer.Take();
}

void SortSamples(std::vector<SampleText>* samples) {
  std::stable_sort(samples->begin(), samples->end(),
                   [](const SampleText& a, const SampleText& b) { return a.labels < b.labels; });
}

bool SameSamples(const std::vector<SampleText>& a, const std::vector<SampleText>& b, bool fuzzy) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [fuzzy](const SampleText& x, const SampleText& y) {
                      return x.labels == y.labels && x.histogram == y.histogram &&
                             SameValue(x.value, y.value, fuzzy);
                    });
}

std::string PrintSamples(const std::vector<SampleText>& samples) {
  if (samples.empty()) return "nil";
  std::string out;
  for (const SampleText& sample : samples) {
    if (!out.empty()) out += ", ";
    out += sample.labels.ToString() + " " +
           (sample.histogram.empty() ? ScientificText(sample.value) : sample.histogram);
  }
  return out;
}

std::string IndentLines(std::string_view lines, std::string_view indent) {
  std::string out;
  for (const char c : lines) {
    out += c;
    if (c == '\n') out += indent;
  }
  return out;
}

}  // namespace vigil::cli
