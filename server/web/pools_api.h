// SPDX-License-Identifier: Apache-2.0
// /api/v1/scrape_pools/config and /api/v1/targets/relabel_steps: how a job is configured, and what
// its relabelling does to labels.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client-lib/base/result.h"
#include "server/config/config.h"
#include "server/web/envelope.h"

namespace vigil::web {

// The configuration in force.
using CurrentConfig = std::function<std::shared_ptr<const config::Config>()>;

// Threads: any.
class PoolsApi {
 public:
  explicit PoolsApi(CurrentConfig config) : config_(std::move(config)) {}

  // {"yaml": the job's block with all defaults, secrets taken out}
  Result<Annotations> Config(const ApiRequest& request, JsonWriter& json) const;
  // {"steps":[{"rule":...,"output":labels behind it,"keep":whether the target is kept}]}
  Result<Annotations> RelabelSteps(const ApiRequest& request, JsonWriter& json) const;

 private:
  const CurrentConfig config_;
};

}  // namespace vigil::web
