// SPDX-License-Identifier: Apache-2.0
// incidentio: the notification as the webhook's, version "1". The token of the alert source is the
// http_config's authorization (see list.cc).
#include "client-lib/base/strings.h"
#include "server/notify/incident.h"
#include "server/notify/json_writer.h"
#include "server/notify/list.h"
#include "server/template/json_text.h"

namespace vigil::notify {
namespace {

constexpr size_t kMaxIncidentioBytes = 512 << 10;
constexpr size_t kMaxIncidentioDraft = 64 << 20;

// What the service says of an error, as far as it can be read.
std::string IncidentioDetails(const std::string& body) {
  const auto json = ParseJson(body);
  if (!json) return {};
  std::vector<std::string> parts;
  const std::string list = JoinTexts((*json)["errors"], ", ");
  for (const std::string& part : {(*json)["message"].text, (*json)["error"].text, list}) {
    if (!part.empty()) parts.push_back(part);
  }
  return Join(parts, ": ");
}

class IncidentioReceiver final : public SingleRequestReceiver {
 public:
  IncidentioReceiver(const alerting::IncidentioConfig& config, const Clock& clock)
      : config_(config), clock_(clock) {}

  [[nodiscard]] DurationMs timeout() const override { return config_.timeout; }

 protected:
  Result<http::ClientRequest> Build(const Message& message) override {
    tmpl::Notification data = message.data;
    size_t dropped = 0;
    if (config_.max_alerts > 0 && data.alerts.size() > config_.max_alerts) {
      dropped = data.alerts.size() - config_.max_alerts;
      data.alerts.resize(config_.max_alerts);
      SummarizeAlerts(&data);
    }
    const std::string url = TRY(ReadSecret({config_.url}, config_.url_file, "url_file"));
    std::string body = TRY(Body(message, data, dropped));
    if (body.size() > kMaxIncidentioBytes && data.alerts.size() > 1) {
      // One alert is enough for an incident of the group.
      data.alerts.resize(1);
      body = TRY(Body(message, data, dropped));
    }
    return PostJson(url, std::move(body));
  }

  SendOutcome Judge(const http::ClientResponse& response) override {
    return JudgeWithDetails(response, IncidentioDetails(response.body), clock_.Now());
  }

 private:
  static Result<std::string> Body(const Message& message, const tmpl::Notification& data,
                                  size_t dropped) {
    std::string json = TRY(tmpl::ToJson(tmpl::NotificationValue(data), kMaxIncidentioDraft));
    json.pop_back();  // the fields of the notification come first
    JsonWriter rest;
    rest.BeginObject().Field("version", "1").Field("groupKey", message.out.group_key);
    rest.Number("truncatedAlerts", static_cast<int64_t>(dropped)).EndObject();
    return json + "," + rest.Take().substr(1);
  }

  const alerting::IncidentioConfig config_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<Receiver> MakeIncidentio(const alerting::IncidentioConfig& config,
                                         const ReceiverContext& context) {
  return std::make_unique<IncidentioReceiver>(config, context.clock);
}

}  // namespace vigil::notify
