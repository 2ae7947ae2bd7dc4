// SPDX-License-Identifier: Apache-2.0
// A scrape loop with a clock that stands still, a web that answers on demand and a store in memory.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/model/float_text.h"
#include "server/config/loader.h"
#include "server/scrape/scrape_loop.h"
#include "server/scrape/target.h"
#include "tests/support/fake_appender.h"
#include "tests/support/fake_async_client.h"

namespace vigil::testing_support {

class ScrapeRig {
 public:
  static constexpr TimestampMs kStart = 1'000'000'000;

  explicit ScrapeRig(bool zero_at_start = false) : clock(kStart) {
    auto owned = std::make_unique<FakeAsyncClient>();
    client = owned.get();
    scrape::ScrapeLoop::Options options;
    options.user_agent = "Vigil/test";
    options.zero_at_start = zero_at_start;
    loop = std::make_unique<scrape::ScrapeLoop>(appender, clock, std::move(owned), options);
  }

  // The job's keys as YAML lines, without job_name and targets.
  static std::shared_ptr<const scrape::Job> MakeJob(const std::vector<std::string>& lines) {
    std::string text = "scrape_configs:\n- job_name: j\n";
    bool has_interval = false;
    for (const std::string& line : lines) {
      text += "  " + line + "\n";
      has_interval = has_interval || line.starts_with("scrape_interval");
    }
    if (!has_interval) text += "  scrape_interval: 10s\n";
    auto config = config::LoadText(text, "job.yml");
    EXPECT_TRUE(config) << config.error().message << "\n" << text;
    return std::make_shared<const scrape::Job>(config->scrape_configs.at(0));
  }

  static scrape::LoopTarget MakeTarget(const std::shared_ptr<const scrape::Job>& job,
                                       const std::string& address = "host:1",
                                       const Labels& group = Labels()) {
    Labels target = Labels::Of({{"__address__", address}});
    auto built = scrape::BuildTarget(scrape::DiscoveredLabels(target, group, job->config()), job);
    EXPECT_TRUE(built) << built.error().message;
    EXPECT_NE(built->spec, nullptr);
    return {built->spec, std::make_shared<scrape::TargetStatus>()};
  }

  void SetTargets(std::vector<scrape::LoopTarget> targets) {
    loop->SetTargets(std::move(targets));
    loop->RunOnceForTest(0);
  }

  // Goes to the time of the target's next scrape (plus `late`) and lets the web answer.
  TimestampMs Scrape(const scrape::LoopTarget& target, FakeAsyncClient::Answer answer,
                     int64_t late = 0) {
    TimestampMs due = scrape::ScrapeLoop::NextScrape(*target.spec, 0, clock.Now());
    clock.Advance(due + late - clock.Now());
    client->answer = std::move(answer);
    loop->RunOnceForTest(0);
    // A token comes before the page.
    for (int i = 0; i < 3 && client->answer && client->in_flight() > 0; ++i) {
      loop->RunOnceForTest(0);
    }
    client->answer = nullptr;
    return due;
  }

  // "name{labels} value" of the rows from `first` on; @time when it is not `time`. Report series
  // only with `reports`.
  std::vector<std::string> Rows(size_t first, TimestampMs time, bool reports = false) const {
    std::vector<std::string> lines;
    for (size_t i = first; i < appender.rows.size(); ++i) {
      const FakeAppender::Row& row = appender.rows[i];
      std::string_view name = row.labels.MetricName();
      bool report = name == "up" || name.starts_with("scrape_");
      if (report && !reports) continue;
      std::string line = row.labels.ToMetricString() + " ";
      line += IsStaleNaN(row.sample.value) ? "stale" : FormatFloatExposition(row.sample.value);
      if (row.sample.timestamp != time) line += " @" + std::to_string(row.sample.timestamp);
      lines.push_back(line);
    }
    return lines;
  }

  ManualClock clock;
  FakeAppender appender;
  FakeAsyncClient* client;
  std::unique_ptr<scrape::ScrapeLoop> loop;
};

}  // namespace vigil::testing_support
