// SPDX-License-Identifier: Apache-2.0
// What the commands of amtool have in common: its flags, its configuration files, requests to
// /api/v2.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/json_value.h"
#include "client-lib/base/result.h"
#include "client-lib/http/client.h"
#include "exporters/toolkit/flags.h"
#include "server/alerting/alerting_config.h"
#include "server/alerting/matcher_parser.h"

namespace vigil::cli {

struct AlertmanagerFlags {
  std::string url = "http://localhost:9090/";
  std::string output = "simple";
  std::string date_format = "2006-01-02 15:04:05 MST";
  std::string http_config_file;
  std::string feature;
  int64_t timeout_ms = 30'000;
  bool verbose = false;
  bool version_check = true;

  void AddTo(toolkit::FlagSet* flags);
  [[nodiscard]] alerting::MatcherMode MatcherMode() const;
  // Of a time in an answer.
  [[nodiscard]] std::string Date(std::string_view rfc3339) const;
};

// Parses the words; flags that are not among them come from `files`, YAML with a flag per key, of
// which the first that exists counts. The exit code when there is nothing to run.
std::optional<int> ParseAlertmanagerCommand(toolkit::FlagSet* flags,
                                            const std::vector<std::string>& args,
                                            const std::vector<std::string>& files);
// ~/.config/amtool/config.yml, /etc/amtool/config.yml.
std::vector<std::string> AmtoolFiles();

// Prints `vigilctl: error: ...` when it is one. The exit code.
int FinishCommand(const Result<void>& result);

// A server with Alertmanager's API. Threads: any once made.
class AlertmanagerClient {
 public:
  using Params = std::vector<std::pair<std::string, std::string>>;

  // The error is of the HTTP configuration file.
  static Result<AlertmanagerClient> Create(const AlertmanagerFlags& flags);

  // path: below /api/v2. not_found for a 404; other refusals are bad_data with what the server
  // says.
  [[nodiscard]] Result<JsonValue> Get(const std::string& path, const Params& params = {}) const;
  [[nodiscard]] Result<JsonValue> Post(const std::string& path, std::string body) const;
  [[nodiscard]] Result<void> Delete(const std::string& path) const;

 private:
  [[nodiscard]] Result<JsonValue> Ask(const char* method, const std::string& path,
                                      std::string body) const;

  std::string base_;
  int64_t timeout_ms_ = 0;
  std::shared_ptr<const http::ClientOptions> options_;
};

// The matchers of a command line; the first word may be the value of alertname alone.
std::vector<std::string> WithAlertName(std::vector<std::string> words, alerting::MatcherMode mode);
// name=value words as labels; the error names what is none.
Result<std::vector<std::pair<std::string, std::string>>> ParsePairs(
    const std::vector<std::string>& words, alerting::MatcherMode mode);

// RFC 3339.
Result<TimestampMs> ParseTimeFlag(std::string_view name, const std::string& text);
std::string TimeToJson(TimestampMs time);

// JSON text of a value.
void AppendJson(const JsonValue& value, std::string* out);

// The configuration in a file, or of the server when the file is empty.
Result<alerting::AlertingConfig> LoadRoutes(const AlertmanagerFlags& flags,
                                            const std::string& file);

}  // namespace vigil::cli
