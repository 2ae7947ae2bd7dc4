// SPDX-License-Identifier: Apache-2.0
// The types of receivers: a row each in list.cc. To add one: a file beside this with its Make
// function, its declaration below, its row.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "server/alerting/receiver_config.h"
#include "server/notify/receiver.h"

namespace vigil::notify {

// What a receiver is made with. The clock outlives the receivers.
struct ReceiverContext {
  std::shared_ptr<const Templates> templates;
  const Clock& clock;
};

std::unique_ptr<Receiver> MakeDiscord(const alerting::DiscordConfig& config,
                                      const ReceiverContext& context);
std::unique_ptr<Receiver> MakeEmail(const alerting::EmailConfig& config,
                                    const ReceiverContext& context);
std::unique_ptr<Receiver> MakeIncidentio(const alerting::IncidentioConfig& config,
                                         const ReceiverContext& context);
std::unique_ptr<Receiver> MakeJira(const alerting::JiraConfig& config,
                                   const ReceiverContext& context);
std::unique_ptr<Receiver> MakeMattermost(const alerting::MattermostConfig& config,
                                         const ReceiverContext& context);
std::unique_ptr<Receiver> MakeMsteams(const alerting::MsteamsConfig& config,
                                      const ReceiverContext& context);
std::unique_ptr<Receiver> MakeMsteamsV2(const alerting::MsteamsV2Config& config,
                                        const ReceiverContext& context);
std::unique_ptr<Receiver> MakeOpsGenie(const alerting::OpsGenieConfig& config,
                                       const ReceiverContext& context);
std::unique_ptr<Receiver> MakePagerduty(const alerting::PagerdutyConfig& config,
                                        const ReceiverContext& context);
std::unique_ptr<Receiver> MakePushover(const alerting::PushoverConfig& config,
                                       const ReceiverContext& context);
std::unique_ptr<Receiver> MakeRocketchat(const alerting::RocketchatConfig& config,
                                         const ReceiverContext& context);
std::unique_ptr<Receiver> MakeSlack(const alerting::SlackConfig& config,
                                    const ReceiverContext& context);
std::unique_ptr<Receiver> MakeSns(const alerting::SnsConfig& config,
                                  const ReceiverContext& context);
std::unique_ptr<Receiver> MakeTelegram(const alerting::TelegramConfig& config,
                                       const ReceiverContext& context);
std::unique_ptr<Receiver> MakeVictorOps(const alerting::VictorOpsConfig& config,
                                        const ReceiverContext& context);
std::unique_ptr<Receiver> MakeWebex(const alerting::WebexConfig& config,
                                    const ReceiverContext& context);
std::unique_ptr<Receiver> MakeWebhook(const alerting::WebhookConfig& config,
                                      const ReceiverContext& context);
std::unique_ptr<Receiver> MakeWechat(const alerting::WechatConfig& config,
                                     const ReceiverContext& context);

// One block of a receiver: who speaks it and how it reaches its service.
struct Made {
  std::unique_ptr<Receiver> receiver;
  alerting::HttpConfig http;
};

struct ReceiverType {
  std::string_view name;  // "webhook", as in Integration::type
  std::vector<Made> (*make)(const alerting::ReceiverConfig& config, const ReceiverContext& context);
};

std::span<const ReceiverType> ReceiverTypes();

}  // namespace vigil::notify
