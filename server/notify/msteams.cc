// SPDX-License-Identifier: Apache-2.0
// msteams: a MessageCard, posted to an incoming webhook of Microsoft Teams.
#include "server/notify/json_writer.h"
#include "server/notify/list.h"

namespace vigil::notify {
namespace {

class MsteamsReceiver final : public SingleRequestReceiver {
 public:
  explicit MsteamsReceiver(const alerting::MsteamsConfig& config) : config_(config) {}

 protected:
  Result<http::ClientRequest> Build(const Message& message) override {
    Expander texts = message.Texts();
    JsonWriter json;
    json.BeginObject();
    json.Field("@context", "http://schema.org/extensions").Field("type", "MessageCard");
    json.Field("title", texts.Text(config_.title));
    json.Field("summary", texts.Text(config_.summary));
    json.Field("text", texts.Text(config_.text));
    json.Field("themeColor", message.resolved() ? "2DC72D" : "8C1A1A").EndObject();
    TRY(texts.Check());
    std::string url =
        TRY(ReadSecret(config_.webhook_url, config_.webhook_url_file, "webhook_url_file"));
    return PostJson(std::move(url), json.Take() + "\n");
  }

 private:
  const alerting::MsteamsConfig config_;
};

}  // namespace

std::unique_ptr<Receiver> MakeMsteams(const alerting::MsteamsConfig& config,
                                      const ReceiverContext&) {
  return std::make_unique<MsteamsReceiver>(config);
}

}  // namespace vigil::notify
