// SPDX-License-Identifier: Apache-2.0
// pushover: a push message; everything is said in the query.
#include "server/notify/list.h"
#include "server/notify/text_limits.h"
#include "server/notify/url.h"
#include "server/template/rune.h"

namespace vigil::notify {
namespace {

constexpr const char* kPushoverUrl = "https://api.pushover.net/1/messages.json";
constexpr size_t kMaxPushoverTitle = 250;
constexpr size_t kMaxPushoverMessage = 1024;
constexpr size_t kMaxPushoverUrl = 512;

class PushoverReceiver final : public SingleRequestReceiver {
 public:
  explicit PushoverReceiver(const alerting::PushoverConfig& config) : config_(config) {}

 protected:
  Result<http::ClientRequest> Build(const Message& message) override {
    Expander texts = message.Texts();
    const std::string token = TRY(ReadSecret(config_.token, config_.token_file, "token_file"));
    const std::string user =
        TRY(ReadSecret(config_.user_key, config_.user_key_file, "user_key_file"));
    std::vector<std::pair<std::string, std::string>> query;
    query.emplace_back("token", texts.Text(token));
    query.emplace_back("user", texts.Text(user));
    query.emplace_back("title", texts.TextInRunes(config_.title, kMaxPushoverTitle));
    if (config_.html) query.emplace_back("html", "1");
    if (config_.monospace) query.emplace_back("monospace", "1");
    query.emplace_back("message", Body(&texts));
    query.emplace_back("url", texts.TextInRunes(config_.url, kMaxPushoverUrl));
    query.emplace_back("url_title", texts.Text(config_.url_title));
    query.emplace_back("priority", texts.Text(config_.priority));
    query.emplace_back("retry", std::to_string(config_.retry / 1000));
    query.emplace_back("expire", std::to_string(config_.expire / 1000));
    query.emplace_back("device", texts.Text(config_.device));
    query.emplace_back("sound", texts.Text(config_.sound));
    if (config_.ttl >= 1000) query.emplace_back("ttl", std::to_string(config_.ttl / 1000));
    TRY(texts.Check());
    http::ClientRequest request;
    request.method = "POST";
    request.url = AddQuery(kPushoverUrl, query);
    request.headers.Set("Content-Type", "text/plain");
    return request;
  }

 private:
  // Pushover refuses empty messages.
  std::string Body(Expander* texts) const {
    const std::string text = config_.html
                                 ? texts->StartOfHtml(config_.message, 4 * kMaxPushoverMessage)
                                 : texts->StartOfText(config_.message, 4 * kMaxPushoverMessage);
    std::string cut = tmpl::TrimSpaceText(TruncateInRunes(text, kMaxPushoverMessage).text);
    return cut.empty() ? "(no details)" : cut;
  }

  const alerting::PushoverConfig config_;
};

}  // namespace

std::unique_ptr<Receiver> MakePushover(const alerting::PushoverConfig& config,
                                       const ReceiverContext&) {
  return std::make_unique<PushoverReceiver>(config);
}

}  // namespace vigil::notify
