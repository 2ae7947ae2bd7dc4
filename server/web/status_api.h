// SPDX-License-Identifier: Apache-2.0
// /api/v1/status/*: what this server is and how it was started.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/web/envelope.h"

namespace vigil::web {

// Facts that main knows. The functions are called from any thread.
struct StatusSource {
  std::string version;
  std::string revision;
  std::string branch;
  std::string compiler;
  TimestampMs start_time = 0;
  std::vector<std::pair<std::string, std::string>> flags;
  std::function<std::string()> config_yaml;
  // Success and time of the last (re)load of the configuration.
  std::function<std::pair<bool, TimestampMs>()> last_reload;
  std::string storage_retention;  // "no limit" while retention is not there
};

// Threads: any.
class StatusApi {
 public:
  StatusApi(StatusSource source, const Clock& clock) : source_(std::move(source)), clock_(clock) {}

  Result<Annotations> BuildInfo(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> Config(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> Flags(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> RuntimeInfo(const ApiRequest& request, JsonWriter& json) const;

 private:
  const StatusSource source_;
  const Clock& clock_;
};

}  // namespace vigil::web
