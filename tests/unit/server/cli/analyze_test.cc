// SPDX-License-Identifier: Apache-2.0
// How buckets are used, what a job discovers, what is packed for those who help.
#include "server/cli/analyze.h"

#include <gtest/gtest.h>

#include <string>

#include "server/cli/check_discovery.h"
#include "server/cli/debug.h"
#include "server/config/loader.h"

namespace vigil::cli {
namespace {

TEST(BucketAnalysis, CountsWhatChanges) {
  const auto result = ParseJson(R"([
    {"metric": {"__name__": "h_bucket", "a": "b", "le": "+Inf"},
     "values": [[1, "3"], [2, "5"], [3, "9"]]},
    {"metric": {"__name__": "h_bucket", "a": "b", "le": "0.5"},
     "values": [[1, "1"], [2, "1"], [3, "4"]]},
    {"metric": {"__name__": "h_bucket", "a": "lonely", "le": "1"}, "values": [[1, "3"]]},
    {"metric": {"__name__": "gauge"}, "values": [[1, "3"], [2, "3"]]},
    {"metric": {"__name__": "n"}, "histograms": [
      [1, {"count": "3", "sum": "1", "buckets": [[0, "1", "2", "3"]]}],
      [2, {"count": "6", "sum": "1", "buckets": [[0, "2", "4", "2"], [0, "4", "8", "4"]]}]]}])");
  ASSERT_TRUE(result);
  BucketAnalysis analysis;
  EXPECT_EQ(analysis.Text(), "no histogram has two samples in this time\n");
  const auto added = analysis.Add(*result);
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(analysis.Text(),
            "n=Bucket stats (min/avg/max) - number of buckets changed: 3/3.000/3 total delta of "
            "changed buckets: 9/9.000/9 number of populated buckets: 2/2.000/2. total number of "
            "buckets: 3\n"
            "h_bucket{a=\"b\"}=Bucket stats (min/avg/max) - number of buckets changed: 1/1.500/2 "
            "total delta of changed buckets: 2/3.000/4 number of populated buckets: 2/2.000/2. "
            "total number of buckets: 2\n"
            "minChanged - min/avg/max: 1/2.000/3\navgChanged - min/avg/max: 1/2.000/3\n"
            "maxChanged - min/avg/max: 2/2.500/3\nminDelta - min/avg/max: 2/5.500/9\n"
            "avgDelta - min/avg/max: 3/6.000/9\nmaxDelta - min/avg/max: 4/6.500/9\n"
            "minPop - min/avg/max: 2/2.000/2\navgPop - min/avg/max: 2/2.000/2\n"
            "maxPop - min/avg/max: 2/2.000/2\ntotal - min/avg/max: 2/2.500/3\ncount - 2\n");
  const auto crooked = ParseJson(R"([
    {"metric": {"__name__": "h_bucket", "le": "1"}, "values": [[1, "3"], [2, "5"]]},
    {"metric": {"__name__": "h_bucket", "le": "2"}, "values": [[1, "3"], [3, "5"]]}])");
  EXPECT_EQ(analysis.Add(*crooked).error().message, "matrix result is not time aligned");
  const auto broken = ParseJson(R"([
    {"metric": {"__name__": "h_bucket", "le": "1"}, "values": [[], []]}])");
  EXPECT_EQ(analysis.Add(*broken).error().message, "matrix result is not time aligned");
}

TEST(BucketAnalysis, HugeCountsAreNone) {
  const auto result = ParseJson(R"([
    {"metric": {"__name__": "h_bucket", "le": "1"},
     "values": [[1, "-8e18"], [2, "8e18"], [3, "9007199254740991"]]}])");
  BucketAnalysis analysis;
  ASSERT_TRUE(analysis.Add(*result));
  EXPECT_NE(analysis.Text().find("maxDelta - min/avg/max: 9007199254740991/"), std::string::npos)
      << analysis.Text();
}

TEST(CheckDiscovery, ShowsEachTargetOnce) {
  const auto config = config::LoadText(R"(
scrape_configs:
- job_name: j
  static_configs: [{targets: ['a:1', 'b:2', 'a:1', 'c:3']}]
  relabel_configs:
  - {source_labels: [__address__], regex: 'b.*', action: drop}
  - {source_labels: [__address__], regex: 'c.*', target_label: __scheme__, replacement: ftp}
)",
                                       "x.yml");
  ASSERT_TRUE(config) << config.error().message;
  const std::string text = DiscoveryText(config->scrape_configs[0]).value();
  EXPECT_TRUE(
      text.starts_with("[\n  {\n    \"discoveredLabels\": {\n      \"__address__\": "
                       "\"a:1\",\n"))
      << text;
  EXPECT_NE(text.find("      \"instance\": \"a:1\",\n      \"job\": \"j\"\n    }\n  },\n"),
            std::string::npos);
  EXPECT_NE(text.find("    \"labels\": {}\n  },\n"), std::string::npos) << "b is dropped";
  EXPECT_NE(text.find("    \"error\": "), std::string::npos) << "c has no such scheme";
  EXPECT_EQ(text.find("a:1", text.find("b:2")), std::string::npos);
}

TEST(Debug, PacksFilesThatTarReads) {
  const std::string tar = TarOf({{"one.txt", "12345"}, {"two.txt", ""}});
  ASSERT_EQ(tar.size(), 512U * 5);
  EXPECT_EQ(tar.substr(0, 8), std::string("one.txt\0", 8));
  EXPECT_EQ(tar.substr(124, 11), "00000000005");
  EXPECT_EQ(tar.substr(512, 6), std::string("12345\0", 6));
  EXPECT_EQ(tar.substr(1024, 7), "two.txt");
  unsigned sum = 0;
  for (size_t i = 0; i < 512; ++i) {
    sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(tar[i]);
  }
  EXPECT_EQ(std::stoul(tar.substr(148, 6), nullptr, 8), sum);
}

}  // namespace
}  // namespace vigil::cli
