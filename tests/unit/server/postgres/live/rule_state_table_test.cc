// SPDX-License-Identifier: Apache-2.0
// What alerting rules remember, on a real PostgreSQL.
#include "server/postgres/rule_state_table.h"

#include <cmath>

#include "tests/unit/server/postgres/live/live.h"

namespace vigil::postgres {
namespace {

using storage::kNever;
using storage::StoredAlert;
using storage::StoredAlertState;

StoredAlert RuleAlertAt(uint64_t rule, std::string_view name, TimestampMs active_at) {
  StoredAlert alert;
  alert.rule = std::make_shared<const storage::RuleIdentity>(
      storage::RuleIdentity{rule, "rules.yml", "g", "Down"});
  alert.labels = Labels::Of({{"alertname", "Down"}, {"odd", name}});
  alert.annotations = Labels::Of({{"text", "a \"b\" {c}, \\ \n"}});
  alert.state = StoredAlertState::kPending;
  alert.value = 0.1;
  alert.active_at = active_at;
  return alert;
}

void ExpectSameAlert(const StoredAlert& got, const StoredAlert& want) {
  EXPECT_EQ(got.key(), want.key());
  EXPECT_EQ(got.rule->file, want.rule->file);
  EXPECT_EQ(got.rule->group, want.rule->group);
  EXPECT_EQ(got.rule->rule, want.rule->rule);
  EXPECT_EQ(got.labels.ToString(), want.labels.ToString());
  EXPECT_EQ(got.annotations.ToString(), want.annotations.ToString());
  EXPECT_EQ(got.state, want.state);
  EXPECT_TRUE(SameBits(got.value, want.value) || (std::isnan(got.value) && std::isnan(want.value)));
  EXPECT_EQ(got.active_at, want.active_at);
  EXPECT_EQ(got.fired_at, want.fired_at);
  EXPECT_EQ(got.resolved_at, want.resolved_at);
  EXPECT_EQ(got.keep_firing_since, want.keep_firing_since);
}

TEST(RuleStateTable, GivesBackWhatWasSavedAndWritesChangesOnly) {
  const TemporaryPath path;
  const auto managed = StartManaged(path.path());
  ASSERT_NE(managed, nullptr);
  auto database = OpenDatabase(OptionsFor(managed->conninfo()));
  ASSERT_NE(database, nullptr);
  storage::RuleStateTable& table = database->rule_states();
  const auto load = [&] {
    auto states = table.LoadRuleStates();
    EXPECT_TRUE(states) << states.error().message;
    return states ? *std::move(states) : storage::RuleStates();
  };
  EXPECT_FALSE(load().saved_at);

  StoredAlert pending = RuleAlertAt(UINT64_MAX, "quote \" comma , brace }", 5);
  StoredAlert firing = RuleAlertAt(UINT64_MAX, "", 6);
  firing.state = StoredAlertState::kFiring;
  firing.fired_at = 7;
  firing.keep_firing_since = 8;
  firing.value = std::nan("");
  StoredAlert resolved = RuleAlertAt(1, "c", -3);
  resolved.state = StoredAlertState::kInactive;
  resolved.resolved_at = 9;
  resolved.value = INFINITY;
  ASSERT_OK(table.SaveRuleStates({{pending, firing, resolved}, {}}, 100));
  storage::RuleStates states = load();
  EXPECT_EQ(states.saved_at, 100);
  ASSERT_EQ(states.alerts.size(), 3U);
  for (const StoredAlert& got : states.alerts) {
    for (const StoredAlert& want : {pending, firing, resolved}) {
      if (got.key() == want.key()) ExpectSameAlert(got, want);
    }
  }

  pending.state = StoredAlertState::kFiring;
  pending.fired_at = 200;
  pending.annotations = Labels();
  ASSERT_OK(table.SaveRuleStates({{pending}, {firing.key(), {2, 3}}}, 300));
  states = load();
  EXPECT_EQ(states.saved_at, 300);
  ASSERT_EQ(states.alerts.size(), 2U);
  for (const StoredAlert& got : states.alerts) {
    ExpectSameAlert(got, got.key() == pending.key() ? pending : resolved);
  }
  auto sql = Connect(managed->conninfo());
  ASSERT_NE(sql, nullptr);
  const auto rows = sql->Query(
      "SELECT labels->>'odd', state, active_at = to_timestamp(0.005) FROM vigil.rule_alert "
      "WHERE state = 'firing'",
      60'000);
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 1);
  EXPECT_EQ(rows->Bytes(0, 0), "quote \" comma , brace }");
  EXPECT_TRUE(rows->Bool(0, 2));
}

}  // namespace
}  // namespace vigil::postgres
