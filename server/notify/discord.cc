// SPDX-License-Identifier: Apache-2.0
// discord: a message with one embed, posted to a webhook.
#include "server/notify/json_writer.h"
#include "server/notify/list.h"

namespace vigil::notify {
namespace {

constexpr size_t kMaxDiscordTitle = 256;
constexpr size_t kMaxDiscordDescription = 4096;
constexpr size_t kMaxDiscordContent = 2000;
constexpr int64_t kDiscordRed = 0x992D22;
constexpr int64_t kDiscordGreen = 0x2ECC71;

class DiscordReceiver final : public SingleRequestReceiver {
 public:
  explicit DiscordReceiver(const alerting::DiscordConfig& config) : config_(config) {}

 protected:
  Result<http::ClientRequest> Build(const Message& message) override {
    Expander texts = message.Texts();
    const std::string title = texts.TextInRunes(config_.title, kMaxDiscordTitle);
    const std::string description = texts.TextInRunes(config_.message, kMaxDiscordDescription);
    const std::string content = texts.TextInRunes(config_.content, kMaxDiscordContent);
    TRY(texts.Check());
    std::string url =
        TRY(ReadSecret(config_.webhook_url, config_.webhook_url_file, "webhook_url_file"));
    JsonWriter json;
    json.BeginObject();
    json.Field("content", content);
    json.Key("embeds").BeginArray().BeginObject();
    json.Field("title", title).Field("description", description);
    json.Number("color", message.resolved() ? kDiscordGreen : kDiscordRed);
    json.EndObject().EndArray();
    // As they stand in the configuration: upstream takes neither for a template.
    json.FieldIfAny("username", config_.username).FieldIfAny("avatar_url", config_.avatar_url);
    json.EndObject();
    return PostJson(std::move(url), json.Take() + "\n");
  }

 private:
  const alerting::DiscordConfig config_;
};

}  // namespace

std::unique_ptr<Receiver> MakeDiscord(const alerting::DiscordConfig& config,
                                      const ReceiverContext&) {
  return std::make_unique<DiscordReceiver>(config);
}

}  // namespace vigil::notify
