// SPDX-License-Identifier: Apache-2.0
// See rules_api.h.
#include "server/web/rules_api.h"

#include <algorithm>
#include <set>
#include <string>

#include "client-lib/base/strings.h"
#include "server/web/rules_json.h"

namespace vigil::web {
namespace {

// Which rules a request is about.
struct RuleFilter {
  std::string type;  // alert, record; empty: both
  std::set<std::string> names;
  std::set<std::string> groups;
  std::set<std::string> files;
  std::vector<std::vector<Matcher>> matchers;
  WithAlerts with_alerts = WithAlerts::kYes;
  size_t group_limit = 0;  // 0: none
  std::string token;

  [[nodiscard]] bool Wants(const rules::RuleGroup& group) const {
    return (groups.empty() || groups.contains(group.spec().name)) &&
           (files.empty() || files.contains(group.spec().file));
  }
  [[nodiscard]] bool Wants(const rules::Rule& rule) const {
    if (type == (rule.spec().alerting() ? "record" : "alert")) return false;
    return (names.empty() || names.contains(rule.spec().name())) && Match(rule.spec().labels);
  }

 private:
  // One of the sets must match as a whole.
  [[nodiscard]] bool Match(const rules::TextPairs& labels) const {
    if (matchers.empty()) return true;
    return std::any_of(matchers.begin(), matchers.end(), [&](const std::vector<Matcher>& set) {
      return std::all_of(set.begin(), set.end(), [&](const Matcher& matcher) {
        const auto found = labels.find(std::string(matcher.name()));
        return matcher.Matches(found == labels.end() ? std::string_view() : found->second);
      });
    });
  }
};

// group_limit and group_next_token, which go together.
Result<void> ReadPages(const ApiRequest& request, RuleFilter* filter) {
  const std::string& limit = request.Get("group_limit");
  filter->token = request.Get("group_next_token");
  if (limit.empty()) {
    if (filter->token.empty()) return Ok();
    return InvalidParameter("group_limit",
                            "group_limit needs to be set in order to paginate over the groups");
  }
  const auto number = ParseInt(limit);
  if (!number) {
    return InvalidParameter("group_limit",
                            "group_limit needs to be a valid number: strconv.ParseInt: parsing " +
                                Quote(limit) + ": invalid syntax");
  }
  if (*number <= 0) {
    return InvalidParameter("group_limit", "group_limit needs to be greater than 0");
  }
  filter->group_limit = static_cast<size_t>(*number);
  return Ok();
}

Result<RuleFilter> ReadFilter(const ApiRequest& request) {
  RuleFilter filter;
  filter.type = AsciiLower(request.Get("type"));
  if (!filter.type.empty() && filter.type != "alert" && filter.type != "record") {
    return InvalidParameter("type", "not supported value " + Quote(filter.type));
  }
  const Result<bool> exclude = request.Bool("exclude_alerts");
  if (!exclude) {
    return InvalidParameter("exclude_alerts",
                            "error converting exclude_alerts: strconv.ParseBool: parsing " +
                                Quote(request.Get("exclude_alerts")) + ": invalid syntax");
  }
  if (*exclude) filter.with_alerts = WithAlerts::kNo;
  filter.matchers = TRY(request.MatcherSets());
  TRY(ReadPages(request, &filter));
  const auto all = [&](std::string_view name) {
    const std::vector<std::string> values = request.params.All(name);
    return std::set<std::string>(values.begin(), values.end());
  };
  filter.names = all("rule_name[]");
  filter.groups = all("rule_group[]");
  filter.files = all("file[]");
  return filter;
}

// What a client gives back to go on with this group.
std::string TokenOf(const rules::RuleGroup& group) {
  const Labels key = Labels::Of({{"file", group.spec().file}, {"name", group.spec().name}});
  return std::to_string(key.Hash());
}

// False when no rule of the group is wanted: nothing is written then.
bool WriteGroup(const rules::RuleGroup& group, const RuleFilter& filter, JsonWriter& json) {
  std::vector<const rules::Rule*> wanted;
  for (const std::unique_ptr<rules::Rule>& rule : group.rules()) {
    if (filter.Wants(*rule)) wanted.push_back(rule.get());
  }
  if (wanted.empty()) return false;
  json.BeginObject();
  WriteGroupFields(group, json);
  json.Key("rules").BeginArray();
  for (const rules::Rule* rule : wanted) WriteRule(*rule, filter.with_alerts, json);
  json.EndArray();
  json.EndObject();
  return true;
}

bool HasWanted(const rules::RuleGroup& group, const RuleFilter& filter) {
  return filter.Wants(group) && std::any_of(group.rules().begin(), group.rules().end(),
                                            [&](const auto& rule) { return filter.Wants(*rule); });
}

// Where the page begins; the end when the token is of no group.
RulesSource::Groups::const_iterator FirstOfPage(const RulesSource::Groups& groups,
                                                const RuleFilter& filter) {
  if (filter.token.empty()) return groups.begin();
  return std::find_if(groups.begin(), groups.end(),
                      [&](const auto& group) { return TokenOf(*group) == filter.token; });
}

}  // namespace

RulesSource::Groups RulesApi::Groups() const {
  return source_.groups ? source_.groups() : RulesSource::Groups();
}

Result<Annotations> RulesApi::Rules(const ApiRequest& request, JsonWriter& json) const {
  const RuleFilter filter = TRY(ReadFilter(request));
  const RulesSource::Groups groups = Groups();
  auto group = FirstOfPage(groups, filter);
  // A page begins at the group that the one before ended with: it must still be there.
  if (!filter.token.empty() && group == groups.end()) {
    return InvalidParameter("group_next_token", "invalid group_next_token " + Quote(filter.token) +
                                                    ". were rule groups changed?");
  }
  json.BeginObject().Key("groups").BeginArray();
  size_t written = 0;
  std::string next;
  for (; group != groups.end(); ++group) {
    if (!HasWanted(**group, filter)) continue;
    if (filter.group_limit > 0 && written == filter.group_limit) {
      next = TokenOf(**group);
      break;
    }
    written += WriteGroup(**group, filter, json) ? 1 : 0;
  }
  json.EndArray();
  if (!next.empty()) json.Field("groupNextToken", next);
  json.EndObject();
  return Annotations{};
}

Result<Annotations> RulesApi::Alerts(const ApiRequest&, JsonWriter& json) const {
  json.BeginObject().Key("alerts").BeginArray();
  for (const auto& group : Groups()) {
    for (const std::unique_ptr<rules::Rule>& rule : group->rules()) {
      if (rule->alerting() == nullptr) continue;
      rule->alerting()->LookAtAlerts(
          [&](const rules::ActiveAlert& alert) { WriteAlert(alert, json); });
    }
  }
  json.EndArray().EndObject();
  return Annotations{};
}

Result<Annotations> RulesApi::Alertmanagers(const ApiRequest&, JsonWriter& json) const {
  const RulesSource::Alertmanagers known =
      source_.alertmanagers ? source_.alertmanagers() : RulesSource::Alertmanagers();
  const auto write = [&](std::string_view name, const std::vector<std::string>& urls) {
    json.Key(name).BeginArray();
    for (const std::string& url : urls) json.BeginObject().Field("url", url).EndObject();
    json.EndArray();
  };
  json.BeginObject();
  write("activeAlertmanagers", known.active);
  write("droppedAlertmanagers", known.dropped);
  json.EndObject();
  return Annotations{};
}

}  // namespace vigil::web
