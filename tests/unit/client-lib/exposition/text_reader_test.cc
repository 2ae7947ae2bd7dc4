// SPDX-License-Identifier: Apache-2.0
// The reader: script cases, and random pages against a slow twin.
//   | a line of the page
//   |\ a piece of the page with escapes (\n \r \t \\ \xNN) and no newline of its own
//   > what the reader and ParseSeries make of it
#include "client-lib/exposition/text_reader.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <random>

#include "client-lib/exposition/families.h"
#include "client-lib/model/float_text.h"
#include "tests/support/page_case.h"
#include "tests/support/script_cases.h"

namespace vigil::exposition {
namespace {

using testing_support::PageOf;
using testing_support::ScriptCase;

std::string PrintedText(const Entry& entry, const LabelsBuilder& labels) {
  switch (entry.kind) {
    case EntryKind::kHelp:
      return "help " + Quote(entry.series) + " " + Quote(UnescapeHelp(entry.help));
    case EntryKind::kType:
      return "type " + Quote(entry.series) + " " + std::string(MetricTypeName(entry.type));
    case EntryKind::kSample: {
      std::string text = labels.Build().ToMetricString() + " " + FormatFloatG(entry.value);
      if (entry.timestamp) text += " @" + std::to_string(*entry.timestamp);
      return text;
    }
    case EntryKind::kUnit:  // of OpenMetrics
    case EntryKind::kEnd:
      break;
  }
  return "end";
}

// Every line's meaning, up to the end or the first error.
std::vector<std::string> Events(std::string_view page, LastLine last_line) {
  std::vector<std::string> events;
  TextReader reader(page, last_line);
  LabelsBuilder labels;
  for (;;) {
    const Result<Entry> entry = reader.Next();
    if (!entry) {
      events.push_back("error: " + entry.error().message);
      return events;
    }
    if (entry->kind == EntryKind::kEnd) return events;
    if (entry->kind == EntryKind::kSample) {
      if (const Result<void> parsed = ParseSeries(entry->series, &labels); !parsed) {
        events.push_back("error: line " + std::to_string(reader.line()) + ": " +
                         parsed.error().message);
        return events;
      }
    }
    events.push_back(PrintedText(*entry, labels));
  }
}

std::vector<std::string> RunTextCase(const ScriptCase& one) {
  std::vector<std::string> events = Events(PageOf(one), LastLine::kNeedsNewline);
  return events.empty() ? std::vector<std::string>{"nothing"} : events;
}

TEST(TextReader, Scripts) { testing_support::RunScripts("exposition", RunTextCase); }

TEST(TextReader, RejectsHalfALine) {
  const std::string page = "a 1\nb 23";
  EXPECT_EQ(Events(page, LastLine::kNeedsNewline).back(),
            "error: line 2: the page ends within a line: a newline is missing behind \"b 23\"");
  EXPECT_EQ(Events(page, LastLine::kMayLackNewline), (std::vector<std::string>{"a 1", "b 23"}));
}

TEST(TextReader, SeriesIsTheRawText) {
  TextReader reader("  a{ b = \"c d\" , }\t 1  5 \nx\t2\n");
  const Entry first = *reader.Next();
  EXPECT_EQ(first.series, "a{ b = \"c d\" , }");
  EXPECT_EQ(first.timestamp, 5);
  const Entry second = *reader.Next();
  EXPECT_EQ(second.series, "x");
  EXPECT_EQ(second.timestamp, std::nullopt);
  EXPECT_EQ(reader.line(), 2U);
  EXPECT_EQ(reader.Next()->kind, EntryKind::kEnd);
  EXPECT_EQ(reader.Next()->kind, EntryKind::kEnd);
}

TEST(TextReader, EveryNaNBecomesTheNormalOne) {
  TextReader reader("a NaN\n");
  EXPECT_TRUE(SameBits(reader.Next()->value, NormalNaN()));
}

TEST(TextReader, LongGarbageIsCutInTheMessage) {
  const std::string page = "a " + std::string(10'000, 'x') + "\n";
  TextReader reader(page);
  EXPECT_LT(reader.Next().error().message.size(), 200U);
}

TEST(ParseSeriesPairs, KeepsOrderAndEmptyValues) {
  SeriesPairs pairs;
  ASSERT_TRUE(ParseSeriesPairs("{z=\"\",\"n.m\",a=\"1\"}", &pairs));
  EXPECT_EQ(pairs, (SeriesPairs{{"__name__", "n.m"}, {"z", ""}, {"a", "1"}}));
}

// The slow twin: one character after the other by the grammar, from the front, with no shortcut.
class SlowReader {
 public:
  explicit SlowReader(std::string page) : page_(std::move(page)) {}

  std::vector<std::string> Events() {
    while (pos_ < page_.size()) {
      std::string line;
      while (pos_ < page_.size() && page_[pos_] != '\n') line += page_[pos_++];
      if (pos_++ == page_.size()) return Error();
      if (!Line(line)) return Error();
    }
    return events_;
  }

 private:
  std::vector<std::string> Error() {
    events_.emplace_back("error");
    return events_;
  }
  static void Skip(const std::string& line, size_t* i) {
    while (*i < line.size() && (line[*i] == ' ' || line[*i] == '\t')) ++*i;
  }
  static std::string Word(const std::string& line, size_t* i) {
    std::string word;
    while (*i < line.size() && line[*i] != ' ' && line[*i] != '\t') word += line[(*i)++];
    return word;
  }
  static std::string Name(const std::string& line, size_t* i, bool colon) {
    std::string name;
    while (*i < line.size() && (std::isalnum(static_cast<unsigned char>(line[*i])) != 0 ||
                                line[*i] == '_' || (colon && line[*i] == ':'))) {
      name += line[(*i)++];
    }
    return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) != 0 ? "" : name;
  }
  static bool String(const std::string& line, size_t* i, std::string* out) {
    out->clear();
    if (*i == line.size() || line[*i] != '"') return false;
    for (++*i; *i < line.size() && line[*i] != '"'; ++*i) {
      if (line[*i] == '\0') return false;
      if (line[*i] == '\\' && *i + 1 < line.size()) {
        const char next = line[*i + 1];
        if (next == 'n' || next == '\\' || next == '"') {
          *out += next == 'n' ? '\n' : next;
          ++*i;
          continue;
        }
      }
      *out += line[*i];
    }
    return (*i)++ < line.size() && IsValidUtf8(*out);
  }

  bool Braces(const std::string& line, size_t* i, std::vector<LabelView>* labels,
              std::deque<std::string>* store) {
    for (;;) {
      Skip(line, i);
      if (*i == line.size()) return false;
      if (line[*i] == '}') break;
      const bool quoted = line[*i] == '"';
      std::string name;
      if (quoted ? !String(line, i, &name) : (name = Name(line, i, false)).empty()) return false;
      Skip(line, i);
      if (name.empty()) return false;
      std::string value;
      if (quoted && *i < line.size() && (line[*i] == ',' || line[*i] == '}')) {
        value = std::exchange(name, "__name__");
      } else {
        if (*i == line.size() || line[*i] != '=' || name == "__name__") return false;
        Skip(line, &++*i);
        if (!String(line, i, &value)) return false;
      }
      for (const LabelView& label : *labels) {
        if (label.name == name) return false;
      }
      store->push_back(name);
      const std::string_view kept = store->back();
      store->push_back(value);
      labels->push_back({kept, store->back()});
      Skip(line, i);
      if (*i < line.size() && line[*i] == ',') ++*i;
    }
    ++*i;
    return true;
  }

  bool Sample(const std::string& line, size_t i) {
    std::vector<LabelView> labels;
    std::deque<std::string> store;
    if (line[i] != '{') {
      store.push_back(Name(line, &i, true));
      if (store.back().empty()) return false;
      labels.push_back({"__name__", store.back()});
    }
    Skip(line, &i);
    if (i < line.size() && line[i] == '{') {
      if (!Braces(line, &++i, &labels, &store)) return false;
    } else if (i == line.size() || (line[i - 1] != ' ' && line[i - 1] != '\t')) {
      return false;
    }
    const Labels set = Labels::Of(labels);
    if (!set.Has("__name__")) return false;
    Skip(line, &i);
    const auto value = ParseExpositionFloat(Word(line, &i));
    if (!value) return false;
    std::string text = set.ToMetricString() + " " + FormatFloatG(*value);
    Skip(line, &i);
    if (i < line.size()) {
      const std::string word = Word(line, &i);
      if (word.find_first_not_of("0123456789-") != std::string::npos || !ParseInt(word))
        return false;
      text += " @" + std::to_string(*ParseInt(word));
      Skip(line, &i);
    }
    if (i != line.size()) return false;
    events_.push_back(text);
    return true;
  }

  bool Comment(const std::string& line, size_t i) {
    const size_t start = ++i;
    Skip(line, &i);
    const std::string keyword = Word(line, &i);
    if (i == start + keyword.size() || (keyword != "HELP" && keyword != "TYPE") ||
        i == line.size()) {
      return true;
    }
    Skip(line, &i);
    std::string name;
    if (i < line.size() && line[i] == '"') {
      const size_t begin = ++i;
      while (i < line.size() && line[i] != '"') i += line[i] == '\\' ? 2 : 1;
      if (i >= line.size()) return false;
      name = line.substr(begin, i++ - begin);
    } else {
      name = Name(line, &i, true);
    }
    if (name.empty() || (i < line.size() && line[i] != ' ' && line[i] != '\t')) return false;
    const std::string text = i < line.size() ? line.substr(i + 1) : "";
    if (!IsValidUtf8(text) || !IsValidUtf8(name)) return false;
    if (keyword == "HELP") {
      events_.push_back("help " + Quote(name) + " " + Quote(UnescapeHelp(text)));
      return true;
    }
    for (const char* type : {"counter", "gauge", "histogram", "summary", "untyped"}) {
      if (text != type) continue;
      events_.push_back("type " + Quote(name) + " " + (text == "untyped" ? "unknown" : text));
      return true;
    }
    return false;
  }

  bool Line(const std::string& line) {
    size_t i = 0;
    Skip(line, &i);
    if (i == line.size()) return true;
    return line[i] == '#' ? Comment(line, i) : Sample(line, i);
  }

  std::string page_;
  size_t pos_ = 0;
  std::vector<std::string> events_;
};

std::string Pick(std::mt19937* random, const std::vector<std::string>& pieces) {
  return pieces[(*random)() % pieces.size()];
}

// A line as exporters write them.
std::string RandomLine(std::mt19937* random) {
  if ((*random)() % 6 == 0) {
    return Pick(random, {"# HELP a Some \\\\ help\\n", "# TYPE a counter", "# TYPE \"a.b\" untyped",
                         "#", "# a comment", "", "  "});
  }
  std::string line = Pick(random, {"a", "b_total", "c:d", "{\"a.b\"", " a "});
  if (line[0] == '{' || (*random)() % 2 == 0) {
    if (line[0] != '{') line += "{";
    for (size_t i = (*random)() % 3; i > 0; --i) {
      line += Pick(random, {",", " , ", ", "}) + static_cast<char>('l' + (*random)() % 3) + "=";
      line += Pick(random, {"\"v\"", "\"} 1 2\"", "\"\\\"#\\\\\"", " \"\"", "\"\xc3\xa4\""});
    }
    line += Pick(random, {"}", ",}", " }"});
    if (const size_t at = line.find("{,"); at != std::string::npos) line.erase(at + 1, 1);
  }
  line += Pick(random, {" ", "\t", "  "}) + Pick(random, {"1", "-2.5", "NaN", "+Inf", "1e3"});
  return line + Pick(random, {"", "", " ", " 170000", "\t-5 "});
}

// Some good lines with a few pieces put in where they do not belong.
std::string RandomPage(std::mt19937* random) {
  std::string page;
  for (size_t i = 1 + (*random)() % 3; i > 0; --i) page += RandomLine(random) + "\n";
  for (size_t i = (*random)() % 3; i > 0; --i) {
    const std::string piece =
        Pick(random, {"{", "}", "=", ",", "\"", "\\", " ", "\t", "1", "x", "#", "\n", "\r", "\xff",
                      "l=\"v\"", "{a=\"b\"} ", "# TYPE ", "\xc3\xa4"});
    page.insert((*random)() % (page.size() + 1), piece);
  }
  if ((*random)() % 16 == 0) page.resize((*random)() % (page.size() + 1));
  return page;
}

TEST(TextReader, AgreesWithTheSlowTwin) {
  constexpr size_t kPages = 30'000;
  std::mt19937 random(11);
  size_t good = 0;
  for (size_t i = 0; i < kPages; ++i) {
    const std::string page = RandomPage(&random);
    std::vector<std::string> fast = Events(page, LastLine::kNeedsNewline);
    const bool failed = !fast.empty() && fast.back().starts_with("error");
    if (failed) fast.back() = "error";
    ASSERT_EQ(fast, SlowReader(page).Events()) << Quote(page);
    good += failed || fast.empty() ? 0 : 1;
  }
  EXPECT_GT(good, kPages / 4) << "the pages are all garbage";
  EXPECT_LT(good, kPages * 3 / 4) << "the pages are all good";
}

}  // namespace
}  // namespace vigil::exposition
