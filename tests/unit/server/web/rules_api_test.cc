// SPDX-License-Identifier: Apache-2.0
#include "server/web/rules_api.h"

#include <gtest/gtest.h>

#include "server/rules/rule_file.h"
#include "server/rules/rule_group.h"
#include "server/storage/memory_store.h"

namespace vigil::web {
namespace {

constexpr std::string_view kRulesOfApi = R"(
groups:
- name: first
  interval: 15s
  limit: 7
  rules:
  - {record: 'job:up', expr: up + 0, labels: {team: a}}
  - alert: Down
    expr: up == 0
    for: 1m
    keep_firing_for: 90s
    labels: {team: b}
    annotations: {summary: '{{ $labels.job }} <down>'}
- name: second
  rules:
  - {record: broken, expr: 'up * on (x) group_left () (up or vector(1) or up)'}
- name: third
  rules: []
)";

// Rules evaluated twice over one target that is down.
class RulesApiTest : public ::testing::Test {
 protected:
  RulesApiTest() {
    store_.Add(Labels::Of({{"__name__", "up"}, {"job", "j"}}), 1'700'000'000'000, 0);
    store_.Add(Labels::Of({{"__name__", "up"}, {"job", "k"}}), 1'700'000'000'000, 1);
    rules::RuleFile file = rules::ParseRules(kRulesOfApi, "r.yml");
    EXPECT_TRUE(file.errors.empty());
    for (rules::GroupSpec& spec : file.groups) {
      groups_.push_back(
          std::make_shared<rules::RuleGroup>(std::move(spec), rules::GroupDefaults{}, world_));
      groups_.back()->SetRestored();
    }
  }
  void Evaluate() {
    for (const auto& group : groups_) group->Evaluate(1'700'000'000'250);
  }
  // The data, or the error's text.
  std::string Get(Result<Annotations> (RulesApi::*method)(const ApiRequest&, JsonWriter&) const,
                  std::string_view query = {}) {
    RulesSource source;
    source.groups = [this] { return RulesSource::Groups(groups_.begin(), groups_.end()); };
    source.alertmanagers = [] {
      return RulesSource::Alertmanagers{{"http://am:9093/api/v2/alerts"}, {}};
    };
    const http::Request http;
    const ApiRequest request{http, http::Params::Parse(query).value()};
    std::string out;
    JsonWriter json(&out);
    const auto result = (RulesApi(source).*method)(request, json);
    return result ? out : result.error().message;
  }
  std::string Rules(std::string_view query = {}) { return Get(&RulesApi::Rules, query); }
  // The names of groups and rules in the answer, in order.
  std::string Names(std::string_view query) {
    const std::string json = Rules(query);
    std::string names;
    for (size_t at = json.find("\"name\":\""); at != std::string::npos;
         at = json.find("\"name\":\"", at + 1)) {
      names += json.substr(at + 8, json.find('"', at + 8) - at - 8) + " ";
    }
    return names;
  }

  storage::MemoryStore store_;
  ManualClock clock_{1'700'000'001'500};
  promql::Engine engine_{promql::EngineOptions{}};
  const rules::RuleWorld world_{engine_, store_, store_, clock_};
  std::vector<std::shared_ptr<rules::RuleGroup>> groups_;
};

TEST_F(RulesApiTest, ShowsWhatIsKnownOfEachRule) {
  EXPECT_EQ(
      Rules("rule_group[]=first&type=record"),
      R"({"groups":[{"name":"first","file":"r.yml","interval":15,"limit":7,)"
      R"("evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z","rules":[)"
      R"({"name":"job:up","query":"up + 0","labels":{"team":"a"},"health":"unknown",)"
      R"("evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z","type":"recording"}]}]})");
  EXPECT_NE(Rules("type=alert").find(R"({"state":"unknown","name":"Down")"), std::string::npos);
  Evaluate();
  EXPECT_EQ(
      Rules("type=alert"),
      R"({"groups":[{"name":"first","file":"r.yml","interval":15,"limit":7,)"
      R"("evaluationTime":0,"lastEvaluation":"2023-11-14T22:13:21.5Z","rules":[)"
      R"({"state":"pending","name":"Down","query":"up == 0","duration":60,"keepFiringFor":90,)"
      R"("labels":{"team":"b"},)"
      R"("annotations":{"summary":"{{ $labels.job }} \u003cdown\u003e"},"alerts":[)"
      R"({"labels":{"alertname":"Down","job":"j","team":"b"},)"
      R"("annotations":{"summary":"j \u003cdown\u003e"},"state":"pending",)"
      R"("activeAt":"2023-11-14T22:13:20.25Z","value":"0e+00"}],"health":"ok",)"
      R"("evaluationTime":0,"lastEvaluation":"2023-11-14T22:13:21.5Z","type":"alerting"}]}]})");
  const std::string broken = Rules("rule_group[]=second");
  EXPECT_NE(broken.find(R"("health":"err","lastError":"found duplicate series)"), std::string::npos)
      << broken;
  EXPECT_NE(Rules("exclude_alerts=true").find(R"("alerts":[])"), std::string::npos);
}

TEST_F(RulesApiTest, FiltersGroupsAndRules) {
  EXPECT_EQ(Names(""), "first job:up Down second broken ");
  EXPECT_EQ(Names("type=alert"), "first Down ");
  EXPECT_EQ(Names("type=Record"), "first job:up second broken ");
  EXPECT_EQ(Names("rule_name[]=Down&rule_name[]=broken"), "first Down second broken ");
  EXPECT_EQ(Names("rule_group[]=second"), "second broken ");
  EXPECT_EQ(Names("file[]=other.yml"), "");
  EXPECT_EQ(Names("file[]=r.yml&rule_name[]=Down"), "first Down ");
  EXPECT_EQ(Names("match[]={team=\"a\"}&match[]={team=~\"b|c\"}"), "first job:up Down ");
  EXPECT_EQ(Names("match[]={team=\"a\"}"), "first job:up ");
}

TEST_F(RulesApiTest, GivesPagesOfGroups) {
  const std::string page = Rules("group_limit=1");
  const size_t at = page.find(R"("groupNextToken":")");
  ASSERT_NE(at, std::string::npos) << page;
  const std::string token = page.substr(at + 18, page.find('"', at + 18) - at - 18);
  EXPECT_EQ(Names("group_limit=1"), "first job:up Down ");
  EXPECT_EQ(Names("group_limit=1&group_next_token=" + token), "second broken ");
  EXPECT_EQ(Rules("group_limit=1&group_next_token=" + token).find("groupNextToken"),
            std::string::npos);
}

TEST_F(RulesApiTest, ChecksItsParameters) {
  EXPECT_EQ(Rules("type=x"), R"(invalid parameter "type": not supported value "x")");
  EXPECT_EQ(Rules("exclude_alerts=x"),
            "invalid parameter \"exclude_alerts\": error converting exclude_alerts: "
            "strconv.ParseBool: parsing \"x\": invalid syntax");
  EXPECT_EQ(Rules("match[]={}"), "match[] must contain at least one non-empty matcher");
  EXPECT_EQ(Rules("group_limit=0"),
            R"(invalid parameter "group_limit": group_limit needs to be greater than 0)");
  EXPECT_EQ(Rules("group_next_token=a"),
            "invalid parameter \"group_limit\": group_limit needs to be set in order to paginate "
            "over the groups");
  EXPECT_EQ(Rules("group_limit=1&group_next_token=a"),
            "invalid parameter \"group_next_token\": invalid group_next_token \"a\". were rule "
            "groups changed?");
}

TEST_F(RulesApiTest, ListsAlertsOfAllGroups) {
  EXPECT_EQ(Get(&RulesApi::Alerts), R"({"alerts":[]})");
  Evaluate();
  EXPECT_EQ(Get(&RulesApi::Alerts),
            R"({"alerts":[{"labels":{"alertname":"Down","job":"j","team":"b"},)"
            R"("annotations":{"summary":"j \u003cdown\u003e"},"state":"pending",)"
            R"("activeAt":"2023-11-14T22:13:20.25Z","value":"0e+00"}]})");
}

TEST_F(RulesApiTest, ListsAlertmanagers) {
  EXPECT_EQ(Get(&RulesApi::Alertmanagers),
            R"({"activeAlertmanagers":[{"url":"http://am:9093/api/v2/alerts"}],)"
            R"("droppedAlertmanagers":[]})");
}

TEST(RulesApi, HasNothingWithoutASource) {
  const http::Request http;
  const ApiRequest request{http, http::Params::Parse("").value()};
  std::string out;
  JsonWriter json(&out);
  const RulesApi api{RulesSource()};
  ASSERT_TRUE(api.Rules(request, json));
  EXPECT_EQ(out, R"({"groups":[]})");
}

}  // namespace
}  // namespace vigil::web
