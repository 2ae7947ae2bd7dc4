// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/config_validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "client-lib/base/strings.h"

namespace vigil::alerting {
namespace {

using config::Reader;
using config::YamlNode;

// The value of a key when it is written, else the mapping: where to point.
const YamlNode& ValueSpot(const YamlNode& map, std::string_view key) {
  const YamlNode* found = config::Find(map, key);
  return found == nullptr ? map : *found;
}

// Threads: owner thread only.
struct MatcherSources {
  Reader& reader;
  const YamlNode& node;
  MatcherParser* parser;

  Result<void> CheckClassicName(std::string_view key, const std::string& name) const {
    if (IsLegacyLabelName(name)) return Ok();
    return reader.FailHere(ValueSpot(node, key), fmt::format("invalid label name {}", Quote(name)));
  }

  Result<void> AddEqual(std::string_view key, const StringMap& map, LabelMatchers* out) const {
    for (const auto& [name, value] : map) {
      TRY(CheckClassicName(key, name));
      out->push_back(TRY(LabelMatcher::Create(MatchType::kEqual, name, value)));
    }
    return Ok();
  }

  // The anchors are part of what upstream keeps and prints.
  Result<void> AddRegexps(std::string_view key, const StringMap& map, LabelMatchers* out) const {
    for (const auto& [name, value] : map) {
      TRY(CheckClassicName(key, name));
      Result<LabelMatcher> matcher =
          LabelMatcher::Create(MatchType::kRegexp, name, "^(?:" + value + ")$");
      if (!matcher) return reader.FailHere(ValueSpot(node, key), matcher.error().message);
      out->push_back(*std::move(matcher));
    }
    return Ok();
  }

  Result<void> AddLines(std::string_view key, const std::vector<std::string>& lines,
                        LabelMatchers* out) const {
    for (size_t i = 0; i < lines.size(); ++i) {
      Result<LabelMatchers> matchers = parser->ParseList(lines[i]);
      if (!matchers) {
        Reader::Scope scope(&reader, key);
        Reader::Scope item(&reader, i);
        return reader.FailHere(*ValueSpot(node, key).items[i], matchers.error().message);
      }
      out->insert(out->end(), matchers->begin(), matchers->end());
    }
    return Ok();
  }
};

Result<void> FinishGroupBy(const Reader& reader, const YamlNode& node, const MatcherParser& parser,
                           RouteConfig* route) {
  const YamlNode& spot = ValueSpot(node, "group_by");
  for (const std::string& name : route->group_by_lines) {
    if (name == "...") {
      route->group_by_all = true;
    } else if (!parser.IsLabelName(name)) {
      return reader.FailHere(spot,
                             fmt::format("invalid label name {} in group_by list", Quote(name)));
    } else {
      route->group_by.push_back(name);
    }
  }
  if (route->group_by_all && !route->group_by.empty()) {
    return reader.FailHere(
        spot, "cannot have wildcard group_by (`...`) and other labels at the same time");
  }
  std::set<std::string> seen;
  for (const std::string& name : route->group_by) {
    if (seen.insert(name).second) continue;
    return reader.FailHere(spot, fmt::format("duplicated label {} in group_by", Quote(name)));
  }
  return Ok();
}

Result<void> CheckRoot(const Reader& reader, const YamlNode& node, const RouteConfig& route) {
  if (route.continues) {
    return reader.Fail(ValueSpot(node, "continue"), "cannot have continue in root route");
  }
  if (route.receiver.empty()) {
    return reader.Fail(node, "root route must specify a default receiver");
  }
  if (!route.matchers.empty()) {
    return reader.Fail(node, "root route must not have any matchers");
  }
  if (!route.mute_time_intervals.empty()) {
    return reader.Fail(node, "root route must not have any mute time intervals");
  }
  if (!route.active_time_intervals.empty()) {
    return reader.Fail(node, "root route must not have any active time intervals");
  }
  if (route.expect_every) {
    return reader.Fail(ValueSpot(node, "expect_every"), "root route must not have expect_every");
  }
  return Ok();
}

// Names that routes may use.
struct KnownNames {
  std::set<std::string> receivers;
  std::set<std::string> intervals;
};

Result<void> CheckRouteNames(const Reader& reader, const YamlNode& node, const KnownNames& known,
                             const RouteConfig& route) {
  for (size_t i = 0; i < route.routes.size(); ++i) {
    TRY(CheckRouteNames(reader, *config::Find(node, "routes")->items[i], known, route.routes[i]));
  }
  if (!route.receiver.empty() && !known.receivers.contains(route.receiver)) {
    return reader.Fail(ValueSpot(node, "receiver"),
                       fmt::format("undefined receiver {} used in route", Quote(route.receiver)));
  }
  for (const EscalationConfig& step : route.escalations) {
    if (known.receivers.contains(step.receiver)) continue;
    return reader.Fail(
        ValueSpot(node, "escalations"),
        fmt::format("undefined receiver {} used in escalations", Quote(step.receiver)));
  }
  if (!route.escalate_to.empty() && !known.receivers.contains(route.escalate_to)) {
    return reader.Fail(
        ValueSpot(node, "escalate_to"),
        fmt::format("undefined receiver {} used in route", Quote(route.escalate_to)));
  }
  for (const auto* list : {&route.active_time_intervals, &route.mute_time_intervals}) {
    for (const std::string& name : *list) {
      if (known.intervals.contains(name)) continue;
      return reader.Fail(node,
                         fmt::format("undefined time interval {} used in route", Quote(name)));
    }
  }
  return Ok();
}

// The alert that tells of a missing heartbeat is made of the matchers on its way.
Result<void> CheckExpected(const Reader& reader, const YamlNode& node, const RouteConfig& route,
                           bool equal_so_far) {
  const bool equal =
      equal_so_far && std::all_of(route.matchers.begin(), route.matchers.end(), [](const auto& m) {
        return m.type() == MatchType::kEqual && !m.value().empty();
      });
  if (route.expect_every == DurationMs{0}) {
    return reader.Fail(ValueSpot(node, "expect_every"), "expect_every cannot be zero");
  }
  if (route.expect_every && (!equal || route.matchers.empty())) {
    return reader.Fail(
        ValueSpot(node, "expect_every"),
        "expect_every needs matchers, and those of the route and of the routes above "
        "it must be of the form name=\"value\"");
  }
  for (size_t i = 0; i < route.routes.size(); ++i) {
    TRY(CheckExpected(reader, *config::Find(node, "routes")->items[i], route.routes[i], equal));
  }
  return Ok();
}

Result<void> AddIntervalNames(const Reader& reader, const YamlNode& root, std::string_view key,
                              const std::vector<NamedTimeInterval>& list, KnownNames* known) {
  const std::string_view what =
      key == "mute_time_intervals" ? "mute time interval" : "time interval";
  for (size_t i = 0; i < list.size(); ++i) {
    const YamlNode& node = *config::Find(root, key)->items[i];
    if (list[i].name.empty()) return reader.Fail(node, fmt::format("missing name in {}", what));
    if (!known->intervals.insert(list[i].name).second) {
      return reader.Fail(node, fmt::format("{} {} is not unique", what, Quote(list[i].name)));
    }
  }
  return Ok();
}

}  // namespace

Result<void> CheckGlobal(const Reader& reader, const YamlNode& node, const GlobalConfig& global) {
  struct Pair {
    std::string_view key;
    const Secret& secret;
    const std::string& file;
  };
  const Pair pairs[] = {
      {"slack_app_token", global.slack_app_token, global.slack_app_token_file},
      {"slack_api_url", global.slack_api_url, global.slack_api_url_file},
      {"opsgenie_api_key", global.opsgenie_api_key, global.opsgenie_api_key_file},
      {"victorops_api_key", global.victorops_api_key, global.victorops_api_key_file},
      {"telegram_bot_token", global.telegram_bot_token, global.telegram_bot_token_file},
      {"smtp_auth_password", global.smtp_auth_password, global.smtp_auth_password_file},
      {"rocketchat_token", global.rocketchat_token, global.rocketchat_token_file},
      {"rocketchat_token_id", global.rocketchat_token_id, global.rocketchat_token_id_file},
      {"smtp_auth_secret", global.smtp_auth_secret, global.smtp_auth_secret_file},
      {"wechat_api_secret", global.wechat_api_secret, global.wechat_api_secret_file},
      {"mattermost_webhook_url", global.mattermost_webhook_url,
       global.mattermost_webhook_url_file}};
  for (const Pair& pair : pairs) {
    if (pair.secret.empty() || pair.file.empty()) continue;
    return reader.Fail(
        node, fmt::format("at most one of {} & {}_file must be configured", pair.key, pair.key));
  }
  const bool token = !global.slack_app_token.empty() || !global.slack_app_token_file.empty();
  const bool webhook = !global.slack_api_url.empty() || !global.slack_api_url_file.empty();
  if (token && webhook && global.slack_api_url.value != global.slack_app_url) {
    return reader.Fail(node,
                       "at most one of slack_app_token/slack_app_token_file & "
                       "slack_api_url/slack_api_url_file must be configured");
  }
  return Ok();
}

Result<void> FinishRoute(Reader& reader, const YamlNode& node, MatcherParser* parser,
                         RouteConfig* route) {
  const MatcherSources sources{reader, node, parser};
  TRY(sources.AddEqual("match", route->match, &route->matchers));
  TRY(sources.AddRegexps("match_re", route->match_re, &route->matchers));
  TRY(sources.AddLines("matchers", route->matcher_lines, &route->matchers));
  std::stable_sort(route->matchers.begin(), route->matchers.end());
  TRY(FinishGroupBy(reader, node, *parser, route));
  if (route->group_interval == DurationMs{0}) {
    return reader.FailHere(ValueSpot(node, "group_interval"), "group_interval cannot be zero");
  }
  if (route->repeat_interval == DurationMs{0}) {
    return reader.FailHere(ValueSpot(node, "repeat_interval"), "repeat_interval cannot be zero");
  }
  if (route->escalate_after.has_value() != !route->escalate_to.empty()) {
    return reader.FailHere(node, "escalate_after and escalate_to need each other");
  }
  Reader::Scope scope(&reader, "routes");
  for (size_t i = 0; i < route->routes.size(); ++i) {
    Reader::Scope item(&reader, i);
    TRY(FinishRoute(reader, *config::Find(node, "routes")->items[i], parser, &route->routes[i]));
  }
  return Ok();
}

Result<void> FinishInhibitRules(Reader& reader, const YamlNode& node, MatcherParser* parser,
                                std::vector<InhibitRuleConfig>* rules) {
  Reader::Scope scope(&reader, "inhibit_rules");
  for (size_t i = 0; i < rules->size(); ++i) {
    Reader::Scope item(&reader, i);
    InhibitRuleConfig& rule = (*rules)[i];
    const MatcherSources sources{reader, *node.items[i], parser};
    TRY(sources.AddEqual("source_match", rule.source_match, &rule.source));
    TRY(sources.AddRegexps("source_match_re", rule.source_match_re, &rule.source));
    TRY(sources.AddLines("source_matchers", rule.source_lines, &rule.source));
    TRY(sources.AddEqual("target_match", rule.target_match, &rule.target));
    TRY(sources.AddRegexps("target_match_re", rule.target_match_re, &rule.target));
    TRY(sources.AddLines("target_matchers", rule.target_lines, &rule.target));
    std::stable_sort(rule.source.begin(), rule.source.end());
    std::stable_sort(rule.target.begin(), rule.target.end());
    for (const std::string& name : rule.equal) {
      if (parser->IsLabelName(name)) continue;
      return reader.FailHere(ValueSpot(*node.items[i], "equal"),
                             fmt::format("invalid label name {} in equal list", Quote(name)));
    }
  }
  return Ok();
}

Result<void> CheckNames(const Reader& reader, const YamlNode& root, const AlertingConfig& config) {
  const YamlNode& route = *config::Find(root, "route");
  TRY(CheckRoot(reader, route, config.route));
  KnownNames known;
  for (const ReceiverConfig& receiver : config.receivers) known.receivers.insert(receiver.name);
  TRY(AddIntervalNames(reader, root, "mute_time_intervals", config.mute_time_intervals, &known));
  TRY(AddIntervalNames(reader, root, "time_intervals", config.time_intervals, &known));
  TRY(CheckExpected(reader, route, config.route, true));
  return CheckRouteNames(reader, route, known, config.route);
}

}  // namespace vigil::alerting
