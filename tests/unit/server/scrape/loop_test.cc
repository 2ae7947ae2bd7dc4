// SPDX-License-Identifier: Apache-2.0
// Schedule, caches and life of targets.
#include <gtest/gtest.h>

#include "client-lib/base/files.h"
#include "server/scrape/accept.h"
#include "server/scrape/scrape_loop.h"
#include "tests/support/protobuf_page.h"
#include "tests/support/scrape_rig.h"

namespace vigil::scrape {
namespace {

using testing_support::FakeAsyncClient;
using testing_support::ScrapeRig;
using Lines = std::vector<std::string>;

TEST(ScrapeCacheCost, AnUnchangedPageIsNotParsedAgain) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  std::string page;
  for (int i = 0; i < 100; ++i) page += "x{i=\"" + std::to_string(i) + "\"} 1\n";
  rig.Scrape(target, FakeAsyncClient::Page(page));
  size_t resolves = rig.appender.resolves;
  EXPECT_EQ(rig.loop->stats().series_parsed, 100U);
  for (int i = 0; i < 3; ++i) rig.Scrape(target, FakeAsyncClient::Page(page));
  EXPECT_EQ(rig.loop->stats().series_parsed, 100U);
  EXPECT_EQ(rig.appender.resolves, resolves);
  EXPECT_EQ(rig.loop->stats().samples, 400U);
  EXPECT_EQ(rig.loop->stats().cache_series, 100U);
  EXPECT_EQ(rig.appender.appends, 4U);
}

TEST(ScrapeCacheCost, ForgetsSeriesThatChurn) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  for (int i = 0; i < 50; ++i) {
    std::string page = "stays 1\n";
    for (int j = 0; j < 10; ++j) page += "x{i=\"" + std::to_string(i * 10 + j) + "\"} 1\n";
    rig.Scrape(target, FakeAsyncClient::Page(page));
  }
  EXPECT_LT(rig.loop->stats().cache_series, 100U);
}

TEST(ScrapeSchedule, FallsOnAGridShiftedByLabelsAndUrl) {
  auto job = ScrapeRig::MakeJob({});
  LoopTarget a = ScrapeRig::MakeTarget(job, "a:1");
  LoopTarget b = ScrapeRig::MakeTarget(job, "b:1");
  TimestampMs first = ScrapeLoop::NextScrape(*a.spec, 0, 5'000'000);
  EXPECT_GT(first, 5'000'000);
  EXPECT_LE(first, 5'010'000);
  EXPECT_EQ(ScrapeLoop::NextScrape(*a.spec, 0, first), first + 10'000);
  EXPECT_EQ(ScrapeLoop::NextScrape(*a.spec, 0, first + 9'999), first + 10'000);
  EXPECT_NE(first, ScrapeLoop::NextScrape(*b.spec, 0, 5'000'000));
  EXPECT_NE(first, ScrapeLoop::NextScrape(*a.spec, 1, 5'000'000));
  EXPECT_GT(ScrapeLoop::NextScrape(*a.spec, 0, -5'000), -5'000);
}

TEST(ScrapeSchedule, SmallDelaysAreNotRecorded) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  for (int64_t late : {0, 2, 3, 500}) {
    size_t before = rig.appender.rows.size();
    TimestampMs due = rig.Scrape(target, FakeAsyncClient::Page("x 1\n"), late);
    EXPECT_EQ(rig.appender.rows[before].sample.timestamp, late <= 2 ? due : due + late) << late;
  }
}

TEST(ScrapeSchedule, WaitsForTheNextDueTarget) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({"scrape_interval: 500ms"}));
  rig.SetTargets({target});
  TimestampMs due = ScrapeLoop::NextScrape(*target.spec, 0, rig.clock.Now());
  rig.loop->RunOnceForTest(100'000);
  EXPECT_EQ(rig.client->last_wait_ms, due - rig.clock.Now());
}

TEST(ScrapeSchedule, SkipsAScrapeWhileTheOneBeforeRuns) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  rig.Scrape(target, nullptr);
  rig.Scrape(target, nullptr);
  EXPECT_EQ(rig.client->started.size(), 1U);
  EXPECT_EQ(rig.loop->stats().skipped, 1U);
  rig.Scrape(target, FakeAsyncClient::Page("x 1\n"));  // answers the first
  rig.Scrape(target, FakeAsyncClient::Page("x 2\n"));
  EXPECT_EQ(rig.client->started.size(), 2U);
}

TEST(ScrapeSchedule, LeavesOutWhatALongPauseMissed) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  rig.Scrape(target, FakeAsyncClient::Page("x 1\n"));
  rig.Scrape(target, FakeAsyncClient::Page("x 2\n"), 35'000);
  EXPECT_EQ(rig.client->started.size(), 2U);
}

TEST(ScrapeSchedule, IsMadeAnewWhenTheClockJumps) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  rig.Scrape(target, FakeAsyncClient::Page("x 1\n"));
  rig.clock.JumpTo(rig.clock.Now() - 3'600'000);
  rig.loop->RunOnceForTest(0);
  rig.Scrape(target, FakeAsyncClient::Page("x 2\n"));
  EXPECT_EQ(rig.client->started.size(), 2U);
}

TEST(ScrapeRequest, SaysWhatItWants) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob(
      {"scrape_timeout: 2500ms", "body_size_limit: 1KB", "enable_compression: false",
       "params: {a: [x y]}", "basic_auth: {username: u, password: p}"}));
  rig.SetTargets({target});
  rig.Scrape(target, nullptr);
  ASSERT_EQ(rig.client->started.size(), 1U);
  const http::ClientRequest& request = rig.client->started[0];
  EXPECT_EQ(request.url, "http://host:1/metrics?a=x+y");
  EXPECT_EQ(request.timeout_ms, 2500);
  EXPECT_EQ(request.max_body_bytes, 1024U);
  EXPECT_FALSE(request.accept_compression);
  EXPECT_EQ(request.headers.items().size(), 3U);
  EXPECT_EQ(request.headers.items()[0].second,
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,"
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
            "*/*;q=0.2");
  EXPECT_EQ(request.headers.items()[1].second, "Vigil/test");
  EXPECT_EQ(request.headers.items()[2].second, "2.5");
  EXPECT_EQ(request.options->basic_auth_password, "p");
}

std::string AcceptOf(const std::vector<std::string>& lines) {
  const auto job = ScrapeRig::MakeJob(lines);
  return job->accept(job->config().scrape_native_histograms);
}

TEST(ScrapeRequest, AsksForProtobufWhenNativeHistogramsAreWanted) {
  const std::string protobuf =
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;";
  EXPECT_EQ(AcceptOf({"scrape_native_histograms: true"}),
            protobuf +
                "q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                "application/openmetrics-text;version=0.0.1;q=0.4,"
                "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;"
                "q=0.2,*/*;q=0.1");
  EXPECT_EQ(AcceptOf({"scrape_protocols: [PrometheusText0.0.4, PrometheusProto]"}),
            "text/plain;version=0.0.4;q=0.6," + protobuf + "q=0.5,*/*;q=0.4");
}

TEST(ScrapeProtobuf, NativeHistogramsArriveWithinTheLimits) {
  const std::string type =
      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
      "encoding=delimited";
  const std::string page =
      test::FamilyOf("h", 4, test::MetricField({}, 7, test::NativeHistogramBody(true))) +
      test::FamilyOf("g", 1, test::MetricField({{"a", "b"}}, 2, test::Double(1, 5)));
  for (const auto& [limit, buckets, schema] :
       {std::tuple(0, 3, 1), std::tuple(2, 2, 0), std::tuple(1, 0, 0)}) {
    ScrapeRig rig;
    LoopTarget target = ScrapeRig::MakeTarget(
        ScrapeRig::MakeJob({"scrape_native_histograms: true",
                            "native_histogram_bucket_limit: " + std::to_string(limit)}));
    rig.SetTargets({target});
    const TimestampMs time = rig.Scrape(target, FakeAsyncClient::Page(page, type));
    if (limit == 1) {  // at the coarsest schema there are two buckets still
      EXPECT_TRUE(rig.Rows(0, time).empty());
      EXPECT_EQ(target.status->Get().last_error, "histogram bucket limit exceeded");
      continue;
    }
    ASSERT_EQ(rig.appender.histograms.size(), 1U);
    const auto& [labels, sample] = rig.appender.histograms[0];
    EXPECT_EQ(labels.ToMetricString(), "h{instance=\"host:1\", job=\"j\"}");
    EXPECT_EQ(sample.timestamp, time);
    EXPECT_EQ(sample.histogram->positive_buckets.size(), static_cast<size_t>(buckets));
    EXPECT_EQ(sample.histogram->schema, schema);
    EXPECT_EQ(rig.Rows(0, time),
              (std::vector<std::string>{"g{a=\"b\", instance=\"host:1\", job=\"j\"} 5"}));
    EXPECT_EQ(rig.appender.exemplars.refs.size(), 1U);
  }
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  rig.Scrape(target, FakeAsyncClient::Page(page, type));
  EXPECT_TRUE(rig.appender.histograms.empty());
  EXPECT_EQ(rig.Rows(0, 0).size(), 6U);
}

TEST(ScrapeProtobuf, SeriesBeginAtZero) {
  const std::string type =
      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
      "encoding=delimited";
  const auto page = [](int64_t started_ms) {
    const std::string start = test::Varint(1, static_cast<uint64_t>(started_ms / 1000)) +
                              test::Varint(2, static_cast<uint64_t>(started_ms % 1000) * 1'000'000);
    const std::string bucket = test::Message(3, test::Varint(1, 2) + test::Double(2, 0.5));
    return test::FamilyOf("c", 0,
                          test::MetricField({}, 3, test::Double(1, 7) + test::Message(3, start))) +
           test::FamilyOf(
               "h", 4,
               test::MetricField({}, 7, test::Varint(1, 2) + bucket + test::Message(15, start))) +
           test::FamilyOf("g", 1, test::MetricField({}, 2, test::Double(1, 5)));
  };
  ScrapeRig rig(/*zero_at_start=*/true);
  LoopTarget target =
      ScrapeRig::MakeTarget(ScrapeRig::MakeJob({"convert_classic_histograms_to_nhcb: true"}));
  rig.SetTargets({target});
  const std::string labels = "{instance=\"host:1\", job=\"j\"}";
  const TimestampMs began = ScrapeRig::kStart - 2'500;
  TimestampMs time = rig.Scrape(target, FakeAsyncClient::Page(page(began), type));
  EXPECT_EQ(rig.Rows(0, time), (Lines{"c" + labels + " 0 @" + std::to_string(began),
                                      "c" + labels + " 7", "g" + labels + " 5"}));
  ASSERT_EQ(rig.appender.histograms.size(), 2U);
  const HistogramSample& zero = rig.appender.histograms[0].second;
  EXPECT_EQ(zero.timestamp, began);
  EXPECT_EQ(zero.histogram->count, 0);
  EXPECT_EQ(zero.histogram->reset_hint, CounterResetHint::kReset);
  EXPECT_EQ(zero.histogram->custom_values, (std::vector<double>{0.5}));
  EXPECT_EQ(rig.appender.histograms[1].second.histogram->count, 2);
  // Known already; then it has begun anew.
  size_t before = rig.appender.rows.size();
  TimestampMs later = rig.Scrape(target, FakeAsyncClient::Page(page(began), type));
  EXPECT_EQ(rig.Rows(before, later), (Lines{"c" + labels + " 7", "g" + labels + " 5"}));
  before = rig.appender.rows.size();
  time = rig.Scrape(target, FakeAsyncClient::Page(page(later + 1), type));
  EXPECT_EQ(rig.Rows(before, time), (Lines{"c" + labels + " 0 @" + std::to_string(later + 1),
                                           "c" + labels + " 7", "g" + labels + " 5"}));
  // Not before it was scraped.
  before = rig.appender.rows.size();
  later = rig.Scrape(target, FakeAsyncClient::Page(page(time + 3'600'000), type));
  EXPECT_EQ(rig.Rows(before, later).size(), 2U);
}

TEST(ScrapeProtobuf, HistogramsThatAreNotWellFormedFailTheScrape) {
  const std::string type =
      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
      "encoding=delimited";
  const auto body = [](int64_t schema, uint64_t span) {
    return test::Varint(1, 9) + test::Double(2, 12.5) + test::Varint(5, test::ZigZag(schema)) +
           test::Double(6, 0.001) +
           test::Message(12, test::Varint(1, test::ZigZag(1)) + test::Varint(2, span)) +
           test::PackedZigZag(13, {2, 3, -4});
  };
  const auto page = [](const std::string& histogram) {
    return test::FamilyOf("h", 4, test::MetricField({}, 7, histogram));
  };
  const std::string bad = "native histogram \"h\" is not well formed: ";
  for (const auto& [histogram, error] :
       {std::pair(body(INT32_MAX, 3), "histogram has an invalid schema"),
        std::pair(body(-5, 3), "histogram has an invalid schema"),
        std::pair(body(1, 4), "positive side: spans need 4 buckets, have 3 buckets"),
        std::pair(body(20, 4), "positive side: spans need 4 buckets, have 3 buckets")}) {
    ScrapeRig rig;
    LoopTarget target = ScrapeRig::MakeTarget(
        ScrapeRig::MakeJob({"scrape_native_histograms: true", "native_histogram_bucket_limit: 2"}));
    rig.SetTargets({target});
    rig.Scrape(target, FakeAsyncClient::Page(page(histogram), type));
    EXPECT_TRUE(rig.appender.histograms.empty());
    EXPECT_EQ(target.status->Get().health, TargetHealth::kDown);
    EXPECT_TRUE(target.status->Get().last_error.starts_with(bad + error))
        << target.status->Get().last_error;
    EXPECT_EQ(rig.loop->stats().bad_histograms, 1U);
  }
  // Finer than what is stored: made coarser.
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({"scrape_native_histograms: true"}));
  rig.SetTargets({target});
  rig.Scrape(target, FakeAsyncClient::Page(page(body(10, 3)), type));
  ASSERT_EQ(rig.appender.histograms.size(), 1U);
  EXPECT_EQ(rig.appender.histograms[0].second.histogram->schema, 8);
  EXPECT_EQ(rig.appender.histograms[0].second.histogram->positive_buckets,
            (std::vector<double>{8}));
  EXPECT_EQ(rig.loop->stats().bad_histograms, 0U);
}

TEST(ScrapeRequest, ReadsSecretFilesAgain) {
  std::string path = ::testing::TempDir() + "vigil_scrape_token";
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(
      ScrapeRig::MakeJob({"authorization: {credentials_file: " + path + "}"}));
  rig.SetTargets({target});
  for (const char* token : {"one", "two"}) {
    ASSERT_TRUE(WriteFileAtomically(path, std::string(token) + "\n"));
    rig.Scrape(target, FakeAsyncClient::Page(""));
    EXPECT_EQ(rig.client->started.back().options->authorization, std::string("Bearer ") + token);
  }
  ASSERT_EQ(remove(path.c_str()), 0);
  rig.Scrape(target, FakeAsyncClient::Page(""));
  EXPECT_EQ(rig.client->started.size(), 2U);
  EXPECT_EQ(target.status->Get().health, TargetHealth::kDown);
  EXPECT_NE(target.status->Get().last_error.find(path), std::string::npos);
}

TEST(RemovedTarget, EndsItsSeriesAfterTheNextScrapeWouldBeOver) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  TimestampMs due = rig.Scrape(target, FakeAsyncClient::Page("x 1\n"));
  size_t before = rig.appender.rows.size();
  rig.SetTargets({});
  rig.clock.Advance(20'999);
  rig.loop->RunOnceForTest(0);
  EXPECT_EQ(rig.appender.rows.size(), before);
  rig.clock.Advance(1);
  rig.loop->RunOnceForTest(0);
  EXPECT_EQ(
      rig.Rows(before, due + 10'000, true),
      (Lines{"x{instance=\"host:1\", job=\"j\"} stale", "up{instance=\"host:1\", job=\"j\"} stale",
             "scrape_duration_seconds{instance=\"host:1\", job=\"j\"} stale",
             "scrape_samples_scraped{instance=\"host:1\", job=\"j\"} stale",
             "scrape_samples_post_metric_relabeling{instance=\"host:1\", job=\"j\"} stale",
             "scrape_series_added{instance=\"host:1\", job=\"j\"} stale"}));
  EXPECT_EQ(rig.loop->stats().cache_series, 0U);
}

TEST(RemovedTarget, ThatComesBackInTimeGoesOn) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  rig.Scrape(target, FakeAsyncClient::Page("# HELP x h\nx 1\n"));
  rig.SetTargets({});
  LoopTarget again{target.spec, std::make_shared<TargetStatus>()};
  rig.SetTargets({again});
  size_t before = rig.appender.rows.size();
  TimestampMs due = rig.Scrape(again, FakeAsyncClient::Page("# HELP x h\nx 2\n"));
  EXPECT_EQ(rig.Rows(before, due), Lines{"x{instance=\"host:1\", job=\"j\"} 2"});
  EXPECT_EQ(rig.loop->stats().series_parsed, 1U);
  EXPECT_EQ(again.status->metadata()->size(), 1U);
  rig.clock.Advance(9'000);
  rig.loop->RunOnceForTest(0);
  EXPECT_EQ(again.status->Get().health, TargetHealth::kUp);
}

TEST(RemovedTarget, GivesUpTheScrapeOnItsWay) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  rig.Scrape(target, nullptr);
  EXPECT_EQ(rig.client->in_flight(), 1U);
  rig.SetTargets({});
  EXPECT_EQ(rig.client->in_flight(), 0U);
  EXPECT_TRUE(rig.appender.rows.empty());
}

TEST(ReloadedTarget, WithOtherSeriesRulesParsesAnewAndEndsWhatIsGone) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  rig.Scrape(target, FakeAsyncClient::Page("x 1\ny 1\n"));
  LoopTarget changed{
      ScrapeRig::MakeTarget(ScrapeRig::MakeJob({"metric_relabel_configs: [{source_labels: "
                                                "[__name__], regex: y, action: drop}]"}))
          .spec,
      target.status};
  rig.SetTargets({changed});
  size_t before = rig.appender.rows.size();
  TimestampMs due = rig.Scrape(changed, FakeAsyncClient::Page("x 2\ny 2\n"));
  EXPECT_EQ(rig.Rows(before, due), (Lines{"x{instance=\"host:1\", job=\"j\"} 2",
                                          "y{instance=\"host:1\", job=\"j\"} stale"}));
}

TEST(ReloadedTarget, WithAnotherIntervalKeepsItsCache) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  rig.Scrape(target, FakeAsyncClient::Page("x 1\n"));
  LoopTarget changed{
      ScrapeRig::MakeTarget(ScrapeRig::MakeJob({"scrape_interval: 1s", "scrape_timeout: 1s"})).spec,
      target.status};
  rig.SetTargets({changed});
  rig.Scrape(changed, FakeAsyncClient::Page("x 2\n"));
  EXPECT_EQ(rig.loop->stats().series_parsed, 1U);
  EXPECT_EQ(rig.client->started.size(), 2U);
}

TEST(Store, ThatForgotTheSeriesIsAskedAgainOnce) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  rig.Scrape(target, FakeAsyncClient::Page("x 1\ny 1\n"));
  rig.appender.ForgetSeries();
  size_t before = rig.appender.rows.size();
  TimestampMs due = rig.Scrape(target, FakeAsyncClient::Page("x 2\ny 2\n"));
  EXPECT_EQ(rig.Rows(before, due),
            (Lines{"x{instance=\"host:1\", job=\"j\"} 2", "y{instance=\"host:1\", job=\"j\"} 2"}));
  EXPECT_EQ(rig.appender.rows.size() - before, 7U);
}

TEST(Store, ThatTakesNothingShowsInTheTarget) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  rig.Scrape(target, FakeAsyncClient::Page("x 1\ny 1\n"));
  rig.appender.append_error = "the journal is too far behind";
  rig.Scrape(target, FakeAsyncClient::Page("x 2\n"));
  EXPECT_EQ(target.status->Get().last_error,
            "the store did not take the scrape: the journal is too far behind");
  EXPECT_EQ(rig.loop->stats().append_failures, 1U);
  rig.appender.append_error.clear();
  size_t before = rig.appender.rows.size();
  TimestampMs due = rig.Scrape(target, FakeAsyncClient::Page("x 3\n"));
  EXPECT_EQ(rig.Rows(before, due), (Lines{"x{instance=\"host:1\", job=\"j\"} 3",
                                          "y{instance=\"host:1\", job=\"j\"} stale"}));
}

TEST(Store, WithASeriesLimitTakesTheSeriesThatAreThere) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  rig.Scrape(target, FakeAsyncClient::Page("x 1\n"));
  rig.appender.resolve_error = "too many series";
  size_t before = rig.appender.rows.size();
  TimestampMs due = rig.Scrape(target, FakeAsyncClient::Page("x 2\ny 2\n"));
  EXPECT_EQ(rig.Rows(before, due), (Lines{"x{instance=\"host:1\", job=\"j\"} 2"}));
  EXPECT_EQ(target.status->Get().last_error, "1 new series were not stored: too many series");
  EXPECT_EQ(target.status->Get().health, TargetHealth::kUp);
  EXPECT_EQ(rig.loop->stats().series_refused, 1U);
  rig.appender.resolve_error.clear();
  before = rig.appender.rows.size();
  due = rig.Scrape(target, FakeAsyncClient::Page("x 3\ny 3\n"));
  EXPECT_EQ(rig.Rows(before, due).size(), 2U);
}

TEST(Metadata, IsKeptForTenScrapes) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  rig.Scrape(target, FakeAsyncClient::Page("# HELP b Line\\nbreak\n# TYPE b counter\nb 1\n"
                                           "# TYPE a gauge\na 1\n"));
  auto rows = target.status->metadata();
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0], (MetricMetadata{"a", exposition::MetricType::kGauge, "", ""}));
  EXPECT_EQ((*rows)[1], (MetricMetadata{"b", exposition::MetricType::kCounter, "Line\nbreak", ""}));
  for (int i = 0; i < 10; ++i) rig.Scrape(target, FakeAsyncClient::Page("# TYPE a gauge\na 1\n"));
  EXPECT_EQ(target.status->metadata(), rows) << "nothing changed: not built anew";
  rig.Scrape(target, FakeAsyncClient::Page("# TYPE a gauge\na 1\n"));
  EXPECT_EQ(target.status->metadata()->size(), 1U);
  EXPECT_EQ(rig.loop->stats().metadata_cache_entries, 1U);
}

TEST(OpenMetrics, HandsExemplarsAndUnitsOn) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  const auto page = [](const std::string& value) {
    return FakeAsyncClient::Page(
        "# TYPE a_seconds counter\n# UNIT a_seconds seconds\n"
        "a_seconds_total 1 # {trace_id=\"x\"} 0.5 12.5\n"
        "b_total 1 # {trace_id=\"y\"} " +
            value +
            "\n"
            "c_total 1 # {broken} 1\nd_total 1\n# EOF\n",
        "application/openmetrics-text; version=1.0.0");
  };
  const TimestampMs first = rig.Scrape(target, page("2"));
  const std::vector<storage::Exemplar>& exemplars = rig.appender.exemplars.exemplars;
  ASSERT_EQ(exemplars.size(), 2U);
  EXPECT_EQ(exemplars[0].labels, Labels::Of({{"trace_id", "x"}}));
  EXPECT_EQ(exemplars[0].value, 0.5);
  EXPECT_EQ(exemplars[0].timestamp, 12500);
  EXPECT_EQ(exemplars[1].timestamp, first);
  // With a time the store knows it again; without, the same one is left out.
  rig.Scrape(target, page("2"));
  EXPECT_EQ(exemplars.size(), 3U);
  rig.Scrape(target, page("3"));
  EXPECT_EQ(exemplars.size(), 5U);
  EXPECT_EQ(exemplars[4].value, 3);
  EXPECT_EQ(target.status->Get().health, TargetHealth::kUp);
  ASSERT_EQ(target.status->metadata()->size(), 1U);
  EXPECT_EQ((*target.status->metadata())[0].unit, "seconds");
}

TEST(OpenMetrics, TimestampsAreHonoredAsTheJobSays) {
  for (const bool honor : {true, false}) {
    ScrapeRig rig;
    LoopTarget target = ScrapeRig::MakeTarget(
        ScrapeRig::MakeJob({std::string("honor_timestamps: ") + (honor ? "true" : "false")}));
    rig.SetTargets({target});
    const TimestampMs time = rig.Scrape(
        target, FakeAsyncClient::Page("a 1 1000.5\n# EOF\n", "application/openmetrics-text"));
    ASSERT_FALSE(rig.appender.rows.empty());
    EXPECT_EQ(rig.appender.rows[0].sample.timestamp, honor ? 1'000'500 : time);
  }
}

TEST(Shutdown, MarksNothingStale) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  rig.Scrape(target, FakeAsyncClient::Page("x 1\n"));
  rig.Scrape(target, nullptr);
  size_t before = rig.appender.rows.size();
  rig.loop->Stop();
  rig.loop.reset();
  EXPECT_EQ(rig.appender.rows.size(), before);
}

TEST(IntervalLengths, AreMeasured) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}));
  rig.SetTargets({target});
  for (int i = 0; i < 5; ++i) rig.Scrape(target, FakeAsyncClient::Page("x 1\n"));
  Stats stats = rig.loop->stats();
  EXPECT_EQ(stats.interval_lengths["10s"].count, 4U);
  EXPECT_DOUBLE_EQ(stats.interval_lengths["10s"].Quantile(0.5), 10);
}

}  // namespace
}  // namespace vigil::scrape
