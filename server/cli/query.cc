// SPDX-License-Identifier: Apache-2.0
#include "server/cli/query.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "client-lib/base/clock.h"
#include "client-lib/base/strings.h"
#include "client-lib/http/client.h"
#include "exporters/toolkit/flags.h"
#include "server/cli/api_client.h"
#include "server/cli/command.h"
#include "server/cli/explain.h"

namespace vigil::cli {
namespace {

Result<JsonValue> Ask(const std::string& server, const std::string& path, const Pairs& pairs) {
  return AskApi([](http::ClientRequest request) { return http::Fetch(std::move(request)); }, server,
                path, pairs);
}

void AppendPoint(const JsonValue& pair, std::string* out) {
  if (pair.items.size() != 2) return;
  *out += pair.items[1].text + " @[" + pair.items[0].text + "]";
}

struct Options {
  std::string time, start, end, step;
  std::vector<std::string> match;
  std::vector<std::string> words;
};

Result<std::string> Lines(const JsonValue& data) {
  std::string out;
  for (const JsonValue& item : data.items) {
    out += (item.kind == JsonValue::Kind::kObject ? PrintMetric(item) : item.text) + "\n";
  }
  return out;
}

Result<void> CheckWords(const std::string& kind, const Options& o) {
  const size_t wanted = kind == "series" || kind == "running" ? 1 : 2;
  if (o.words.size() == wanted) return Ok();
  const std::string command = "vigilctl query " + kind;
  if (kind == "series") return BadData("give the server: " + command + " --match=up URL");
  if (kind == "running") return BadData("give the server: " + command + " URL");
  if (kind == "labels") return BadData("give server and label: " + command + " URL job");
  if (kind == "cancel") return BadData("give server and id: " + command + " URL 7");
  return BadData("give server and expression: " + command + " URL 'up'");
}

// As promtool: the last five minutes, in steps of two seconds.
Pairs RangeOf(const Options& o) {
  const int64_t now = Clock::System().Now() / 1000;
  return {{"query", o.words[1]},
          {"start", o.start.empty() ? std::to_string(now - 300) : o.start},
          {"end", o.end.empty() ? std::to_string(now) : o.end},
          {"step", o.step.empty() ? "2" : o.step}};
}

// Of a range when one is given.
Result<std::string> Explain(const Options& o) {
  const bool range = !o.start.empty() || !o.end.empty() || !o.step.empty();
  const Pairs pairs = range ? RangeOf(o) : Pairs{{"query", o.words[1]}, {"time", o.time}};
  return PrintPlan(TRY(Ask(o.words[0], "query_explain", pairs))["data"]);
}

Result<std::string> Run(const std::string& kind, const Options& o) {
  TRY(CheckWords(kind, o));
  const std::string& server = o.words[0];
  if (kind == "series") {
    if (o.match.empty()) return BadData("give at least one --match='selector'");
    Pairs pairs = {{"start", o.start}, {"end", o.end}};
    for (const std::string& match : o.match) pairs.emplace_back("match[]", match);
    return Lines(TRY(Ask(server, "series", pairs))["data"]);
  }
  if (kind == "labels") {
    Pairs pairs = {{"start", o.start}, {"end", o.end}};
    for (const std::string& match : o.match) pairs.emplace_back("match[]", match);
    return Lines(TRY(Ask(server, "label/" + PercentEncode(o.words[1]) + "/values", pairs))["data"]);
  }
  if (kind == "instant") {
    const JsonValue answer = TRY(Ask(server, "query", {{"query", o.words[1]}, {"time", o.time}}));
    return PrintResult(answer["data"]);
  }
  if (kind == "explain") return Explain(o);
  if (kind == "running") return PrintQueries(TRY(Ask(server, "status/queries", {}))["data"]);
  if (kind == "cancel") {
    TRY(Ask(server, "admin/queries/" + PercentEncode(o.words[1]) + "/cancel", {}));
    return std::string();
  }
  return PrintResult(TRY(Ask(server, "query_range", RangeOf(o)))["data"]);
}

}  // namespace

std::string PrintMetric(const JsonValue& labels) {
  std::vector<std::pair<std::string_view, std::string_view>> sorted;
  std::string out;
  for (const auto& [name, value] : labels.members) {
    if (name == "__name__") {
      out = value.text;
    } else {
      sorted.emplace_back(name, value.text);
    }
  }
  std::sort(sorted.begin(), sorted.end());
  if (sorted.empty() && !out.empty()) return out;
  out += '{';
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0) out += ", ";
    out.append(sorted[i].first).append("=").append(Quote(sorted[i].second));
  }
  return out += '}';
}

Result<std::string> PrintResult(const JsonValue& data) {
  const std::string& type = data["resultType"].text;
  const JsonValue& result = data["result"];
  std::string out;
  if (type == "scalar") {
    out = "scalar: ";
    AppendPoint(result, &out);
    return out += '\n';
  }
  if (type == "string") return (result.items.size() == 2 ? result.items[1].text : out) + "\n";
  if (type != "vector" && type != "matrix") return Internal("unknown result type " + Quote(type));
  for (const JsonValue& series : result.items) {
    out += PrintMetric(series["metric"]) + " =>";
    if (type == "vector") {
      out += ' ';
      AppendPoint(series["value"], &out);
    }
    for (const JsonValue& point : series["values"].items) {
      out += '\n';
      AppendPoint(point, &out);
    }
    out += '\n';
  }
  return out;
}

int RunQuery(const std::string& kind, const std::vector<std::string>& args) {
  Options options;
  toolkit::FlagSet flags("vigilctl query " + kind, "Asks a server.");
  if (kind == "instant" || kind == "explain") {
    flags.String("time", "Query evaluation time (RFC3339 or Unix timestamp).", &options.time);
  }
  if (kind != "instant" && kind != "running" && kind != "cancel") {
    flags.String("start", "Start time (RFC3339 or Unix timestamp).", &options.start);
    flags.String("end", "End time (RFC3339 or Unix timestamp).", &options.end);
  }
  if (kind == "range" || kind == "explain") {
    flags.String("step", "Query step size (duration).", &options.step);
  }
  if (kind == "series" || kind == "labels") {
    flags.Strings("match", "Series selector. Can be specified multiple times.", &options.match);
  }
  flags.Arguments("server", "Server, then the expression, label or id.", &options.words);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  const Result<std::string> text = Run(kind, options);
  if (!text) {
    std::fprintf(stderr, "query error: %s\n", text.error().message.c_str());
    return 1;
  }
  std::fwrite(text->data(), 1, text->size(), stdout);
  return 0;
}

}  // namespace vigil::cli
