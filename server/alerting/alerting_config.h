// SPDX-License-Identifier: Apache-2.0
// The whole of alertmanager.yml as plain values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client-lib/model/duration.h"
#include "server/alerting/label_matcher.h"
#include "server/alerting/receiver_config.h"
#include "server/alerting/time_interval.h"

namespace vigil::alerting {

struct GlobalConfig {
  DurationMs resolve_timeout = 300'000;
  bool has_http_config = false;
  HttpConfig http;
  std::string smtp_from;
  std::string smtp_hello = "localhost";
  std::string smtp_smarthost;
  std::string smtp_auth_username;
  Secret smtp_auth_password;
  std::string smtp_auth_password_file;
  Secret smtp_auth_secret;
  std::string smtp_auth_secret_file;
  std::string smtp_auth_identity;
  bool smtp_require_tls = true;
  bool has_smtp_tls_config = false;
  config::TlsConfig smtp_tls_config;
  std::optional<bool> smtp_force_implicit_tls;
  Secret slack_api_url;
  std::string slack_api_url_file;
  Secret slack_app_token;
  std::string slack_app_token_file;
  std::string slack_app_url = "https://slack.com/api/chat.postMessage";
  std::string pagerduty_url = "https://events.pagerduty.com/v2/enqueue";
  std::string opsgenie_api_url = "https://api.opsgenie.com/";
  Secret opsgenie_api_key;
  std::string opsgenie_api_key_file;
  std::string wechat_api_url = "https://qyapi.weixin.qq.com/cgi-bin/";
  Secret wechat_api_secret;
  std::string wechat_api_secret_file;
  std::string wechat_api_corp_id;
  std::string victorops_api_url =
      "https://alert.victorops.com/integrations/generic/20131114/alert/";
  Secret victorops_api_key;
  std::string victorops_api_key_file;
  std::string telegram_api_url = "https://api.telegram.org";
  Secret telegram_bot_token;
  std::string telegram_bot_token_file;
  std::string webex_api_url = "https://webexapis.com/v1/messages";
  std::string rocketchat_api_url = "https://open.rocket.chat/";
  Secret rocketchat_token;
  std::string rocketchat_token_file;
  Secret rocketchat_token_id;
  std::string rocketchat_token_id_file;
  Secret mattermost_webhook_url;
  std::string mattermost_webhook_url_file;
  std::string jira_api_url;
};

// Who else is told of alerts that have fired for so long and that nobody took on.
struct EscalationConfig {
  DurationMs after = 0;
  std::string receiver;
};

// A node of the routing tree as it is written; nothing is inherited here (see route_tree.h).
struct RouteConfig {
  std::string receiver;
  bool has_group_by = false;
  bool group_by_all = false;  // group_by: ['...']
  std::vector<std::string> group_by;
  LabelMatchers matchers;  // match, match_re and matchers, sorted
  std::vector<std::string> mute_time_intervals;
  std::vector<std::string> active_time_intervals;
  bool continues = false;
  std::optional<DurationMs> group_wait;
  std::optional<DurationMs> group_interval;
  std::optional<DurationMs> repeat_interval;
  // Vigil's own. escalate_after and escalate_to are one step more.
  std::optional<DurationMs> escalate_after;
  std::string escalate_to;
  std::vector<EscalationConfig> escalations;
  std::optional<DurationMs> expect_every;  // its alerts are heartbeats: a missing one is told
  StringMap labels;
  std::vector<RouteConfig> routes;
  // The matchers as they are written.
  StringMap match;
  StringMap match_re;
  std::vector<std::string> matcher_lines;
  std::vector<std::string> group_by_lines;
};

struct InhibitRuleConfig {
  std::string name;
  LabelMatchers source;  // all three forms, sorted
  LabelMatchers target;
  std::vector<std::string> equal;
  // The matchers as they are written.
  StringMap source_match, source_match_re, target_match, target_match_re;
  std::vector<std::string> source_lines, target_lines;
};

struct NamedTimeInterval {
  std::string name;
  std::vector<TimeInterval> intervals;
};

// Immutable once loaded: share it as shared_ptr<const AlertingConfig>.
struct AlertingConfig {
  GlobalConfig global;
  bool has_route = false;
  RouteConfig route;
  std::vector<InhibitRuleConfig> inhibit_rules;
  std::vector<ReceiverConfig> receivers;
  std::vector<std::string> templates;  // globs, resolved against the file's directory
  std::vector<NamedTimeInterval> mute_time_intervals;  // deprecated; one name space with the next
  std::vector<NamedTimeInterval> time_intervals;

  std::string file;
  // What the caller logs: keys without effect, matchers of two meanings.
  std::vector<std::string> warnings;
};

}  // namespace vigil::alerting
