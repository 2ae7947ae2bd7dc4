// SPDX-License-Identifier: Apache-2.0
// A test tool: what amtool says about an alertmanager.yml, for comparison.
//   alertingtool check FILE...             one line per file: "FILE: SUCCESS" or "FILE: FAILED:
//   why" alertingtool routes FILE [NAME=VALUE]... per set of labels (sets are separated by --) the
//                                          receivers, joined by commas
//   alertingtool show FILE                 the configuration with its defaults
//   alertingtool load ALERTS SILENCES      time and memory of that many active alerts
#include <fmt/format.h>

#include <cstdio>
#include <span>

#include "client-lib/base/clock.h"
#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "server/alerting/alert_router.h"
#include "server/alerting/config_loader.h"
#include "server/alerting/route_tree.h"

namespace vigil::alerting {
namespace {

int CheckFiles(std::span<char*> files) {
  int failed = 0;
  for (const char* file : files) {
    const Result<AlertingConfig> config = LoadAlertingFile(file);
    fmt::print("{}: {}\n", file, config ? "SUCCESS" : "FAILED: " + config.error().message);
    if (!config) ++failed;
  }
  return failed == 0 ? 0 : 1;
}

int PrintRoutes(const char* file, std::span<char*> labels) {
  const Result<AlertingConfig> config = LoadAlertingFile(file);
  if (!config) {
    fmt::print(stderr, "{}\n", config.error().message);
    return 1;
  }
  const RouteTree tree(config->route);
  LabelsBuilder builder;
  const auto flush = [&] {
    std::vector<std::string> receivers;
    for (const Route* route : tree.Match(builder.Build())) receivers.push_back(route->receiver);
    fmt::print("{}\n", Join(receivers, ","));
    builder.Reset();
  };
  for (const std::string_view text : labels) {
    if (text == "--") {
      flush();
      continue;
    }
    const size_t equal = text.find('=');
    if (equal == std::string_view::npos) return 2;
    builder.Set(text.substr(0, equal), text.substr(equal + 1));
  }
  flush();
  return 0;
}

int Show(const char* file) {
  const Result<AlertingConfig> config = LoadAlertingFile(file);
  if (!config) return 1;
  fmt::print("{}", ToYaml(*config));
  return 0;
}

double SecondsSince(int64_t start_ns) {
  return static_cast<double>(Clock::System().MonotonicNs() - start_ns) / 1e9;
}

uint64_t ResidentKilobytes() {
  const Result<std::string> status = ReadFile("/proc/self/status");
  const size_t at = status->find("VmRSS:");
  return ParseUint(Fields(std::string_view(*status).substr(at))[1]).value_or(0);
}

PostedAlert LoadAlert(uint64_t i) {
  PostedAlert alert;
  alert.labels = Labels::Of({{"alertname", fmt::format("Alert{}", i % 200)},
                             {"cluster", fmt::format("cluster-{}", i % 10)},
                             {"instance", fmt::format("host-{}.example.com:9100", i)},
                             {"job", "node"},
                             {"severity", i % 5 == 0 ? "critical" : "warning"},
                             {"team", fmt::format("team-{}", i % 50)}});
  alert.annotations = Labels::Of(
      {{"description", fmt::format("Something is wrong with host-{} and has been for a while", i)},
       {"summary", "Something is wrong"}});
  alert.generator_url = "http://vigil.example.com/graph?g0.expr=up+%3D%3D+0&g0.tab=1";
  alert.ends_at = 1'700'000'300'000;
  return alert;
}

int Load(uint64_t alerts, uint64_t silences) {
  Result<AlertingConfig> config = LoadAlertingText(
      "route: {receiver: r, group_by: [alertname, cluster], group_wait: 1s}\n"
      "receivers: [{name: r, webhook_configs: [{url: 'http://h/'}]}]\n"
      "inhibit_rules: [{source_matchers: [severity=critical], target_matchers: "
      "[severity=warning], equal: [alertname, instance]}]\n",
      "load.yml");
  const TimestampMs now = 1'700'000'000'000;
  AlertRouter router(std::make_shared<const AlertingConfig>(*std::move(config)), {}, now);
  const uint64_t before = ResidentKilobytes();
  int64_t start = Clock::System().MonotonicNs();
  for (uint64_t i = 0; i < alerts; i += 100) {
    std::vector<PostedAlert> batch;
    for (uint64_t j = i; j < std::min(alerts, i + 100); ++j) batch.push_back(LoadAlert(j));
    if (!router.Post(batch, now)) return 1;
  }
  fmt::print("post: {:.3f} s, {} kB resident, {} groups\n", SecondsSince(start),
             ResidentKilobytes() - before, router.dispatcher().group_count());
  for (uint64_t i = 0; i < silences; ++i) {
    Silence silence;
    silence.ends_at = now + 3'600'000;
    const std::string matchers =
        i % 10 == 0
            ? fmt::format("instance=~\"host-{}.*\",team!=\"team-1\"", i)
            : fmt::format("alertname=Alert{},instance=host-{}.example.com:9100", i % 200, i);
    silence.matchers = *ParseClassicMatchers(matchers);
    if (!router.silences().Set(silence, now)) return 1;
  }
  start = Clock::System().MonotonicNs();
  size_t muted = 0;
  for (const AlertSlotPtr& slot : router.alerts().All()) {
    if (!router.silences().Muting(slot->labels(), now).empty()) ++muted;
  }
  fmt::print("silences: {:.3f} s for all alerts, {} muted\n", SecondsSince(start), muted);
  start = Clock::System().MonotonicNs();
  const std::vector<Outgoing> messages = router.Advance(now + 2000);
  for (const Outgoing& message : messages) router.Sent(message.id, {}, now + 2000);
  fmt::print("flush: {:.3f} s, {} messages, {} kB resident\n", SecondsSince(start), messages.size(),
             ResidentKilobytes() - before);
  return 0;
}

int Main(std::span<char*> args) {
  if (args.size() == 4 && std::string_view(args[1]) == "load") {
    return Load(ParseUint(args[2]).value_or(0), ParseUint(args[3]).value_or(0));
  }
  if (args.size() >= 3 && std::string_view(args[1]) == "check") return CheckFiles(args.subspan(2));
  if (args.size() >= 3 && std::string_view(args[1]) == "routes") {
    return PrintRoutes(args[2], args.subspan(3));
  }
  if (args.size() == 3 && std::string_view(args[1]) == "show") return Show(args[2]);
  fmt::print(stderr,
             "usage: alertingtool check FILE... | routes FILE [NAME=VALUE]... | show FILE | load "
             "ALERTS SILENCES\n");
  return 2;
}

}  // namespace
}  // namespace vigil::alerting

int main(int argc, char** argv) {
  return vigil::alerting::Main(std::span<char*>(argv, static_cast<size_t>(argc)));
}
