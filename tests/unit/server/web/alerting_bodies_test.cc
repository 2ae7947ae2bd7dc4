// SPDX-License-Identifier: Apache-2.0
// tests/scripts/posted_{alerts,silences,times} and json_reader: a body or text per case, and what
// is read from it or said about it. The errors are those of alertmanager 0.25.
#include "server/web/alerting_bodies.h"

#include <gtest/gtest.h>

#include <utility>

#include "client-lib/base/json_reader.h"
#include "client-lib/base/strings.h"
#include "server/web/date_time.h"
#include "tests/support/script_cases.h"

namespace vigil::web {
namespace {

// The lines of a case as one text; \xff stands for a byte that is no UTF-8.
std::string BodyOf(const testing_support::ScriptCase& one) {
  std::string body;
  for (const std::string& line : one.input) body += (body.empty() ? "" : "\n") + line;
  if (body == "(nothing)") return "";
  for (size_t at = 0; (at = body.find("<ff>", at)) != std::string::npos;) {
    body.replace(at, 4, "\xff");
  }
  return body;
}

std::string ProblemText(const BodyProblem& problem) {
  return std::to_string(problem.status) + " " + std::to_string(problem.code) + " " +
         problem.message;
}

std::string TimeText(TimestampMs time) {
  std::string text;
  AppendDateTime(time, &text);
  return text;
}

std::vector<std::string> ReadAlertsCase(const testing_support::ScriptCase& one) {
  std::vector<alerting::PostedAlert> alerts;
  if (const auto problem = ReadAlertsBody(BodyOf(one), &alerts)) return {ProblemText(*problem)};
  std::vector<std::string> out;
  for (const alerting::PostedAlert& alert : alerts) {
    std::string line = alert.labels.ToString() + " " + alert.annotations.ToString();
    if (alert.starts_at) line += " from " + TimeText(*alert.starts_at);
    if (alert.ends_at) line += " to " + TimeText(*alert.ends_at);
    if (!alert.generator_url.empty()) line += " by " + alert.generator_url;
    out.push_back(line);
  }
  return out;
}

std::vector<std::string> ReadSilenceCase(const testing_support::ScriptCase& one) {
  PostedSilence posted;
  if (const auto problem = ReadSilenceBody(BodyOf(one), &posted)) return {ProblemText(*problem)};
  const Result<alerting::Silence> silence = MakeSilence(std::move(posted));
  if (!silence) return {silence.error().message};
  std::vector<std::string> out = {silence->id + " " + alerting::ToString(silence->matchers) +
                                  " from " + TimeText(silence->starts_at) + " to " +
                                  TimeText(silence->ends_at) + " by " + Quote(silence->created_by) +
                                  ": " + Quote(silence->comment)};
  for (const auto& [name, value] : silence->annotations) out.push_back(name + "=" + Quote(value));
  return out;
}

TEST(AlertingBodies, KeepNothingOfMillionsOfBadAlerts) {
  const auto body_of = [](int count, std::string_view alert) {
    std::string body = "[";
    for (int i = 0; i < count; ++i) body.append(i > 0 ? "," : "").append(alert);
    return body + "]";
  };
  std::vector<alerting::PostedAlert> alerts;
  EXPECT_EQ(ProblemText(*ReadAlertsBody(body_of(1'000, "{}"), &alerts)),
            "422 602 0.labels in body is required");
  EXPECT_TRUE(alerts.empty());
  alerts.clear();
  EXPECT_EQ(ProblemText(*ReadAlertsBody(body_of(1'000'001, "{}"), &alerts)),
            "413 413 the body has more than 1000000 alerts: post fewer at once");
}

std::vector<std::string> ReadTimeCase(const testing_support::ScriptCase& one) {
  std::vector<std::string> out;
  for (const std::string& line : one.input) {
    const Result<TimestampMs> time = ParseDateTime(line);
    out.push_back(time ? TimeText(*time) : time.error().message);
  }
  return out;
}

// Takes a text apart and writes it down again in one line.
void Copy(JsonReader* json, std::string* out) {
  std::string_view key;
  switch (json->Peek()) {
    case JsonReader::Kind::kObject:
      *out += '{';
      for (json->Enter(); json->NextKey(&key);) {
        *out += Quote(key) + ":";
        Copy(json, out);
      }
      *out += '}';
      break;
    case JsonReader::Kind::kArray:
      *out += '[';
      for (json->Enter(); json->NextElement(); *out += ',') Copy(json, out);
      *out += ']';
      break;
    case JsonReader::Kind::kString:
      *out += Quote(json->String());
      break;
    case JsonReader::Kind::kBool:
      *out += json->Bool() ? "true" : "false";
      break;
    case JsonReader::Kind::kNumber:
      *out += '#';
      json->Skip();
      break;
    case JsonReader::Kind::kNull:
      *out += "null";
      json->Skip();
      break;
    case JsonReader::Kind::kError:
      break;
  }
}

std::vector<std::string> ReadJsonCase(const testing_support::ScriptCase& one) {
  const std::string text = BodyOf(one);
  JsonReader json(text);
  std::string out;
  Copy(&json, &out);
  JsonReader skipper(text);
  skipper.Skip();
  EXPECT_EQ(json.error(), skipper.error()) << text;
  EXPECT_EQ(json.AtEnd(), skipper.AtEnd()) << text;
  return {json.failed() ? json.error() : json.AtEnd() ? out : out + " and more"};
}

TEST(JsonReader, ReadsAndRefusesAsGo) { testing_support::RunScripts("json_reader", &ReadJsonCase); }
TEST(JsonReader, HasALimitOfDepth) {
  const std::string deep(20'000, '[');
  JsonReader json(deep);
  json.Skip();
  EXPECT_EQ(json.error(), "exceeded max depth");
}
TEST(AlertingBodies, ReadAlerts) { testing_support::RunScripts("posted_alerts", &ReadAlertsCase); }
TEST(AlertingBodies, ReadSilences) {
  testing_support::RunScripts("posted_silences", &ReadSilenceCase);
}
TEST(DateTime, ReadsTimesAsUpstream) { testing_support::RunScripts("posted_times", &ReadTimeCase); }

}  // namespace
}  // namespace vigil::web
