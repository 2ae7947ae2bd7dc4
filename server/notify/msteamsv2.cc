// SPDX-License-Identifier: Apache-2.0
// msteamsv2: an adaptive card, posted to a flow of Microsoft Teams.
#include "server/notify/json_writer.h"
#include "server/notify/list.h"

namespace vigil::notify {
namespace {

class MsteamsV2Receiver final : public SingleRequestReceiver {
 public:
  explicit MsteamsV2Receiver(const alerting::MsteamsV2Config& config) : config_(config) {}

 protected:
  Result<http::ClientRequest> Build(const Message& message) override {
    Expander texts = message.Texts();
    const std::string title = texts.Text(config_.title);
    const std::string text = texts.Text(config_.text);
    TRY(texts.Check());
    std::string url =
        TRY(ReadSecret(config_.webhook_url, config_.webhook_url_file, "webhook_url_file"));
    JsonWriter json;
    json.BeginObject().Field("type", "message");
    json.Key("attachments").BeginArray().BeginObject();
    json.Field("contentType", "application/vnd.microsoft.card.adaptive");
    json.Key("contentUrl").Raw("null");
    json.Key("content").BeginObject();
    json.Field("$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
    json.Field("type", "AdaptiveCard").Field("version", "1.2");
    json.Key("body").BeginArray().BeginObject();
    json.Field("type", "TextBlock").Field("text", title);
    json.Field("weight", "Bolder").Field("size", "Medium").Flag("wrap", true);
    json.Field("style", "heading").Field("color", message.resolved() ? "Good" : "Attention");
    json.EndObject().BeginObject();
    json.Field("type", "TextBlock").Field("text", text).Flag("wrap", true);
    json.EndObject().EndArray();
    json.Key("msteams").BeginObject().Field("width", "full").EndObject();
    json.EndObject().EndObject().EndArray().EndObject();
    return PostJson(std::move(url), json.Take() + "\n");
  }

 private:
  const alerting::MsteamsV2Config config_;
};

}  // namespace

std::unique_ptr<Receiver> MakeMsteamsV2(const alerting::MsteamsV2Config& config,
                                        const ReceiverContext&) {
  return std::make_unique<MsteamsV2Receiver>(config);
}

}  // namespace vigil::notify
