// SPDX-License-Identifier: Apache-2.0
// victorops (Splunk On-Call): the generic REST endpoint; key and routing key stand in the URL.
#include <set>

#include "server/notify/incident.h"
#include "server/notify/json_writer.h"
#include "server/notify/list.h"
#include "server/notify/url.h"

namespace vigil::notify {
namespace {

constexpr size_t kMaxVictorOpsRunes = 20'480;

// As a part of a path that may have several segments.
std::string EscapedPath(const std::string& text) {
  std::string out;
  size_t at = 0;
  for (;;) {
    const size_t slash = text.find('/', at);
    out += PathEscape(text.substr(at, slash == std::string::npos ? slash : slash - at));
    if (slash == std::string::npos) return out;
    out += '/';
    at = slash + 1;
  }
}

class VictorOpsReceiver final : public SingleRequestReceiver {
 public:
  VictorOpsReceiver(const alerting::VictorOpsConfig& config, const Clock& clock)
      : config_(config), clock_(clock) {}

 protected:
  Result<http::ClientRequest> Build(const Message& message) override {
    Expander texts = message.Texts();
    const std::string key =
        TRY(ReadSecret(config_.api_key, config_.api_key_file, "API key from file"));
    const std::string routing_key = texts.Text(config_.routing_key);
    std::string type = texts.Text(config_.message_type);
    if (message.resolved()) {
      type = "RECOVERY";
    } else if (!std::set<std::string>{"INFO", "WARNING", "CRITICAL"}.contains(type)) {
      type = "CRITICAL";
    }
    StringMap fields = {
        {"message_type", type},
        {"entity_id", message.key_hash},
        {"entity_display_name", texts.Text(config_.entity_display_name)},
        {"state_message", texts.TextInRunes(config_.state_message, kMaxVictorOpsRunes)},
        {"monitoring_tool", texts.Text(config_.monitoring_tool)},
    };
    for (const auto& [name, text] : config_.custom_fields) fields[name] = texts.Text(text);
    TRY_CONTEXT(texts.Check(), "templating error");
    JsonWriter json;
    json.BeginObject();
    for (const auto& [name, text] : fields) json.Field(name, text);
    json.EndObject();
    return PostJson(JoinPath(config_.api_url, EscapedPath(key + "/" + routing_key)), json.Take());
  }

  SendOutcome Judge(const http::ClientResponse& response) override {
    return JudgeAnswer(response, clock_.Now());
  }

 private:
  const alerting::VictorOpsConfig config_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<Receiver> MakeVictorOps(const alerting::VictorOpsConfig& config,
                                        const ReceiverContext& context) {
  return std::make_unique<VictorOpsReceiver>(config, context.clock);
}

}  // namespace vigil::notify
