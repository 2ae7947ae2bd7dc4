// SPDX-License-Identifier: Apache-2.0
// What receivers take from the global block. The words are upstream's.
#include <fmt/format.h>

#include <set>

#include "client-lib/base/strings.h"
#include "server/alerting/config_validate.h"

namespace vigil::alerting {
namespace {

using config::Reader;
using config::YamlNode;

// Where the element of a list stands, and the list's receiver.
struct Spot {
  const Reader& reader;
  const YamlNode& node;
  [[nodiscard]] Error Fail(std::string_view what) const { return reader.FailHere(node, what); }
};

void OrElse(std::string* own, const std::string& from_global) {
  if (own->empty()) *own = from_global;
}

// The pair is taken from `global` only when the block has neither.
void PairOrElse(Secret* own, std::string* own_file, const Secret& secret, const std::string& file) {
  if (!own->empty() || !own_file->empty()) return;
  *own = secret;
  *own_file = file;
}

void EndWithSlash(std::string* url) {
  const size_t end = url->find_first_of("?#");
  const size_t path_end = end == std::string::npos ? url->size() : end;
  if (path_end == 0 || (*url)[path_end - 1] != '/') url->insert(path_end, "/");
}

Result<void> Fill(const Spot& spot, const GlobalConfig& global, EmailConfig* out) {
  if (!out->has_tls_config) {
    out->has_tls_config = global.has_smtp_tls_config;
    out->tls_config = global.smtp_tls_config;
  }
  OrElse(&out->smarthost, global.smtp_smarthost);
  if (out->smarthost.empty()) return spot.Fail("no global SMTP smarthost set");
  OrElse(&out->from, global.smtp_from);
  if (out->from.empty()) return spot.Fail("no global SMTP from set");
  OrElse(&out->hello, global.smtp_hello);
  OrElse(&out->auth_username, global.smtp_auth_username);
  PairOrElse(&out->auth_password, &out->auth_password_file, global.smtp_auth_password,
             global.smtp_auth_password_file);
  PairOrElse(&out->auth_secret, &out->auth_secret_file, global.smtp_auth_secret,
             global.smtp_auth_secret_file);
  OrElse(&out->auth_identity, global.smtp_auth_identity);
  if (!out->require_tls) out->require_tls = global.smtp_require_tls;
  if (!out->force_implicit_tls) out->force_implicit_tls = global.smtp_force_implicit_tls;
  return Ok();
}

Result<void> Fill(const Spot& spot, const GlobalConfig& global, SlackConfig* out) {
  OrElse(&out->app_url, global.slack_app_url);
  const bool own_header = out->has_http_config && out->http.has_authorization;
  if (!own_header && out->api_url.empty()) {
    PairOrElse(&out->app_token, &out->app_token_file, global.slack_app_token,
               global.slack_app_token_file);
  }
  PairOrElse(&out->api_url, &out->api_url_file, global.slack_api_url, global.slack_api_url_file);
  const bool has_token = !out->app_token.empty() || !out->app_token_file.empty();
  if (out->api_url.empty() && out->api_url_file.empty() && !has_token) {
    return spot.Fail("no Slack API URL nor App token set either inline or in a file");
  }
  if (has_token) {
    if (out->http.has_authorization) {
      return spot.Fail("http authorization can't be set when using Slack App tokens");
    }
    out->http.has_authorization = true;
    out->http.authorization.type = "Bearer";
    out->http.authorization.credentials = out->app_token;
    out->http.authorization.credentials_file = out->app_token_file;
    out->api_url.value = out->app_url;
    out->api_url_file.clear();
  }
  if (out->update_message && !out->api_url.value.ends_with("/chat.postMessage")) {
    return spot.Fail(
        "update_message needs an API URL that ends in /chat.postMessage: set an app "
        "token");
  }
  return Ok();
}

Result<void> Fill(const Spot& spot, const GlobalConfig& global, PagerdutyConfig* out) {
  OrElse(&out->url, global.pagerduty_url);
  if (out->url.empty()) return spot.Fail("no global PagerDuty URL set");
  return Ok();
}

Result<void> Fill(const Spot& spot, const GlobalConfig& global, OpsGenieConfig* out) {
  OrElse(&out->api_url, global.opsgenie_api_url);
  if (out->api_url.empty()) return spot.Fail("no global OpsGenie URL set");
  EndWithSlash(&out->api_url);
  PairOrElse(&out->api_key, &out->api_key_file, global.opsgenie_api_key,
             global.opsgenie_api_key_file);
  if (out->api_key.empty() && out->api_key_file.empty()) {
    return spot.Fail("no global OpsGenie API Key set either inline or in a file");
  }
  return Ok();
}

Result<void> Fill(const Spot& spot, const GlobalConfig& global, WechatConfig* out) {
  OrElse(&out->api_url, global.wechat_api_url);
  if (out->api_url.empty()) return spot.Fail("no global Wechat URL set");
  PairOrElse(&out->api_secret, &out->api_secret_file, global.wechat_api_secret,
             global.wechat_api_secret_file);
  if (out->api_secret.empty() && out->api_secret_file.empty()) {
    return spot.Fail("no global Wechat Api Secret set either inline or in a file");
  }
  OrElse(&out->corp_id, global.wechat_api_corp_id);
  if (out->corp_id.empty()) return spot.Fail("no global Wechat CorpID set");
  EndWithSlash(&out->api_url);
  return Ok();
}

Result<void> Fill(const Spot& spot, const GlobalConfig& global, VictorOpsConfig* out) {
  OrElse(&out->api_url, global.victorops_api_url);
  if (out->api_url.empty()) return spot.Fail("no global VictorOps URL set");
  EndWithSlash(&out->api_url);
  PairOrElse(&out->api_key, &out->api_key_file, global.victorops_api_key,
             global.victorops_api_key_file);
  if (out->api_key.empty() && out->api_key_file.empty()) {
    return spot.Fail("no global VictorOps API Key set");
  }
  return Ok();
}

Result<void> Fill(const Spot& spot, const GlobalConfig& global, TelegramConfig* out) {
  OrElse(&out->api_url, global.telegram_api_url);
  PairOrElse(&out->bot_token, &out->bot_token_file, global.telegram_bot_token,
             global.telegram_bot_token_file);
  if (out->bot_token.empty() && out->bot_token_file.empty()) {
    return spot.Fail("missing bot_token or bot_token_file on telegram_config");
  }
  return Ok();
}

Result<void> Fill(const Spot& spot, const GlobalConfig& global, WebexConfig* out) {
  OrElse(&out->api_url, global.webex_api_url);
  if (out->api_url.empty()) return spot.Fail("no global Webex URL set");
  return Ok();
}

Result<void> Fill(const Spot& spot, const GlobalConfig& global, JiraConfig* out) {
  OrElse(&out->api_url, global.jira_api_url);
  if (out->api_url.empty()) return spot.Fail("no global Jira Cloud URL set");
  return Ok();
}

Result<void> Fill(const Spot& spot, const GlobalConfig& global, RocketchatConfig* out) {
  OrElse(&out->api_url, global.rocketchat_api_url);
  PairOrElse(&out->token_id, &out->token_id_file, global.rocketchat_token_id,
             global.rocketchat_token_id_file);
  if (out->token_id.empty() && out->token_id_file.empty()) {
    return spot.Fail("no global Rocketchat TokenID set either inline or in a file");
  }
  PairOrElse(&out->token, &out->token_file, global.rocketchat_token, global.rocketchat_token_file);
  if (out->token.empty() && out->token_file.empty()) {
    return spot.Fail("no global Rocketchat Token set either inline or in a file");
  }
  return Ok();
}

Result<void> Fill(const Spot& spot, const GlobalConfig& global, MattermostConfig* out) {
  PairOrElse(&out->webhook_url, &out->webhook_url_file, global.mattermost_webhook_url,
             global.mattermost_webhook_url_file);
  if (out->webhook_url.empty() && out->webhook_url_file.empty()) {
    return spot.Fail("missing webhook_url or webhook_url_file on mattermost_config");
  }
  return Ok();
}

Result<void> Fill(const Spot&, const GlobalConfig& global, MsteamsV2Config* out) {
  // The odd one: of a block of its own it still takes the global proxy.
  if (out->has_http_config) OrElse(&out->http.proxy_url, global.http.proxy_url);
  return Ok();
}

// Those that take nothing but http_config.
template <typename T>
Result<void> Fill(const Spot&, const GlobalConfig&, T*) {
  return Ok();
}

// Threads: owner thread only.
struct ReceiverFiller {
  Reader& reader;
  const YamlNode& receiver;
  const GlobalConfig& global;

  template <typename T>
  Result<void> Take(std::string_view key, std::vector<T>* list) {
    const YamlNode* nodes = config::Find(receiver, key);
    Reader::Scope scope(&reader, key);
    for (size_t i = 0; i < list->size(); ++i) {
      Reader::Scope item(&reader, i);
      T& one = (*list)[i];
      if (!one.has_http_config) one.http = global.http;
      TRY(Fill(Spot{reader, *nodes->items[i]}, global, &one));
    }
    return Ok();
  }

  Result<void> TakeAll(ReceiverConfig* out) {
    TRY(Take("discord_configs", &out->discord));
    TRY(Take("email_configs", &out->email));
    TRY(Take("incidentio_configs", &out->incidentio));
    TRY(Take("pagerduty_configs", &out->pagerduty));
    TRY(Take("slack_configs", &out->slack));
    TRY(Take("webhook_configs", &out->webhook));
    TRY(Take("opsgenie_configs", &out->opsgenie));
    TRY(Take("wechat_configs", &out->wechat));
    TRY(Take("pushover_configs", &out->pushover));
    TRY(Take("victorops_configs", &out->victorops));
    TRY(Take("sns_configs", &out->sns));
    TRY(Take("telegram_configs", &out->telegram));
    TRY(Take("webex_configs", &out->webex));
    TRY(Take("msteams_configs", &out->msteams));
    TRY(Take("msteamsv2_configs", &out->msteamsv2));
    TRY(Take("jira_configs", &out->jira));
    TRY(Take("rocketchat_configs", &out->rocketchat));
    return Take("mattermost_configs", &out->mattermost);
  }
};

}  // namespace

Result<void> FinishReceivers(Reader& reader, const YamlNode& node, const GlobalConfig& global,
                             std::vector<ReceiverConfig>* receivers) {
  std::set<std::string> names;
  Reader::Scope scope(&reader, "receivers");
  for (size_t i = 0; i < receivers->size(); ++i) {
    Reader::Scope item(&reader, i);
    ReceiverConfig& receiver = (*receivers)[i];
    const YamlNode& spot = *node.items[i];
    if (receiver.name.empty()) return reader.FailHere(spot, "missing name in receiver");
    if (!names.insert(receiver.name).second) {
      return reader.FailHere(
          spot, fmt::format("notification config name {} is not unique", Quote(receiver.name)));
    }
    receiver.labels["name"] = receiver.name;
    ReceiverFiller filler{reader, spot, global};
    TRY(filler.TakeAll(&receiver));
  }
  return Ok();
}

}  // namespace vigil::alerting
