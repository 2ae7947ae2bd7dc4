// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/target.h"

#include <gtest/gtest.h>

#include "server/scrape/url.h"
#include "tests/support/scrape_rig.h"

namespace vigil::scrape {
namespace {

using testing_support::ScrapeRig;

Result<BuiltTarget> Build(const std::vector<std::string>& job_lines, const Labels& target,
                          const Labels& group = Labels()) {
  auto job = ScrapeRig::MakeJob(job_lines);
  return BuildTarget(DiscoveredLabels(target, group, job->config()), job);
}

Labels Address(std::string_view address) { return Labels::Of({{"__address__", address}}); }

TEST(TargetLabels, StartWithWhatTheJobSays) {
  auto job = ScrapeRig::MakeJob({"params: {module: [m, n]}"});
  EXPECT_EQ(
      DiscoveredLabels(Address("h:1"), Labels::Of({{"env", "a"}, {"__meta_x", "y"}}), job->config())
          .ToString(),
      R"({__address__="h:1", __always_scrape_classic_histograms__="false", )"
      R"(__convert_classic_histograms_to_nhcb__="false", __meta_x="y", )"
      R"(__metrics_path__="/metrics", __param_module="m", __scheme__="http", )"
      R"(__scrape_interval__="10s", __scrape_native_histograms__="false", )"
      R"(__scrape_timeout__="10s", env="a", job="j"})");
}

TEST(TargetLabels, OfTheTargetWinOverThoseOfTheGroup) {
  auto built = Build({}, Labels::Of({{"__address__", "h:1"}, {"env", "own"}, {"job", "mine"}}),
                     Labels::Of({{"env", "group"}}));
  ASSERT_TRUE(built);
  EXPECT_EQ(built->spec->labels.ToString(), R"({env="own", instance="h:1", job="mine"})");
}

TEST(TargetLabels, AreRelabelledAndLoseWhatIsInternal) {
  auto built = Build({"relabel_configs:", "- {source_labels: [__meta_name], target_label: name}",
                      "- {source_labels: [__address__], target_label: __address__, regex: "
                      "'(.*):.*', replacement: '$1:9'}",
                      "- {target_label: __metrics_path__, replacement: /other}",
                      "- {target_label: __scheme__, replacement: https}",
                      "- {target_label: __scrape_interval__, replacement: 1m}",
                      "- {target_label: __param_q, replacement: 'a b'}"},
                     Labels::Of({{"__address__", "h:1"}, {"__meta_name", "n"}}));
  ASSERT_TRUE(built) << built.error().message;
  EXPECT_EQ(built->spec->labels.ToString(), R"({instance="h:9", job="j", name="n"})");
  EXPECT_EQ(built->spec->url, "https://h:9/other?q=a+b");
  EXPECT_EQ(built->spec->interval, 60'000);
  EXPECT_EQ(built->discovered_labels.Get("__address__"), "h:1");
}

TEST(TargetLabels, KeepAnInstanceThatIsSet) {
  auto built = Build({}, Labels::Of({{"__address__", "h:1"}, {"instance", "me"}}));
  ASSERT_TRUE(built);
  EXPECT_EQ(built->spec->labels.Get("instance"), "me");
}

TEST(TargetLabels, DecideHowHistogramsAreTreated) {
  const auto job = ScrapeRig::MakeJob({"scrape_native_histograms: true"});
  const auto build = [&](std::string_view name, std::string_view value) {
    const Labels target = Labels::Of({{"__address__", "h:1"}, {name, value}});
    return BuildTarget(DiscoveredLabels(target, Labels(), job->config()), job)->spec;
  };
  const auto plain = build("x", "y");
  EXPECT_TRUE(plain->native_histograms);
  EXPECT_FALSE(plain->always_classic);
  EXPECT_FALSE(plain->convert_classic);
  EXPECT_FALSE(build("__scrape_native_histograms__", "false")->native_histograms);
  EXPECT_TRUE(build("__always_scrape_classic_histograms__", "1")->always_classic);
  EXPECT_TRUE(build("__convert_classic_histograms_to_nhcb__", "TRUE")->convert_classic);
}

TEST(TargetLabels, GetNoDefaultPort) {
  auto built = Build({}, Address("h"));
  ASSERT_TRUE(built);
  EXPECT_EQ(built->spec->url, "http://h/metrics");
  EXPECT_EQ(built->spec->labels.Get("instance"), "h");
}

TEST(TargetLabels, MayBeDropped) {
  auto built = Build({"relabel_configs: [{action: drop}]"}, Address("h:1"));
  ASSERT_TRUE(built);
  EXPECT_EQ(built->spec, nullptr);
  EXPECT_EQ(built->discovered_labels.Get("job"), "j");
}

TEST(TargetLabels, ThatMakeNoSenseAreErrors) {
  struct Row {
    std::vector<std::string> job;
    Labels target;
    std::string error;
  };
  const std::string set = "relabel_configs: [{target_label: ";
  const Row rows[] = {
      {{}, Labels::Of({{"x", "y"}}), "no address"},
      {{}, Address("http://h:1"), "is not a valid hostname"},
      {{set + "__scheme__, replacement: ftp}]"}, Address("h:1"), "invalid scheme \"ftp\""},
      {{set + "__scrape_interval__, replacement: soon}]"},
       Address("h:1"),
       "error parsing scrape interval"},
      {{set + "__scrape_interval__, replacement: 0s}]"},
       Address("h:1"),
       "scrape interval cannot be 0"},
      {{set + "__scrape_timeout__, replacement: 11s}]"},
       Address("h:1"),
       "scrape timeout cannot be greater than scrape interval (\"11s\" > \"10s\")"},
      {{}, Labels::Of({{"__address__", "h:1"}, {"x", "\xff"}}), "invalid label value for \"x\""},
      {{set + "__scrape_native_histograms__, replacement: maybe}]"},
       Address("h:1"),
       "error parsing __scrape_native_histograms__: expected true or false, got \"maybe\""},
  };
  for (const Row& row : rows) {
    auto built = Build(row.job, row.target);
    ASSERT_FALSE(built) << row.error;
    EXPECT_NE(built.error().message.find(row.error), std::string::npos) << built.error().message;
  }
}

TEST(TargetUrl, EscapesAsGoDoes) {
  EXPECT_EQ(MakeUrl("http", "h:1", "metrics", {}), "http://h:1/metrics");
  EXPECT_EQ(MakeUrl("http", "h:1", "/a b?c%", {}), "http://h:1/a%20b%3Fc%25");
  EXPECT_EQ(MakeUrl("http", "h:1", "/f", {{"match[]", {"{a=\"b\"}", "up"}}, {"z", {}}}),
            "http://h:1/f?match%5B%5D=%7Ba%3D%22b%22%7D&match%5B%5D=up");
}

TEST(GlobalUrl, ReplacesLoopbackHosts) {
  EXPECT_EQ(MakeGlobalUrl("http://localhost:9100/m", "web1", "", 9090), "http://web1:9100/m");
  EXPECT_EQ(MakeGlobalUrl("http://127.0.0.1/m", "web1", "", 9090), "http://web1/m");
  EXPECT_EQ(MakeGlobalUrl("http://[::1]:1/m?q", "web1", "", 9090), "http://web1:1/m?q");
  EXPECT_EQ(MakeGlobalUrl("http://localhost:9090/m", "web1", "https://p.org/x", 9090),
            "https://p.org/m");
  EXPECT_EQ(MakeGlobalUrl("http://other:9090/m", "web1", "https://p.org", 9090),
            "http://other:9090/m");
}

}  // namespace
}  // namespace vigil::scrape
