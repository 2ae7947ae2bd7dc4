// SPDX-License-Identifier: Apache-2.0
// See status_api.h.
#include "server/web/status_api.h"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <thread>

namespace vigil::web {
namespace {

// Grafana reads the version to learn what the API can do: we say which Prometheus API this is and
// put our own version behind it.
constexpr std::string_view kApiVersion = "3.0.0";

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "localhost";
}

}  // namespace

Result<Annotations> StatusApi::BuildInfo(const ApiRequest&, JsonWriter& json) const {
  // No "features" here: Grafana takes its presence as "this is Mimir".
  json.BeginObject();
  json.Field("version", std::string(kApiVersion) + "+vigil." + source_.version);
  json.Field("revision", source_.revision);
  json.Field("branch", source_.branch);
  json.Field("buildUser", "");
  json.Field("buildDate", "");
  json.Field("goVersion", source_.compiler);
  json.EndObject();
  return Annotations{};
}

Result<Annotations> StatusApi::Config(const ApiRequest&, JsonWriter& json) const {
  json.BeginObject().Field("yaml", source_.config_yaml()).EndObject();
  return Annotations{};
}

Result<Annotations> StatusApi::Flags(const ApiRequest&, JsonWriter& json) const {
  json.BeginObject();
  for (const auto& [name, value] : source_.flags) json.Field(name, value);
  json.EndObject();
  return Annotations{};
}

Result<Annotations> StatusApi::RuntimeInfo(const ApiRequest&, JsonWriter& json) const {
  std::error_code ignored;
  const auto [reload_success, reload_time] = source_.last_reload();
  json.BeginObject();
  json.Field("startTime", FormatRfc3339(source_.start_time));
  json.Field("CWD", std::filesystem::current_path(ignored).string());
  json.Field("hostname", HostName());
  json.Field("serverTime", FormatRfc3339(clock_.Now()));
  json.Key("reloadConfigSuccess").Bool(reload_success);
  json.Field("lastConfigTime", FormatRfc3339(reload_time));
  json.Key("GOMAXPROCS").Int(static_cast<int64_t>(std::thread::hardware_concurrency()));
  json.Field("storageRetention", source_.storage_retention);
  json.EndObject();
  return Annotations{};
}

}  // namespace vigil::web
