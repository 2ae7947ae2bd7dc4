// SPDX-License-Identifier: Apache-2.0
#include "server/cli/alertmanager.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "server/access/http_access.h"
#include "server/alerting/config_loader.h"
#include "server/alerting/config_rows.h"
#include "server/cli/api_client.h"
#include "server/cli/command.h"
#include "server/template/json_text.h"
#include "server/template/time.h"

namespace vigil::cli {
namespace {

constexpr std::string_view kRfc3339 = "2006-01-02T15:04:05Z07:00";

// The flags of a file in the words of a command line, without those that were given already.
Result<std::vector<std::string>> FileWords(const toolkit::FlagSet& flags, const std::string& file) {
  const std::string text = TRY(ReadFile(file));
  const config::YamlPtr root = TRY(config::ParseYaml(text, file));
  std::vector<std::string> words;
  const auto known = flags.Values();
  for (const auto& [key, value] : root->entries) {
    // What amtool called it once.
    const std::string name = key->text == "comment_required" ? "require-comment" : key->text;
    const bool is_flag = std::any_of(known.begin(), known.end(),
                                     [&](const auto& flag) { return flag.first == name; });
    if (!is_flag || flags.WasGiven(name)) continue;
    if (value->text == "true" || value->text == "false") {
      words.push_back((value->text == "true" ? "--" : "--no-") + name);
      continue;
    }
    if (value->kind != config::YamlNode::Kind::kList) {
      words.push_back("--" + name + "=" + value->text);
    }
    for (const config::YamlPtr& item : value->items) {
      words.push_back("--" + name + "=" + item->text);
    }
  }
  return words;
}

// What a server says when it refuses: a string, {"message": ...}, or any text.
std::string Reason(const http::ClientResponse& answer) {
  const Result<JsonValue> document = ParseJson(answer.body);
  if (document && document->kind == JsonValue::Kind::kString) return document->text;
  if (document && !(*document)["message"].text.empty()) return (*document)["message"].text;
  return std::string(TrimSpace(answer.body).substr(0, 200));
}

Result<std::shared_ptr<const http::ClientOptions>> ReadHttpConfig(const std::string& file) {
  const std::string text = TRY(ReadFile(file));
  const config::YamlPtr root = TRY(config::ParseYaml(text, file));
  config::Reader reader(file, DirName(file));
  alerting::HttpConfig config;
  TRY(alerting::HttpConfigCodec::Read(reader, *root, &config));
  access::HttpAccess access(std::move(config));
  access::HttpAccess::Wanted wanted = TRY(access.TokenRequest());
  while (wanted) wanted = TRY(access.TakeToken(http::Fetch(std::move(*wanted))));
  return access.GetOptions();
}

}  // namespace

void AlertmanagerFlags::AddTo(toolkit::FlagSet* flags) {
  flags->String("alertmanager.url", "Server to talk to.", &url);
  flags
      ->Enum("output", "Output formatter (simple, extended, json).", {"simple", "extended", "json"},
             &output)
      .Short('o');
  flags->String("date.format", "Format of date output, as Go's time.Format takes it.",
                &date_format);
  flags->Duration("timeout", "Timeout for the executed command.", &timeout_ms);
  flags->String("http.config.file", "HTTP client configuration file to connect to the server.",
                &http_config_file);
  flags->Bool("version-check", "Accepted as amtool does; there is nothing to check.",
              &version_check);
  flags->Bool("verbose", "Verbose running information.", &verbose).Short('v');
  flags->String("enable-feature", "classic-mode or utf8-strict-mode: how matchers are read.",
                &feature);
}

alerting::MatcherMode AlertmanagerFlags::MatcherMode() const {
  if (feature.find("classic-mode") != std::string::npos) return alerting::MatcherMode::kClassic;
  if (feature.find("utf8-strict-mode") != std::string::npos) return alerting::MatcherMode::kUtf8;
  return alerting::MatcherMode::kFallback;
}

std::string AlertmanagerFlags::Date(std::string_view rfc3339) const {
  const Result<tmpl::Time> time = tmpl::ParseTime(kRfc3339, rfc3339, nullptr);
  return time ? tmpl::FormatTime(*time, date_format) : std::string(rfc3339);
}

std::vector<std::string> AmtoolFiles() {
  std::vector<std::string> files;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing changes the environment.
  if (const char* home = std::getenv("HOME"); home != nullptr) {
    files.push_back(std::string(home) + "/.config/amtool/config.yml");
  }
  files.emplace_back("/etc/amtool/config.yml");
  return files;
}

std::optional<int> ParseAlertmanagerCommand(toolkit::FlagSet* flags,
                                            const std::vector<std::string>& args,
                                            const std::vector<std::string>& files) {
  if (const auto code = ParseCommand(flags, args)) return code;
  for (const std::string& file : files) {
    if (!FileExists(file)) continue;
    const Result<std::vector<std::string>> words = FileWords(*flags, file);
    if (!words) {
      std::fprintf(stderr, "vigilctl: error: %s\n", words.error().message.c_str());
      return 1;
    }
    return ParseCommand(flags, *words);
  }
  return std::nullopt;
}

int FinishCommand(const Result<void>& result) {
  if (result) return 0;
  std::fflush(stdout);
  std::fprintf(stderr, "vigilctl: error: %s\n", result.error().message.c_str());
  return 1;
}

Result<AlertmanagerClient> AlertmanagerClient::Create(const AlertmanagerFlags& flags) {
  AlertmanagerClient client;
  client.base_ = ServerUrl(flags.url) + "/api/v2";
  client.timeout_ms_ = flags.timeout_ms;
  if (!flags.http_config_file.empty()) {
    client.options_ = TRY(ReadHttpConfig(flags.http_config_file));
  }
  return client;
}

Result<JsonValue> AlertmanagerClient::Ask(const char* method, const std::string& path,
                                          std::string body) const {
  http::ClientRequest request;
  request.method = method;
  request.url = base_ + path;
  request.timeout_ms = timeout_ms_;
  request.options = options_;
  if (!body.empty()) {
    request.headers.Set("Content-Type", "application/json");
    request.body = std::move(body);
  }
  const http::ClientResponse answer = TRY(http::Fetch(std::move(request)));
  if (answer.status / 100 != 2) {
    const std::string reason = Reason(answer);
    std::string message = std::string(method) + " " + base_ + path.substr(0, path.find('?')) +
                          ": HTTP " + std::to_string(answer.status);
    if (!reason.empty()) message += ": " + reason;
    return answer.status == 404 ? NotFound(message) : BadData(message);
  }
  if (TrimSpace(answer.body).empty()) return JsonValue();
  return ParseJson(answer.body);
}

Result<JsonValue> AlertmanagerClient::Get(const std::string& path, const Params& params) const {
  std::string query;
  for (const auto& [name, value] : params) {
    query += (query.empty() ? "?" : "&") + name + "=" + PercentEncode(value);
  }
  return Ask("GET", path + query, "");
}

Result<JsonValue> AlertmanagerClient::Post(const std::string& path, std::string body) const {
  return Ask("POST", path, std::move(body));
}

Result<void> AlertmanagerClient::Delete(const std::string& path) const {
  TRY(Ask("DELETE", path, ""));
  return Ok();
}

std::vector<std::string> WithAlertName(std::vector<std::string> words, alerting::MatcherMode mode) {
  if (words.empty()) return words;
  alerting::MatcherParser parser(mode);
  if (!parser.ParseOne(words[0])) words[0] = "alertname=" + Quote(words[0]);
  return words;
}

Result<std::vector<std::pair<std::string, std::string>>> ParsePairs(
    const std::vector<std::string>& words, alerting::MatcherMode mode) {
  alerting::MatcherParser parser(mode);
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& word : words) {
    const alerting::LabelMatcher matcher = TRY(parser.ParseOne(word));
    if (matcher.type() != MatchType::kEqual) {
      return BadData(Quote(word) + " must be specified as key=value");
    }
    pairs.emplace_back(matcher.name(), matcher.value());
  }
  return pairs;
}

Result<TimestampMs> ParseTimeFlag(std::string_view name, const std::string& text) {
  const tmpl::Time time =
      TRY_CONTEXT(tmpl::ParseTime(kRfc3339, text, nullptr), "--" + std::string(name));
  return time.seconds * 1000 + time.nanos / 1'000'000;
}

std::string TimeToJson(TimestampMs time) {
  return tmpl::FormatTime(tmpl::Time::FromUnixMs(time), "2006-01-02T15:04:05.000Z07:00");
}

void AppendJson(const JsonValue& value, std::string* out) {
  const auto separate = [out](size_t i) {
    if (i > 0) *out += ',';
  };
  switch (value.kind) {
    case JsonValue::Kind::kString:
      tmpl::AppendJsonString(value.text, out);
      break;
    case JsonValue::Kind::kArray:
      *out += '[';
      for (size_t i = 0; i < value.items.size(); ++i) {
        separate(i);
        AppendJson(value.items[i], out);
      }
      *out += ']';
      break;
    case JsonValue::Kind::kObject:
      *out += '{';
      for (size_t i = 0; i < value.members.size(); ++i) {
        separate(i);
        tmpl::AppendJsonString(value.members[i].name, out);
        *out += ':';
        AppendJson(value.members[i].value, out);
      }
      *out += '}';
      break;
    case JsonValue::Kind::kNull:
      *out += "null";
      break;
    default:
      *out += value.text;
  }
}

Result<alerting::AlertingConfig> LoadRoutes(const AlertmanagerFlags& flags,
                                            const std::string& file) {
  if (!file.empty()) return alerting::LoadAlertingFile(file, flags.MatcherMode());
  const AlertmanagerClient client = TRY(AlertmanagerClient::Create(flags));
  const JsonValue status = TRY(client.Get("/status"));
  return alerting::LoadAlertingText(status["config"]["original"].text, "alertmanager.yml",
                                    flags.MatcherMode());
}

}  // namespace vigil::cli
