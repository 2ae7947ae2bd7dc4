// SPDX-License-Identifier: Apache-2.0
#include "tests/support/promqltest/script.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <array>
#include <utility>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "server/promql/parser.h"

namespace vigil::tests {
namespace {

struct Line {
  int number = 0;
  std::string text;  // trimmed
  bool comment = false;
  bool indented = false;
};

std::vector<Line> SplitLines(std::string_view text) {
  std::vector<Line> lines;
  for (const std::string_view raw : Split(text, '\n')) {
    Line line;
    line.number = static_cast<int>(lines.size()) + 1;
    line.indented = raw.starts_with(' ') || raw.starts_with('\t');
    line.text = TrimSpace(raw);
    line.comment = line.text.starts_with('#');
    lines.push_back(std::move(line));
  }
  return lines;
}

// A duration since the start, or plain seconds.
Result<DurationMs> ParseTime(const std::string& text) {
  if (const auto seconds = ParseInt(text)) return *seconds * 1000;
  if (text.starts_with('-')) return -TRY(ParseDuration(std::string_view(text).substr(1)));
  return ParseDuration(text);
}

// A number on its own is what a scalar query gives.
std::optional<double> ParseScalar(const std::string& text) { return ParseFloat(text); }

std::optional<Expectation> ParseLegacyFailure(const std::string& line) {
  constexpr std::string_view kMessage = "expected_fail_message";
  constexpr std::string_view kRegexp = "expected_fail_regexp";
  Expectation expectation;
  if (line.starts_with(kMessage)) {
    expectation.message = TrimSpace(std::string_view(line).substr(kMessage.size()));
  } else if (line.starts_with(kRegexp)) {
    expectation.regexp = TrimSpace(std::string_view(line).substr(kRegexp.size()));
  } else {
    return std::nullopt;
  }
  return expectation;
}

class ScriptParser {
 public:
  explicit ScriptParser(std::string_view text) : lines_(SplitLines(text)) {}
  std::vector<Command> Parse();

 private:
  Result<Command> ParseCommand();
  Result<LoadCommand> ParseLoad(const std::string& header);
  Result<EvalCommand> ParseEval(const std::string& header);
  static Result<EvalCommand> ParseEvalHeader(const std::string& header);
  static Result<void> ParseExpected(const std::string& line, EvalCommand* eval);
  static Result<bool> ParseExpect(const std::string& line, EvalCommand* eval);
  // The next line of the block behind the command at hand; null at its end.
  const Line* NextOfBlock();
  void SkipBlock() {
    while (NextOfBlock() != nullptr) {
    }
  }

  std::vector<Line> lines_;
  size_t next_ = 0;
};

std::vector<Command> ScriptParser::Parse() {
  std::vector<Command> commands;
  while (next_ < lines_.size()) {
    const Line& line = lines_[next_];
    if (line.text.empty() || line.comment) {
      ++next_;
      continue;
    }
    Result<Command> command = ParseCommand();
    if (!command) {
      SkipBlock();
      command = Command{line.number, BrokenCommand{command.error().message}};
    }
    command->line = line.number;
    commands.push_back(std::move(*command));
  }
  return commands;
}

const Line* ScriptParser::NextOfBlock() {
  // A comment inside a block hides nothing behind it, as long as that is indented.
  size_t i = next_;
  while (i < lines_.size() && lines_[i].comment) ++i;
  if (i >= lines_.size() || lines_[i].text.empty()) return nullptr;
  if (i != next_ && !lines_[i].indented) return nullptr;
  next_ = i + 1;
  return &lines_[i];
}

Result<Command> ScriptParser::ParseCommand() {
  const std::string& header = lines_[next_++].text;
  if (header == "clear") return Command{0, ClearCommand{}};
  if (header.starts_with("load")) return Command{0, TRY(ParseLoad(header))};
  if (header.starts_with("eval")) return Command{0, TRY(ParseEval(header))};
  return BadData(fmt::format("unknown command {}", Quote(header)));
}

Result<LoadCommand> ScriptParser::ParseLoad(const std::string& header) {
  static const re2::RE2 pattern(R"(load(_with_nhcb)?\s+(\S+))");
  std::array<std::string, 2> match;
  if (!re2::RE2::FullMatch(header, pattern, &match[0], &match[1])) {
    return BadData("invalid load command, it is `load <step:duration>`");
  }
  LoadCommand load;
  load.with_nhcb = !match[0].empty();
  load.gap_ms = TRY(ParseDuration(match[1]));
  std::optional<SeriesLine> starts;  // for the next line
  while (const Line* line = NextOfBlock()) {
    SeriesLine series = TRY_CONTEXT(promql::ParseSeriesLine(line->text), line->text);
    if (series.start_timestamps) {
      if (starts) return BadData("two lines of start timestamps follow each other");
      starts = std::move(series);
      continue;
    }
    if (starts &&
        (starts->labels != series.labels || starts->starts.size() != series.values.size())) {
      return BadData(fmt::format("the start timestamps before {} do not fit its samples",
                                 series.labels.ToMetricString()));
    }
    if (starts) series.starts = std::move(starts->starts);
    starts.reset();
    load.series.push_back(std::move(series));
  }
  if (starts) return BadData("start timestamps without samples");
  return load;
}

Result<EvalCommand> ScriptParser::ParseEvalHeader(const std::string& header) {
  static const re2::RE2 instant(
      R"(eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(\S+))?\s+(.+))");
  static const re2::RE2 range(
      R"(eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+))");
  EvalCommand eval;
  std::string suffix;
  std::array<std::string, 3> times;
  if (re2::RE2::FullMatch(header, instant, &suffix, &times[0], &eval.expr)) {
    if (!times[0].empty()) eval.start = TRY(ParseTime(times[0]));
    eval.end = eval.start;
  } else if (re2::RE2::FullMatch(header, range, &suffix, &times[0], &times[1], &times[2],
                                 &eval.expr)) {
    eval.is_range = true;
    eval.start = TRY(ParseTime(times[0]));
    eval.end = TRY(ParseTime(times[1]));
    eval.step_ms = TRY(ParseDuration(times[2]));
  } else {
    return BadData(
        "invalid eval command, it is `eval instant at <time> <query>` or "
        "`eval range from <time> to <time> step <duration> <query>`");
  }
  if (suffix == "fail") eval.fail.emplace_back();
  if (suffix == "warn") eval.warn.emplace_back();
  if (suffix == "info") eval.info.emplace_back();
  eval.ordered = suffix == "ordered";
  return eval;
}

Result<EvalCommand> ScriptParser::ParseEval(const std::string& header) {
  EvalCommand eval = TRY(ParseEvalHeader(header));
  while (const Line* line = NextOfBlock())
    TRY_CONTEXT(ParseExpected(line->text, &eval), line->text);
  return eval;
}

Result<void> ScriptParser::ParseExpected(const std::string& line, EvalCommand* eval) {
  if (const auto failure = ParseLegacyFailure(line)) {
    eval->fail = {*failure};
    return Ok();
  }
  if (line.starts_with("expect ") && TRY(ParseExpect(line, eval))) return Ok();
  if (const auto scalar = ParseScalar(line)) {
    eval->scalar = *scalar;
    return Ok();
  }
  eval->series.push_back(TRY(promql::ParseSeriesLine(line)));
  return Ok();
}

// False: a metric called expect.
Result<bool> ScriptParser::ParseExpect(const std::string& line, EvalCommand* eval) {
  static const re2::RE2 annotation(
      R"(expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?)");
  static const re2::RE2 range(
      R"(expect\s+range\s+vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+))");
  static const re2::RE2 string(R"(expect\s+string\s+(.+))");
  std::array<std::string, 3> match;
  if (re2::RE2::FullMatch(line, range, &match[0], &match[1], &match[2])) {
    eval->range_vector = RangeVectorTimes{TRY(ParseTime(match[0])), TRY(ParseTime(match[1])),
                                          TRY(ParseDuration(match[2]))};
    return true;
  }
  if (re2::RE2::FullMatch(line, string, &match[0])) {
    const promql::ExprPtr literal = TRY(promql::ParseExpr(match[0]));
    if (literal->kind != promql::NodeKind::kString) return BadData("expected a quoted string");
    eval->text = static_cast<const promql::StringLiteral&>(*literal).value;
    return true;
  }
  if (!re2::RE2::FullMatch(line, annotation, &match[0], &match[1], &match[2])) return false;
  Expectation expectation;
  const std::string text(TrimSpace(match[2]));
  if (match[1] == "msg") expectation.message = text;
  if (match[1] == "regex") expectation.regexp = text;
  const std::string& what = match[0];
  if (what == "ordered") eval->ordered = true;
  if (what == "no_warn") eval->no_warn = true;
  if (what == "no_info") eval->no_info = true;
  if (what == "fail") eval->fail.push_back(std::move(expectation));
  if (what == "warn") eval->warn.push_back(std::move(expectation));
  if (what == "info") eval->info.push_back(std::move(expectation));
  return true;
}

}  // namespace

std::vector<Command> ParseScript(std::string_view text) { return ScriptParser(text).Parse(); }

}  // namespace vigil::tests
