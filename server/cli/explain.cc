// SPDX-License-Identifier: Apache-2.0
#include "server/cli/explain.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace vigil::cli {
namespace {

double Number(const JsonValue& value) { return std::strtod(value.text.c_str(), nullptr); }

std::string Percent(double share) {
  char text[32];
  std::snprintf(text, sizeof(text), "%5.1f%%", share * 100);
  return text;
}

std::string Milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3fms", seconds * 1000);
  return text;
}

// Texts of long expressions: the node's own words come first, so that the beginning says most.
std::string Shortened(std::string_view text) {
  constexpr size_t kMost = 60;
  if (text.size() <= kMost) return std::string(text);
  size_t end = kMost;
  // Not in the middle of a character.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

// ", 7 samples": nothing when it is zero.
void AppendCount(const JsonValue& count, std::string_view what, std::string* out) {
  if (count.text.empty() || count.text == "0") return;
  *out += ", " + count.text + " " + std::string(what);
}

void AppendNode(const JsonValue& node, const std::string& indent, std::string_view branch,
                std::string_view below, std::string* out) {
  char columns[64];
  std::snprintf(columns, sizeof(columns), "%s %11s  ", Percent(Number(node["share"])).c_str(),
                Milliseconds(Number(node["selfSeconds"])).c_str());
  *out += columns + indent + std::string(branch) + Shortened(node["text"].text);
  std::string facts = node["evaluation"].text;
  if (node["onceForAllSteps"].text == "true") facts += ", once for all steps";
  AppendCount(node["outputSeries"], "series out", &facts);
  AppendCount(node["series"], "series selected", &facts);
  AppendCount(node["samples"], "samples read", &facts);
  const std::string& stand_ins = node["standIns"].text;
  if (stand_ins == "rollups") facts += ", from roll-ups";
  if (stand_ins == "chunkSummaries") facts += ", from summaries of chunks where possible";
  AppendCount(node["chunksInMemory"], "chunks in memory", &facts);
  AppendCount(node["chunksInDatabase"], "chunks in the database", &facts);
  AppendCount(node["steps"], "steps", &facts);
  *out += "  [" + facts + "]\n";
  const std::vector<JsonValue>& children = node["children"].items;
  for (size_t i = 0; i < children.size(); ++i) {
    const bool last = i + 1 == children.size();
    AppendNode(children[i], indent + std::string(below), last ? "└─ " : "├─ ", last ? "   " : "│  ",
               out);
  }
}

}  // namespace

std::string PrintPlan(const JsonValue& data) {
  std::string out = data["resultSeries"].text + " series as the result, " + data["series"].text +
                    " series selected, " + data["samples"].text + " samples read, " +
                    data["chunksInMemory"].text + " chunks in memory, " +
                    data["chunksInDatabase"].text + " in the database, at most " +
                    data["peakSamples"].text + " samples held\n";
  out += "queue " + Milliseconds(Number(data["queueSeconds"])) + ", plan " +
         Milliseconds(Number(data["planSeconds"])) + ", evaluation " +
         Milliseconds(Number(data["evaluationSeconds"])) + ", result " +
         Milliseconds(Number(data["resultSeconds"])) + "\n\n";
  AppendNode(data["plan"], "", "", "", &out);
  return out;
}

std::string PrintQueries(const JsonValue& data) {
  std::string out;
  for (const JsonValue& query : data["queries"].items) {
    char columns[128];
    std::snprintf(columns, sizeof(columns), "%6s %-8s %8.2fs %8.2fs CPU %10s series %12s samples  ",
                  query["id"].text.c_str(), query["state"].text.c_str(),
                  Number(query["ageSeconds"]), Number(query["cpuSeconds"]),
                  query["series"].text.c_str(), query["samples"].text.c_str());
    out += columns + query["client"].text + "  " + query["query"].text + "\n";
  }
  if (data["redacted"].text == "true" && !out.empty()) {
    out += "what is asked, and from where, needs --web.enable-admin-api\n";
  }
  return out;
}

}  // namespace vigil::cli
