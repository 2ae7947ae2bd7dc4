// SPDX-License-Identifier: Apache-2.0
// Any bytes as a rule file: errors that name the file, or groups whose rules can be evaluated.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "client-lib/base/clock.h"
#include "server/rules/rule_file.h"
#include "server/rules/rule_group.h"
#include "server/storage/memory_store.h"

namespace {

using vigil::Clock;
using vigil::TimestampMs;

void Evaluate(std::vector<vigil::rules::GroupSpec> groups) {
  vigil::promql::EngineOptions options;
  options.max_samples = 10'000;
  options.timeout_ms = 1'000;
  const vigil::promql::Engine engine(options);
  vigil::storage::MemoryStore store;
  constexpr TimestampMs kNow = 1'700'000'000'000;
  store.Add(vigil::Labels::Of({{"__name__", "up"}, {"job", "a"}}), kNow, 1);
  const vigil::rules::RuleWorld world{engine, store, store, Clock::System()};
  size_t rules = 0;
  for (vigil::rules::GroupSpec& spec : groups) {
    rules += spec.rules.size();
    if (rules > 20) return;
    vigil::rules::RuleGroup group(std::move(spec), {}, world);
    group.SetRestored();
    group.Evaluate(kNow);
    group.Evaluate(kNow + 60'000);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  vigil::rules::RuleFile file = vigil::rules::ParseRules(text, "rules.yml");
  for (const std::string& error : file.errors) CHECK(error.starts_with("rules.yml"));
  if (!file.errors.empty()) return 0;
  for (const vigil::rules::GroupSpec& group : file.groups) {
    CHECK(!group.name.empty());
    for (const vigil::rules::RuleSpec& rule : group.rules) {
      CHECK(rule.parsed != nullptr);
      CHECK(rule.record.empty() != rule.alert.empty());
    }
  }
  Evaluate(std::move(file.groups));
  return 0;
}
