// SPDX-License-Identifier: Apache-2.0
// The reader: script cases (as in text_reader_test.cc), and random pages against a slow twin.
#include "client-lib/exposition/open_metrics_reader.h"

#include <gtest/gtest.h>

#include <random>

#include "client-lib/model/float_text.h"
#include "tests/support/page_case.h"
#include "tests/support/script_cases.h"

namespace vigil::exposition {
namespace {

using testing_support::PageOf;
using testing_support::ScriptCase;

std::string Number(double value, const std::optional<TimestampMs>& timestamp) {
  std::string text = " " + FormatFloatG(value);
  if (timestamp) text += " @" + std::to_string(*timestamp);
  return text;
}

// What the reader and the label parser make of a line.
Result<std::string> PrintedOpenMetrics(const Entry& entry, const ExemplarText* exemplar) {
  if (entry.kind == EntryKind::kHelp) {
    return "help " + Quote(entry.series) + " " + Quote(UnescapeHelp(entry.help));
  }
  if (entry.kind == EntryKind::kUnit) {
    return "unit " + Quote(entry.series) + " " + Quote(entry.help);
  }
  if (entry.kind == EntryKind::kType) {
    return "type " + Quote(entry.series) + " " + std::string(MetricTypeName(entry.type));
  }
  LabelsBuilder labels;
  TRY(ParseSeries(entry.series, &labels));
  std::string text = labels.Build().ToMetricString() + Number(entry.value, entry.timestamp);
  if (exemplar == nullptr) return text;
  SeriesPairs pairs;
  TRY(ParseExemplarLabels(exemplar->labels, &pairs));
  labels.Reset();
  for (const auto& [name, value] : pairs) labels.Set(name, value);
  return text + " # " + labels.Build().ToString() + Number(exemplar->value, exemplar->timestamp);
}

std::vector<std::string> Events(std::string_view page) {
  std::vector<std::string> events;
  OpenMetricsReader reader(page);
  for (;;) {
    const Result<Entry> entry = reader.Next();
    if (!entry) {
      events.push_back("error: " + entry.error().message);
      return events;
    }
    if (entry->kind == EntryKind::kEnd) return events;
    const Result<std::string> text = PrintedOpenMetrics(*entry, reader.exemplar());
    if (!text) {
      events.push_back("error: line " + std::to_string(reader.line()) + ": " +
                       text.error().message);
      return events;
    }
    events.push_back(*text);
  }
}

std::vector<std::string> RunOpenMetricsCase(const ScriptCase& one) {
  std::vector<std::string> events = Events(PageOf(one));
  return events.empty() ? std::vector<std::string>{"nothing"} : events;
}

TEST(OpenMetricsReader, Scripts) {
  testing_support::RunScripts("open_metrics", RunOpenMetricsCase);
}

TEST(OpenMetricsReader, SeriesIsTheRawText) {
  OpenMetricsReader reader("a{b=\"c # {d\"} 1\nx 2 # {y=\"z\"} 3 4\n# EOF\n");
  EXPECT_EQ(reader.Next()->series, "a{b=\"c # {d\"}");
  EXPECT_EQ(reader.exemplar(), nullptr);
  EXPECT_EQ(reader.Next()->series, "x");
  ASSERT_NE(reader.exemplar(), nullptr);
  EXPECT_EQ(reader.exemplar()->labels, "{y=\"z\"}");
  EXPECT_EQ(reader.line(), 2U);
  EXPECT_EQ(reader.Next()->kind, EntryKind::kEnd);
  EXPECT_EQ(reader.exemplar(), nullptr);
  EXPECT_EQ(reader.Next()->kind, EntryKind::kEnd);
}

// The slow twin: a sample line from the front, one character after the other, with no shortcut.
// Only lines without label escapes and with plain names, as the test makes them.
class SlowLine {
 public:
  explicit SlowLine(const std::string& text) : text_(text) {}

  // False: the line is wrong.
  bool Read(std::string* out) {
    while (at_ < text_.size() && text_[at_] != ' ' && text_[at_] != '{') *out += text_[at_++];
    if (out->empty()) return false;
    if (Is('{') && !Labels(out)) return false;
    if (!Numbers(out)) return false;
    if (at_ == text_.size()) return true;
    if (text_.substr(at_, 3) != " # ") return false;
    *out += " # ";
    at_ += 3;
    return Labels(out) && Numbers(out) && at_ == text_.size();
  }

 private:
  [[nodiscard]] bool Is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool Labels(std::string* out) {
    if (!Is('{')) return false;
    bool quoted = false;
    for (; at_ < text_.size(); ++at_) {
      *out += text_[at_];
      if (text_[at_] == '"') quoted = !quoted;
      if (!quoted && text_[at_] == '}') {
        ++at_;
        return true;
      }
    }
    return false;
  }
  bool Numbers(std::string* out) {
    for (int numbers = 0;; ++numbers) {
      const bool more = Is(' ') && text_.substr(at_, 3) != " # ";
      if (!more) return numbers > 0 && numbers < 3;
      ++at_;
      std::string word;
      while (at_ < text_.size() && text_[at_] != ' ') word += text_[at_++];
      const std::optional<double> number = ParseExpositionFloat(word);
      if (!number) return false;
      *out += numbers == 0 ? "=" + FormatFloatG(*number)
                           : "@" + std::to_string(static_cast<int64_t>(*number * 1000));
    }
  }

  std::string text_;
  size_t at_ = 0;
};

// *readable: the labels can be read, too. The line reader alone does not look into them.
std::string Fast(const std::string& line, bool* good, bool* readable) {
  const std::string page = line + "\n# EOF\n";
  OpenMetricsReader reader(page);
  const Result<Entry> entry = reader.Next();
  *good = *readable = entry.has_value();
  if (!entry) return {};
  SeriesPairs pairs;
  *readable = ParseSeriesPairs(entry->series, &pairs).has_value();
  const auto number = [](double value, const std::optional<TimestampMs>& timestamp) {
    return "=" + FormatFloatG(value) + (timestamp ? "@" + std::to_string(*timestamp) : "");
  };
  std::string text = std::string(entry->series) + number(entry->value, entry->timestamp);
  if (const ExemplarText* exemplar = reader.exemplar(); exemplar != nullptr) {
    text += " # " + std::string(exemplar->labels) + number(exemplar->value, exemplar->timestamp);
  }
  return text;
}

TEST(OpenMetricsReader, AgreesWithTheSlowTwin) {
  const std::string_view pieces[] = {
      "a",    "_total", "{",   "}",  "b=\"", "\"", "c",  ",",   " ",         " # ",
      " # {", "1",      "2.5", "-3", "x",    "#",  " 1", "} 1", "{b=\"c\"}", "{d=\"} # {\"}"};
  std::mt19937_64 random(8);
  size_t good_lines = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string line = "a";
    for (uint64_t i = random() % 9; i > 0; --i) line += pieces[random() % std::size(pieces)];
    bool good = false;
    bool readable = false;
    const std::string fast = Fast(line, &good, &readable);
    std::string slow;
    const bool slow_good = SlowLine(line).Read(&slow);
    ASSERT_TRUE(!slow_good || good) << line;
    ASSERT_TRUE(!readable || slow_good) << line;
    if (!readable) continue;
    ++good_lines;
    ASSERT_EQ(fast, slow) << line;
  }
  EXPECT_GT(good_lines, 1000U);
}

}  // namespace
}  // namespace vigil::exposition
