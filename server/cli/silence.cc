// SPDX-License-Identifier: Apache-2.0
#include "server/cli/silence.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "client-lib/base/strings.h"
#include "client-lib/model/duration.h"
#include "server/cli/api_client.h"
#include "server/cli/silence_body.h"
#include "server/cli/text_table.h"

namespace vigil::cli {
namespace {

Result<alerting::LabelMatcher> ListedMatcher(const JsonValue& matcher) {
  const bool negative = matcher["isEqual"].text == "false";
  const MatchType type = matcher["isRegex"].text == "true"
                             ? (negative ? MatchType::kNotRegexp : MatchType::kRegexp)
                             : (negative ? MatchType::kNotEqual : MatchType::kEqual);
  return alerting::LabelMatcher::Create(type, matcher["name"].text, matcher["value"].text);
}

// a="b" c=~"d", or {a="b",c=~"d"}
std::string MatchersText(const JsonValue& matchers, bool extended) {
  std::vector<std::string> texts;
  for (const JsonValue& matcher : matchers.items) {
    const auto made = ListedMatcher(matcher);
    texts.push_back(made ? made->ToString() : matcher["name"].text + "=~" + matcher["value"].text);
  }
  return extended ? "{" + Join(texts, ",") + "}" : Join(texts, " ");
}

std::string UserName() {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found) != 0) return "";
  return found == nullptr ? "" : found->pw_name;
}

Result<DurationMs> SilenceDuration(const std::string& text) {
  const DurationMs duration = TRY(ParseDuration(text));
  if (duration == 0) return BadData("silence duration must be greater than 0");
  return duration;
}

void WriteOut(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void PrintIds(const JsonValue& silences) {
  for (const JsonValue& silence : silences.items) WriteOut(silence["id"].text + "\n");
}

// What query shows of the silences that a server lists.
struct SilenceQuery {
  bool expired = false;
  bool quiet = false;
  std::string created_by, id;
  int64_t within_ms = 0;
  std::vector<std::string> matchers;

  [[nodiscard]] bool Shows(const JsonValue& silence, TimestampMs now) const {
    const Result<TimestampMs> end = ParseTimeFlag("end", silence["endsAt"].text);
    if (!end || (expired ? *end > now : *end < now)) return false;
    if (within_ms > 0 && (expired ? *end < now - within_ms : *end > now + within_ms)) return false;
    if (!created_by.empty() && silence["createdBy"].text != created_by) return false;
    return id.empty() || silence["id"].text == id;
  }
};

Result<void> QuerySilences(const AlertmanagerFlags& common, const SilenceQuery& query) {
  const AlertmanagerClient client = TRY(AlertmanagerClient::Create(common));
  AlertmanagerClient::Params params;
  for (const std::string& matcher : WithAlertName(query.matchers, common.MatcherMode())) {
    params.emplace_back("filter", matcher);
  }
  JsonValue silences = TRY(client.Get("/silences", params));
  const TimestampMs now = Clock::System().Now();
  std::erase_if(silences.items,
                [&](const JsonValue& silence) { return !query.Shows(silence, now); });
  if (query.quiet) {
    PrintIds(silences);
  } else {
    WriteOut(PrintSilences(std::move(silences), common));
  }
  return Ok();
}

struct SilenceToAdd {
  std::string author = UserName();
  std::string duration = "1h";
  std::string start, end, comment;
  bool require_comment = true;
  std::vector<std::string> annotations;
  std::vector<std::string> matchers;
};

Result<void> AddSilence(const AlertmanagerFlags& common, const SilenceToAdd& wanted) {
  const alerting::MatcherMode mode = common.MatcherMode();
  SilenceBody body;
  alerting::MatcherParser parser(mode);
  for (const std::string& word : WithAlertName(wanted.matchers, mode)) {
    body.matchers.push_back(TRY(parser.ParseOne(word)));
  }
  if (body.matchers.empty()) return BadData("no matchers specified");
  body.starts_at = Clock::System().Now();
  if (!wanted.start.empty()) body.starts_at = TRY(ParseTimeFlag("start", wanted.start));
  if (wanted.end.empty()) {
    body.ends_at = body.starts_at + TRY(SilenceDuration(wanted.duration));
  } else {
    body.ends_at = TRY(ParseTimeFlag("end", wanted.end));
  }
  if (body.starts_at > body.ends_at) return BadData("silence cannot start after it ends");
  if (wanted.require_comment && wanted.comment.empty()) {
    return BadData("comment required by config");
  }
  body.created_by = wanted.author;
  body.comment = wanted.comment;
  body.annotations = TRY(ParsePairs(wanted.annotations, mode));
  const AlertmanagerClient client = TRY(AlertmanagerClient::Create(common));
  const JsonValue answer = TRY(client.Post("/silences", body.ToJson()));
  WriteOut(answer["silenceID"].text + "\n");
  return Ok();
}

Result<void> ExpireSilences(const AlertmanagerFlags& common, const std::vector<std::string>& ids) {
  if (ids.empty()) return BadData("no silence IDs specified");
  const AlertmanagerClient client = TRY(AlertmanagerClient::Create(common));
  for (const std::string& id : ids) TRY(client.Delete("/silence/" + PercentEncode(id)));
  return Ok();
}

struct SilenceUpdate {
  std::string duration, start, end, comment;
  bool quiet = false;
  std::vector<std::string> ids;
};

// Puts the changes into a silence as the server has it.
Result<void> ChangeSilence(const SilenceUpdate& update, JsonValue* silence) {
  TimestampMs start = TRY(ParseTimeFlag("start", (*silence)["startsAt"].text));
  TimestampMs end = TRY(ParseTimeFlag("end", (*silence)["endsAt"].text));
  if (!update.start.empty()) start = TRY(ParseTimeFlag("start", update.start));
  if (!update.end.empty()) {
    end = TRY(ParseTimeFlag("end", update.end));
  } else if (!update.duration.empty()) {
    end = start + TRY(SilenceDuration(update.duration));
  }
  if (start > end) return BadData("silence cannot start after it ends");
  SetText(silence, "startsAt", TimeToJson(start));
  SetText(silence, "endsAt", TimeToJson(end));
  if (!update.comment.empty()) SetText(silence, "comment", update.comment);
  return Ok();
}

Result<void> UpdateSilences(const AlertmanagerFlags& common, const SilenceUpdate& update) {
  if (update.ids.empty()) return BadData("no silence IDs specified");
  const AlertmanagerClient client = TRY(AlertmanagerClient::Create(common));
  JsonValue updated;
  updated.kind = JsonValue::Kind::kArray;
  for (const std::string& id : update.ids) {
    JsonValue silence = TRY(client.Get("/silence/" + PercentEncode(id)));
    TRY(ChangeSilence(update, &silence));
    const JsonValue answer = TRY(client.Post("/silences", PostableSilence(silence)));
    SetText(&silence, "id", answer["silenceID"].text);
    updated.items.push_back(std::move(silence));
  }
  if (update.quiet) {
    PrintIds(updated);
  } else {
    WriteOut(PrintSilences(std::move(updated), common));
  }
  return Ok();
}

}  // namespace

std::string PrintSilences(JsonValue silences, const AlertmanagerFlags& flags) {
  if (flags.output == "json") {
    std::string out;
    AppendJson(silences, &out);
    return out + "\n";
  }
  std::stable_sort(
      silences.items.begin(), silences.items.end(),
      [](const JsonValue& a, const JsonValue& b) { return a["endsAt"].text < b["endsAt"].text; });
  const bool extended = flags.output == "extended";
  std::vector<std::vector<std::string>> rows = {
      extended ? std::vector<std::string>{"ID", "Matchers", "Starts At", "Ends At", "Updated At",
                                          "Created By", "Comment"}
               : std::vector<std::string>{"ID", "Matchers", "Ends At", "Created By", "Comment"}};
  for (const JsonValue& silence : silences.items) {
    std::vector<std::string>& row = rows.emplace_back();
    row = {silence["id"].text, MatchersText(silence["matchers"], extended)};
    if (extended) row.push_back(flags.Date(silence["startsAt"].text));
    row.push_back(flags.Date(silence["endsAt"].text));
    if (extended) row.push_back(flags.Date(silence["updatedAt"].text));
    row.push_back(silence["createdBy"].text);
    row.push_back(silence["comment"].text);
  }
  return PrintTable(rows);
}

int RunSilenceQuery(const std::vector<std::string>& args) {
  AlertmanagerFlags common;
  SilenceQuery query;
  toolkit::FlagSet flags("vigilctl silence query", "Query silences.");
  common.AddTo(&flags);
  flags.Bool("expired", "Show expired silences instead of active ones.", &query.expired);
  flags.Bool("quiet", "Only show silence ids.", &query.quiet).Short('q');
  flags.String("created-by", "Show silences that belong to this creator.", &query.created_by);
  flags.String("id", "Get a single silence by its ID.", &query.id);
  flags.Duration("within", "Show silences that will expire or have expired within a duration.",
                 &query.within_ms);
  flags.Arguments("matcher-groups", "Query filter; the first may be an alertname alone.",
                  &query.matchers);
  if (const auto code = ParseAlertmanagerCommand(&flags, args, AmtoolFiles())) return *code;
  return FinishCommand(QuerySilences(common, query));
}

int RunSilenceAdd(const std::vector<std::string>& args) {
  AlertmanagerFlags common;
  SilenceToAdd silence;
  toolkit::FlagSet flags("vigilctl silence add", "Add a new silence.");
  common.AddTo(&flags);
  flags.String("author", "Username for the createdBy field.", &silence.author).Short('a');
  flags.Bool("require-comment", "Require a comment.", &silence.require_comment).Hidden();
  flags.String("duration", "Duration of the silence.", &silence.duration).Short('d');
  flags.String("start", "When the silence should start (RFC 3339).", &silence.start);
  flags.String("end", "When the silence should end, instead of a duration (RFC 3339).",
               &silence.end);
  flags.String("comment", "A comment to help describe the silence.", &silence.comment).Short('c');
  flags.Strings("annotation", "An annotation of the silence, name=value.", &silence.annotations);
  flags.Arguments("matcher-groups", "What is silenced; the first may be an alertname alone.",
                  &silence.matchers);
  if (const auto code = ParseAlertmanagerCommand(&flags, args, AmtoolFiles())) return *code;
  return FinishCommand(AddSilence(common, silence));
}

int RunSilenceExpire(const std::vector<std::string>& args) {
  AlertmanagerFlags common;
  std::vector<std::string> ids;
  toolkit::FlagSet flags("vigilctl silence expire", "End silences now.");
  common.AddTo(&flags);
  flags.Arguments("silence-ids", "Ids of silences to expire.", &ids);
  if (const auto code = ParseAlertmanagerCommand(&flags, args, AmtoolFiles())) return *code;
  return FinishCommand(ExpireSilences(common, ids));
}

int RunSilenceUpdate(const std::vector<std::string>& args) {
  AlertmanagerFlags common;
  SilenceUpdate update;
  toolkit::FlagSet flags("vigilctl silence update", "Change silences.");
  common.AddTo(&flags);
  flags.Bool("quiet", "Only show silence ids.", &update.quiet).Short('q');
  flags.String("duration", "Duration of the silence from its start.", &update.duration).Short('d');
  flags.String("start", "When the silence should start (RFC 3339).", &update.start);
  flags.String("end", "When the silence should end, instead of a duration (RFC 3339).",
               &update.end);
  flags.String("comment", "A comment to help describe the silence.", &update.comment).Short('c');
  flags.Arguments("update-ids", "Silence IDs to update.", &update.ids);
  if (const auto code = ParseAlertmanagerCommand(&flags, args, AmtoolFiles())) return *code;
  return FinishCommand(UpdateSilences(common, update));
}

}  // namespace vigil::cli
