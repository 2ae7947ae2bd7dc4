// SPDX-License-Identifier: Apache-2.0
// pagerduty: the Events API, version 2 by a routing key, version 1 by a service key.
#include <array>

#include "server/notify/any_value.h"
#include "server/notify/incident.h"
#include "server/notify/json_writer.h"
#include "server/notify/list.h"
#include "server/template/json_text.h"

namespace vigil::notify {
namespace {

constexpr const char* kEventsV1 =
    "https://events.pagerduty.com/generic/2010-04-15/create_event.json";
constexpr size_t kMaxEventBytes = 512'000;
constexpr size_t kMaxPagerdutyDraft = 64 << 20;  // it is cut to less afterwards
constexpr size_t kMaxPagerdutyRunes = 1024;
constexpr std::string_view kDetailsRemoved =
    "Custom details have been removed because the original event exceeds the maximum size of 512KB";

std::string DetailsNote() {
  JsonWriter note;
  note.BeginObject().Field("error", kDetailsRemoved).EndObject();
  return note.Take();
}

class PagerdutyReceiver final : public SingleRequestReceiver {
 public:
  PagerdutyReceiver(const alerting::PagerdutyConfig& config, const Clock& clock)
      : config_(config),
        clock_(clock),
        is_v1_(!config.service_key.empty() || !config.service_key_file.empty()) {}

  [[nodiscard]] DurationMs timeout() const override { return config_.timeout; }

 protected:
  Result<http::ClientRequest> Build(const Message& message) override {
    Expander texts = message.Texts();
    const std::string key = TRY(Key(&texts));
    const std::string details = TRY(Details(message));
    // The texts are expanded once more when the details are too large: that is rare.
    std::string body = Event(message, key, details, &texts);
    TRY_CONTEXT(texts.Check(), is_v1_ ? "failed to template PagerDuty v1 message"
                                      : "failed to template PagerDuty v2 message");
    if (key.empty()) {
      return BadData(is_v1_ ? "service key cannot be empty" : "routing key cannot be empty");
    }
    if (body.size() > kMaxEventBytes) {
      body = Event(message, key, DetailsNote(), &texts);
    }
    return PostJson(is_v1_ ? kEventsV1 : config_.url, std::move(body));
  }

  SendOutcome Judge(const http::ClientResponse& response) override {
    // Version 1 says 403 when there were too many events.
    static constexpr std::array kForbidden = {403};
    std::string details;
    const auto json = ParseJson(response.body);
    if (response.status == 400 && json) {
      details = (*json)["message"].text + ": " + JoinTexts((*json)["errors"], ",");
    }
    return JudgeWithDetails(response, std::move(details), clock_.Now(),
                            is_v1_ ? std::span<const int>(kForbidden) : std::span<const int>());
  }

 private:
  Result<std::string> Key(Expander* texts) const {
    const config::Secret& key = is_v1_ ? config_.service_key : config_.routing_key;
    const std::string& file = is_v1_ ? config_.service_key_file : config_.routing_key_file;
    if (file.empty()) return texts->Text(key.value);
    return ReadSecret(key, file, is_v1_ ? "service_key_file" : "routing_key_file");
  }

  // A JSON object, or nothing when there are none; of very large groups the note.
  Result<std::string> Details(const Message& message) const {
    Expander texts = message.Texts();
    std::map<std::string, tmpl::Value, std::less<>> details;
    for (const auto& [name, value] : config_.details) {
      details[name] = ExpandAny(value, &texts);
      const Result<void> checked = texts.Check();
      // The limits of templates stand far above what an event may have.
      if (!checked && tmpl::IsLimitError(checked.error())) return DetailsNote();
      TRY_CONTEXT(checked, "failed to template details");
    }
    if (details.empty()) return std::string();
    auto json = tmpl::ToJson(tmpl::Value::AnyMap(std::move(details)), kMaxPagerdutyDraft);
    if (!json && tmpl::IsLimitError(json.error())) return DetailsNote();
    return json;
  }

  std::string Event(const Message& message, const std::string& key, const std::string& details,
                    Expander* texts) const {
    const std::string action = message.resolved() ? "resolve" : "trigger";
    const std::string summary = texts->TextInRunes(config_.description, kMaxPagerdutyRunes);
    JsonWriter json;
    json.BeginObject();
    if (is_v1_) {
      json.FieldIfAny("service_key", key).Field("incident_key", message.key_hash);
      json.Field("event_type", action).FieldIfAny("description", summary);
      json.Field("event_action", "").Key("payload").Raw("null");
      if (!message.resolved()) Client(texts, &json);
      if (!details.empty()) json.Key("details").Raw(details);
      json.EndObject();
      return json.Take();
    }
    json.FieldIfAny("routing_key", key).Field("dedup_key", message.key_hash);
    json.Field("event_action", action).Key("payload").BeginObject();
    json.Field("summary", summary).Field("source", texts->Text(config_.source));
    json.Field("severity", config_.severity.empty() ? "error" : texts->Text(config_.severity));
    json.FieldIfAny("class", texts->Text(config_.class_name));
    json.FieldIfAny("component", texts->Text(config_.component));
    json.FieldIfAny("group", texts->Text(config_.group));
    if (!details.empty()) json.Key("custom_details").Raw(details);
    json.EndObject();
    Client(texts, &json);
    Images(texts, &json);
    Links(texts, &json);
    json.EndObject();
    return json.Take();
  }

  void Client(Expander* texts, JsonWriter* json) const {
    json->FieldIfAny("client", texts->Text(config_.client));
    json->FieldIfAny("client_url", texts->Text(config_.client_url));
  }

  void Images(Expander* texts, JsonWriter* json) const {
    bool any = false;
    for (const alerting::PagerdutyImage& image : config_.images) {
      const std::string src = texts->Text(image.src);
      if (src.empty()) continue;
      if (!any) json->Key("images").BeginArray();
      any = true;
      json->BeginObject().Field("src", src).Field("alt", texts->Text(image.alt));
      json->Field("href", texts->Text(image.href)).EndObject();
    }
    if (any) json->EndArray();
  }

  void Links(Expander* texts, JsonWriter* json) const {
    bool any = false;
    for (const alerting::PagerdutyLink& link : config_.links) {
      const std::string href = texts->Text(link.href);
      if (href.empty()) continue;
      if (!any) json->Key("links").BeginArray();
      any = true;
      json->BeginObject().Field("href", href).Field("text", texts->Text(link.text)).EndObject();
    }
    if (any) json->EndArray();
  }

  const alerting::PagerdutyConfig config_;
  const Clock& clock_;
  const bool is_v1_;
};

}  // namespace

std::unique_ptr<Receiver> MakePagerduty(const alerting::PagerdutyConfig& config,
                                        const ReceiverContext& context) {
  return std::make_unique<PagerdutyReceiver>(config, context.clock);
}

}  // namespace vigil::notify
