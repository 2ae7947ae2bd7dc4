// SPDX-License-Identifier: Apache-2.0
// opsgenie: the Alert API, version 2. The group's hash is the alert's alias.
#include "client-lib/base/strings.h"
#include "server/notify/incident.h"
#include "server/notify/json_writer.h"
#include "server/notify/list.h"
#include "server/notify/url.h"

namespace vigil::notify {
namespace {

constexpr size_t kMaxOpsGenieRunes = 130;

// The entries of "a,b" that are not empty.
std::vector<std::string> NonEmptyOf(const std::string& text) {
  std::vector<std::string> out;
  for (const std::string_view part : Split(TrimSpace(text), ',')) {
    if (!part.empty()) out.emplace_back(part);
  }
  return out;
}

void WriteTextsIfAny(std::string_view name, const std::vector<std::string>& texts,
                     JsonWriter* json) {
  if (texts.empty()) return;
  json->Key(name).BeginArray();
  for (const std::string& text : texts) json->String(text);
  json->EndArray();
}

class OpsGenieReceiver final : public Receiver {
 public:
  OpsGenieReceiver(const alerting::OpsGenieConfig& config, const Clock& clock)
      : config_(config), clock_(clock) {}

  std::unique_ptr<Delivery> Begin(std::shared_ptr<const Message> message) override {
    auto requests = Requests(*message);
    if (!requests) return std::make_unique<NoDelivery>(std::move(requests).error());
    return std::make_unique<RequestChain>(std::move(requests).value(), clock_);
  }

 private:
  Result<std::vector<http::ClientRequest>> Requests(const Message& message) const {
    Expander texts = message.Texts();
    std::vector<http::ClientRequest> requests;
    if (message.resolved()) {
      JsonWriter close;
      close.BeginObject().Field("source", texts.Text(config_.source)).EndObject();
      requests.push_back(PostJson(AliasUrl(message, "close"), close.Take()));
    } else {
      const std::string title = texts.TextInRunes(config_.message, kMaxOpsGenieRunes);
      const std::string description = texts.Text(config_.description);
      requests.push_back(PostJson(JoinPath(config_.api_url, "v2/alerts"),
                                  Alert(message, title, description, &texts)));
      if (config_.update_alerts) {
        requests.push_back(Change(message, "message", title));
        requests.push_back(Change(message, "description", description));
      }
    }
    const std::string secret =
        TRY_CONTEXT(ReadSecret(config_.api_key, config_.api_key_file, "key_file"), "opsgenie");
    const std::string key(TrimSpace(texts.Text(secret)));
    TRY_CONTEXT(texts.Check(), "templating error");
    for (http::ClientRequest& request : requests) {
      request.headers.Set("Authorization", "GenieKey " + key);
    }
    return requests;
  }

  [[nodiscard]] std::string AliasUrl(const Message& message, const std::string& what) const {
    return AddQuery(JoinPath(config_.api_url, "v2/alerts/" + message.key_hash + "/" + what),
                    {{"identifierType", "alias"}});
  }

  // The alert may be open already: then the first request changes nothing of it.
  [[nodiscard]] http::ClientRequest Change(const Message& message, const std::string& field,
                                           const std::string& text) const {
    JsonWriter json;
    json.BeginObject().FieldIfAny(field, text).EndObject();
    http::ClientRequest request = PostJson(AliasUrl(message, field), json.Take());
    request.method = "PUT";
    return request;
  }

  std::string Alert(const Message& message, const std::string& title,
                    const std::string& description, Expander* texts) const {
    JsonWriter json;
    json.BeginObject().Field("alias", message.key_hash).Field("message", title);
    json.FieldIfAny("description", description).Key("details").BeginObject();
    StringMap details = message.data.common_labels;
    for (const auto& [name, text] : config_.details) details[name] = texts->Text(text);
    for (const auto& [name, text] : details) json.Field(name, text);
    json.EndObject().Field("source", texts->Text(config_.source));
    Responders(texts, &json);
    WriteTextsIfAny("tags", NonEmptyOf(texts->Text(config_.tags)), &json);
    json.FieldIfAny("note", texts->Text(config_.note));
    json.FieldIfAny("priority", texts->Text(config_.priority));
    json.FieldIfAny("entity", texts->Text(config_.entity));
    WriteTextsIfAny("actions", NonEmptyOf(texts->Text(config_.actions)), &json);
    json.EndObject();
    return json.Take();
  }

  void Responders(Expander* texts, JsonWriter* json) const {
    JsonWriter list;
    list.BeginArray();
    bool any = false;
    const auto add = [&](const alerting::OpsGenieResponder& one) {
      any = true;
      list.BeginObject().FieldIfAny("id", one.id).FieldIfAny("name", one.name);
      list.FieldIfAny("username", one.username).Field("type", one.type).EndObject();
    };
    for (const alerting::OpsGenieResponder& each : config_.responders) {
      const alerting::OpsGenieResponder one{texts->Text(each.id), texts->Text(each.name),
                                            texts->Text(each.username), texts->Text(each.type)};
      // Filled from labels that an alert may lack.
      if (one.id.empty() && one.name.empty() && one.username.empty() && one.type.empty()) continue;
      if (one.type != "teams") {
        add(one);
        continue;
      }
      for (const std::string& team : NonEmptyOf(one.name)) add({"", team, "", "team"});
    }
    list.EndArray();
    if (any) json->Key("responders").Raw(list.Take());
  }

  const alerting::OpsGenieConfig config_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<Receiver> MakeOpsGenie(const alerting::OpsGenieConfig& config,
                                       const ReceiverContext& context) {
  return std::make_unique<OpsGenieReceiver>(config, context.clock);
}

}  // namespace vigil::notify
