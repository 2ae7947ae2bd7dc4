// SPDX-License-Identifier: Apache-2.0
#include "server/cli/receiver.h"

#include <algorithm>
#include <cstdio>

#include "client-lib/base/strings.h"
#include "client-lib/model/duration.h"
#include "server/cli/alertmanager.h"
#include "server/cli/text_table.h"
#include "server/template/json_text.h"

namespace vigil::cli {
namespace {

struct Drill {
  std::vector<std::string> receiver;
  std::vector<std::string> labels;
  std::vector<std::string> annotations;
  bool resolve = false;
};

void AppendTexts(std::string_view name,
                 const std::vector<std::pair<std::string, std::string>>& pairs, std::string* out) {
  out->append(",\"").append(name).append("\":{");
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (i > 0) *out += ',';
    tmpl::AppendJsonString(pairs[i].first, out);
    *out += ':';
    tmpl::AppendJsonString(pairs[i].second, out);
  }
  *out += '}';
}

Result<std::string> DrillBody(const AlertmanagerFlags& common, const Drill& drill) {
  std::string body = "{\"receiver\":";
  tmpl::AppendJsonString(drill.receiver.front(), &body);
  AppendTexts("labels", TRY(ParsePairs(drill.labels, common.MatcherMode())), &body);
  AppendTexts("annotations", TRY(ParsePairs(drill.annotations, common.MatcherMode())), &body);
  body += std::string(",\"resolve\":") + (drill.resolve ? "true" : "false");
  body +=
      ",\"timeout\":\"" + FormatDuration(DrillTimeout(common.timeout_ms, drill.resolve)) + "\"}";
  return body;
}

Result<void> TestReceiver(const AlertmanagerFlags& common, const Drill& drill) {
  if (drill.receiver.size() != 1) return BadData("one receiver's name is required");
  const AlertmanagerClient client = TRY(AlertmanagerClient::Create(common));
  const JsonValue results = TRY(client.Post("/receivers/test", TRY(DrillBody(common, drill))));
  bool failed = false;
  std::string text;
  if (common.output == "json") {
    PrintDrill(results, &failed);
    AppendJson(results, &text);
    text += "\n";
  } else {
    text = PrintDrill(results, &failed);
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (failed) return Unavailable("not every message was sent");
  return Ok();
}

}  // namespace

int64_t DrillTimeout(int64_t patience_ms, bool resolve) {
  // The server waits that much longer for answers that are late, and the way takes time, too.
  constexpr int64_t kGraceMs = 6'000;
  constexpr int64_t kMostMs = 300'000;  // that the server takes
  const int64_t round_ms = patience_ms / (resolve ? 2 : 1);
  return std::clamp<int64_t>(std::max(round_ms - kGraceMs, round_ms / 4), 1, kMostMs);
}

std::string PrintDrill(const JsonValue& results, bool* failed) {
  *failed = false;
  if (results.items.empty()) return "The receiver has no integrations.\n";
  std::vector<std::vector<std::string>> rows = {
      {"Integration", "Message", "Result", "Seconds", "Error"}};
  for (const JsonValue& each : results.items) {
    const bool sent = each["result"].text == "sent";
    *failed = *failed || !sent;
    rows.push_back({each["integration"].text + "[" + each["index"].text + "]", each["status"].text,
                    sent ? "sent" : "failed", each["durationSeconds"].text, each["error"].text});
  }
  return PrintTable(rows);
}

int RunReceiverTest(const std::vector<std::string>& args) {
  AlertmanagerFlags common;
  Drill drill;
  toolkit::FlagSet flags("vigilctl receiver test",
                         "Send a test alert to every integration of a receiver, past routes and "
                         "silences. The server needs --web.enable-admin-api.");
  common.AddTo(&flags);
  flags.Strings("label", "A label of the alert, name=value.", &drill.labels);
  flags.Strings("annotation", "An annotation of the alert, name=value.", &drill.annotations);
  flags.Bool("resolve", "Say afterwards that the alert is over.", &drill.resolve);
  flags.Arguments("receiver", "Name of the receiver.", &drill.receiver);
  if (const auto code = ParseAlertmanagerCommand(&flags, args, AmtoolFiles())) return *code;
  return FinishCommand(TestReceiver(common, drill));
}

}  // namespace vigil::cli
