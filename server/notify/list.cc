// SPDX-License-Identifier: Apache-2.0
#include "server/notify/list.h"

#include <array>

namespace vigil::notify {
namespace {

template <typename Config>
alerting::HttpConfig HttpOf(const Config& config) {
  return config.http;
}

// The token of the alert source goes before what http_config says.
alerting::HttpConfig HttpOf(const alerting::IncidentioConfig& config) {
  alerting::HttpConfig http = config.http;
  if (config.alert_source_token.empty() && config.alert_source_token_file.empty()) return http;
  http.has_oauth2 = false;
  http.has_basic_auth = false;
  http.has_authorization = true;
  http.authorization = {};
  http.authorization.credentials = config.alert_source_token;
  http.authorization.credentials_file = config.alert_source_token_file;
  return http;
}

// All blocks of a type in a receiver, in their order.
template <auto kBlocks, auto kMake>
std::vector<Made> MakeAll(const alerting::ReceiverConfig& config, const ReceiverContext& context) {
  std::vector<Made> made;
  for (const auto& block : config.*kBlocks) made.push_back({kMake(block, context), HttpOf(block)});
  return made;
}

}  // namespace

std::span<const ReceiverType> ReceiverTypes() {
  using R = alerting::ReceiverConfig;
  static constexpr std::array kTypes = {
      ReceiverType{"discord", &MakeAll<&R::discord, &MakeDiscord>},
      ReceiverType{"email", &MakeAll<&R::email, &MakeEmail>},
      ReceiverType{"incidentio", &MakeAll<&R::incidentio, &MakeIncidentio>},
      ReceiverType{"jira", &MakeAll<&R::jira, &MakeJira>},
      ReceiverType{"mattermost", &MakeAll<&R::mattermost, &MakeMattermost>},
      ReceiverType{"msteams", &MakeAll<&R::msteams, &MakeMsteams>},
      ReceiverType{"msteamsv2", &MakeAll<&R::msteamsv2, &MakeMsteamsV2>},
      ReceiverType{"opsgenie", &MakeAll<&R::opsgenie, &MakeOpsGenie>},
      ReceiverType{"pagerduty", &MakeAll<&R::pagerduty, &MakePagerduty>},
      ReceiverType{"pushover", &MakeAll<&R::pushover, &MakePushover>},
      ReceiverType{"rocketchat", &MakeAll<&R::rocketchat, &MakeRocketchat>},
      ReceiverType{"slack", &MakeAll<&R::slack, &MakeSlack>},
      ReceiverType{"sns", &MakeAll<&R::sns, &MakeSns>},
      ReceiverType{"telegram", &MakeAll<&R::telegram, &MakeTelegram>},
      ReceiverType{"victorops", &MakeAll<&R::victorops, &MakeVictorOps>},
      ReceiverType{"webex", &MakeAll<&R::webex, &MakeWebex>},
      ReceiverType{"webhook", &MakeAll<&R::webhook, &MakeWebhook>},
      ReceiverType{"wechat", &MakeAll<&R::wechat, &MakeWechat>},
  };
  return kTypes;
}

}  // namespace vigil::notify
