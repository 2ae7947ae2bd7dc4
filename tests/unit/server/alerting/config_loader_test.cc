// SPDX-License-Identifier: Apache-2.0
// tests/scripts/alerting/config: a configuration and the error, or how it is shown with its
// defaults (cases whose title starts with "shown").
#include "server/alerting/config_loader.h"

#include <gtest/gtest.h>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "server/alerting/config_rows.h"
#include "tests/support/script_cases.h"

namespace vigil::alerting {
namespace {

std::vector<std::string> RunAlertingConfigCase(const testing_support::ScriptCase& one) {
  const Result<AlertingConfig> config =
      LoadAlertingText(Join(one.input, "\n") + "\n", "/etc/vigil/a.yml");
  if (!config) return {config.error().message};
  std::vector<std::string> out;
  if (!one.title.starts_with("shown")) return {"no error"};
  const std::string yaml = ToYaml(*config);
  EXPECT_EQ(yaml.find("hidden"), std::string::npos) << "a secret is shown";
  for (const std::string_view line : Split(yaml, '\n')) {
    if (!line.empty()) out.emplace_back(line);
  }
  for (const std::string& warning : config->warnings) out.push_back("warning: " + warning);
  return out;
}

TEST(AlertingConfigLoader, FollowsTheScripts) {
  testing_support::RunScripts("alerting/config", &RunAlertingConfigCase);
}

// A key that no script names is a key that nobody has tried.
template <typename T>
void ExpectKeysAreTried(const std::string& scripts) {
  for (const config::Field<T>& field : config::FieldsOf<T>()) {
    const std::string key = std::string(field.name) + ":";
    EXPECT_NE(scripts.find(key), std::string::npos) << field.name << " is in no script";
  }
}

TEST(AlertingConfigLoader, EveryKeyIsTried) {
  const Result<std::string> scripts =
      ReadFile(std::string(VIGIL_SOURCE_DIR) + "/tests/scripts/alerting/config/shown.txt");
  ASSERT_TRUE(scripts) << scripts.error().message;
  ExpectKeysAreTried<GlobalConfig>(*scripts);
  ExpectKeysAreTried<RouteConfig>(*scripts);
  ExpectKeysAreTried<InhibitRuleConfig>(*scripts);
  ExpectKeysAreTried<TimeInterval>(*scripts);
  ExpectKeysAreTried<ReceiverConfig>(*scripts);
  ExpectKeysAreTried<WebhookConfig>(*scripts);
  ExpectKeysAreTried<EmailConfig>(*scripts);
  ExpectKeysAreTried<PagerdutyConfig>(*scripts);
  ExpectKeysAreTried<SlackConfig>(*scripts);
  ExpectKeysAreTried<OpsGenieConfig>(*scripts);
  ExpectKeysAreTried<VictorOpsConfig>(*scripts);
  ExpectKeysAreTried<PushoverConfig>(*scripts);
  ExpectKeysAreTried<SnsConfig>(*scripts);
  ExpectKeysAreTried<Sigv4Config>(*scripts);
  ExpectKeysAreTried<TelegramConfig>(*scripts);
  ExpectKeysAreTried<DiscordConfig>(*scripts);
  ExpectKeysAreTried<MsteamsConfig>(*scripts);
  ExpectKeysAreTried<MsteamsV2Config>(*scripts);
  ExpectKeysAreTried<WebexConfig>(*scripts);
  ExpectKeysAreTried<WechatConfig>(*scripts);
  ExpectKeysAreTried<RocketchatConfig>(*scripts);
  ExpectKeysAreTried<MattermostConfig>(*scripts);
  ExpectKeysAreTried<JiraConfig>(*scripts);
  ExpectKeysAreTried<IncidentioConfig>(*scripts);
}

}  // namespace
}  // namespace vigil::alerting
