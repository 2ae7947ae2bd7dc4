// SPDX-License-Identifier: Apache-2.0
// /api/v1/rules, /api/v1/alerts and /api/v1/alertmanagers.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "server/rules/rule_manager.h"
#include "server/web/envelope.h"

namespace vigil::web {

// What the API tells of rules: groups by file and name, and the URLs of Alertmanagers elsewhere.
// Empty functions: none.
struct RulesSource {
  using Groups = std::vector<std::shared_ptr<const rules::RuleGroup>>;
  std::function<Groups()> groups;
  struct Alertmanagers {
    std::vector<std::string> active;
    std::vector<std::string> dropped;
  };
  std::function<Alertmanagers()> alertmanagers;
};

// Threads: any.
class RulesApi {
 public:
  explicit RulesApi(RulesSource source) : source_(std::move(source)) {}

  Result<Annotations> Rules(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> Alerts(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> Alertmanagers(const ApiRequest& request, JsonWriter& json) const;

 private:
  [[nodiscard]] RulesSource::Groups Groups() const;

  const RulesSource source_;
};

}  // namespace vigil::web
