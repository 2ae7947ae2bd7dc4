// SPDX-License-Identifier: Apache-2.0
// webex: a message in Markdown to a room.
#include "server/notify/json_writer.h"
#include "server/notify/list.h"

namespace vigil::notify {
namespace {

constexpr size_t kMaxWebexBytes = 7439;

class WebexReceiver final : public SingleRequestReceiver {
 public:
  explicit WebexReceiver(const alerting::WebexConfig& config) : config_(config) {}

 protected:
  Result<http::ClientRequest> Build(const Message& message) override {
    Expander texts = message.Texts();
    JsonWriter json;
    json.BeginObject();
    json.Field("markdown", texts.TextInBytes(config_.message, kMaxWebexBytes));
    json.FieldIfAny("roomId", texts.Text(config_.room_id)).EndObject();
    TRY(texts.Check());
    return PostJson(config_.api_url, json.Take() + "\n");
  }

 private:
  const alerting::WebexConfig config_;
};

}  // namespace

std::unique_ptr<Receiver> MakeWebex(const alerting::WebexConfig& config, const ReceiverContext&) {
  return std::make_unique<WebexReceiver>(config);
}

}  // namespace vigil::notify
