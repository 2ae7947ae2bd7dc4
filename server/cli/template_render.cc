// SPDX-License-Identifier: Apache-2.0
#include "server/cli/template_render.h"

#include <cstdio>

#include "client-lib/base/files.h"
#include "client-lib/base/json_value.h"
#include "exporters/toolkit/flags.h"
#include "server/cli/alertmanager.h"
#include "server/cli/command.h"
#include "server/notify/templates.h"

namespace vigil::cli {
namespace {

constexpr int64_t kFiveMinutes = 300'000;

tmpl::TextMap ReadTextMap(const JsonValue& object) {
  tmpl::TextMap map;
  for (const auto& [name, value] : object.members) map[name] = value.text;
  return map;
}

Result<tmpl::Time> ReadMoment(const JsonValue& value) {
  if (value.text.empty()) return tmpl::Time();
  return tmpl::ParseTime("2006-01-02T15:04:05Z07:00", value.text, nullptr);
}

tmpl::NotifiedAlert SampleAlert(TimestampMs start, TimestampMs end) {
  tmpl::NotifiedAlert alert;
  alert.status = "alertstatus";
  alert.labels = {{"commonlabelkey1", "commonlabelvalue1"},
                  {"commonlabelkey2", "commonlabelvalue2"}};
  alert.annotations = {{"commonannotationkey1", "commonannotationvalue1"},
                       {"commonannotationkey2", "commonannotationvalue2"}};
  alert.starts_at = tmpl::Time::FromUnixMs(start);
  alert.ends_at = tmpl::Time::FromUnixMs(end);
  alert.generator_url = "https://generatorurl.com";
  return alert;
}

struct RenderOptions {
  std::vector<std::string> globs;
  std::string text;
  std::string type = "text";
  std::string data_file;
};

Result<void> Render(const RenderOptions& options) {
  if (options.globs.empty()) return BadData("required flag --template.glob not provided");
  if (options.text.empty()) return BadData("required flag --template.text not provided");
  tmpl::Notification notification = SampleNotification(Clock::System().Now());
  if (!options.data_file.empty()) {
    const std::string json = TRY(ReadFile(options.data_file));
    notification = TRY_CONTEXT(ReadNotification(json), options.data_file);
  }
  const auto templates = TRY(notify::Templates::Load(options.globs, notification.external_url));
  const tmpl::Value dot = tmpl::NotificationValue(notification);
  const std::string text = options.type == "html" ? TRY(templates->Html(options.text, dot))
                                                  : TRY(templates->Text(options.text, dot));
  std::fwrite(text.data(), 1, text.size(), stdout);
  return Ok();
}

}  // namespace

tmpl::Notification SampleNotification(TimestampMs now) {
  tmpl::Notification notification;
  notification.receiver = "receiver";
  notification.status = "alertstatus";
  tmpl::NotifiedAlert first = SampleAlert(now - kFiveMinutes, now);
  first.labels.insert({{"label1", "value1"}, {"label2", "value2"}, {"instance", "foo.bar:1234"}});
  first.annotations.insert({{"annotation1", "value1"}, {"annotation2", "value2"}});
  first.fingerprint = "fingerprint1";
  tmpl::NotifiedAlert second = SampleAlert(now - 2 * kFiveMinutes, now);
  second.labels.insert({{"foo", "bar"}, {"baz", "qux"}});
  second.annotations.insert({{"aaa", "bbb"}, {"ccc", "ddd"}});
  second.fingerprint = "fingerprint2";
  notification.alerts = {std::move(first), std::move(second)};
  notification.group_labels = {{"grouplabelkey1", "grouplabelvalue1"},
                               {"grouplabelkey2", "grouplabelvalue2"}};
  notification.common_labels = {{"commonlabelkey1", "commonlabelvalue1"},
                                {"commonlabelkey2", "commonlabelvalue2"}};
  notification.common_annotations = {{"commonannotationkey1", "commonannotationvalue1"},
                                     {"commonannotationkey2", "commonannotationvalue2"}};
  notification.external_url = "https://example.com";
  notification.reason = "first notification";
  return notification;
}

Result<tmpl::Notification> ReadNotification(std::string_view json) {
  const JsonValue data = TRY(ParseJson(json));
  if (data.kind != JsonValue::Kind::kObject) return BadData("not a notification: no JSON object");
  tmpl::Notification notification;
  notification.receiver = data["receiver"].text;
  notification.status = data["status"].text;
  for (const JsonValue& item : data["alerts"].items) {
    tmpl::NotifiedAlert alert;
    alert.status = item["status"].text;
    alert.labels = ReadTextMap(item["labels"]);
    alert.annotations = ReadTextMap(item["annotations"]);
    alert.starts_at = TRY_CONTEXT(ReadMoment(item["startsAt"]), "startsAt");
    alert.ends_at = TRY_CONTEXT(ReadMoment(item["endsAt"]), "endsAt");
    alert.generator_url = item["generatorURL"].text;
    alert.fingerprint = item["fingerprint"].text;
    notification.alerts.push_back(std::move(alert));
  }
  notification.group_labels = ReadTextMap(data["groupLabels"]);
  notification.common_labels = ReadTextMap(data["commonLabels"]);
  notification.common_annotations = ReadTextMap(data["commonAnnotations"]);
  notification.route_labels = ReadTextMap(data["routeLabels"]);
  notification.external_url = data["externalURL"].text;
  notification.reason = data["notification_reason"].text;
  return notification;
}

int RunTemplateRender(const std::vector<std::string>& args) {
  RenderOptions options;
  toolkit::FlagSet flags("vigilctl template render",
                         "Render a given definition in a template file to standard output.");
  flags.Strings("template.glob", "Glob of paths with templates.", &options.globs);
  flags.String("template.text", "The template that will be rendered.", &options.text);
  flags.Enum("template.type", "The type of the template.", {"text", "html"}, &options.type);
  flags.String(
      "template.data",
      "JSON file with a notification, as webhooks get it; without it a simple one is used.",
      &options.data_file);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  return FinishCommand(Render(options));
}

}  // namespace vigil::cli
