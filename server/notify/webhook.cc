// SPDX-License-Identifier: Apache-2.0
// webhook: the whole notification as JSON, or a payload of the operator's making.
#include <algorithm>

#include "server/notify/any_value.h"
#include "server/notify/json_writer.h"
#include "server/notify/list.h"
#include "server/notify/url.h"
#include "server/template/json_text.h"

namespace vigil::notify {
namespace {

constexpr size_t kMaxPayloadBytes = 64 << 20;

class WebhookReceiver final : public SingleRequestReceiver {
 public:
  explicit WebhookReceiver(const alerting::WebhookConfig& config) : config_(config) {}

  [[nodiscard]] DurationMs timeout() const override { return config_.timeout; }

 protected:
  Result<http::ClientRequest> Build(const Message& message) override {
    tmpl::Notification data = message.data;
    const size_t kept = config_.max_alerts == 0 ? data.alerts.size() : config_.max_alerts;
    const size_t dropped = data.alerts.size() - std::min(kept, data.alerts.size());
    const bool cut = dropped > 0;
    if (cut) Cut(&data, kept);
    const tmpl::Value dot = cut ? tmpl::NotificationValue(data) : message.dot;
    Expander texts(*message.templates, dot);
    const std::string url_text = TRY(ReadSecret(config_.url, config_.url_file, "url_file"));
    std::string url = texts.Text(url_text);
    TRY_CONTEXT(texts.Check(), "failed to execute webhook URL template");
    if (TrimmedEmpty(url)) return BadData("webhook URL is empty after templating");
    std::string body = TRY(Body(message, dot, dropped, &texts));
    return PostJson(std::move(url), std::move(body));
  }

 private:
  static bool TrimmedEmpty(const std::string& text) {
    return text.find_first_not_of(" \t\r\n") == std::string::npos;
  }

  // Only the first alerts; what all have in common is then what these have in common.
  static void Cut(tmpl::Notification* data, size_t kept) {
    data->alerts.resize(kept);
    SummarizeAlerts(data);
  }

  Result<std::string> Body(const Message& message, const tmpl::Value& dot, size_t dropped,
                           Expander* texts) const {
    if (config_.payload != nullptr) {
      const tmpl::Value payload = ExpandAny(config_.payload, texts);
      TRY_CONTEXT(texts->Check(), "failed to execute payload template");
      return tmpl::ToJson(payload, kMaxPayloadBytes);
    }
    std::string json = TRY(tmpl::ToJson(dot, kMaxPayloadBytes));
    json.pop_back();  // the fields of the notification come first
    JsonWriter rest;
    rest.BeginObject();
    rest.Field("version", "4").Field("groupKey", message.out.group_key);
    rest.Number("truncatedAlerts", static_cast<int64_t>(dropped)).EndObject();
    json += ',';
    return json + rest.Take().substr(1) + "\n";
  }

  const alerting::WebhookConfig config_;
};

}  // namespace

std::unique_ptr<Receiver> MakeWebhook(const alerting::WebhookConfig& config,
                                      const ReceiverContext&) {
  return std::make_unique<WebhookReceiver>(config);
}

}  // namespace vigil::notify
