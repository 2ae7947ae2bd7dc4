// SPDX-License-Identifier: Apache-2.0
// Every collector that reads files, run on the fixture tree and compared with its golden page.
// VIGIL_REBASELINE=1 writes the golden pages anew; read the diff before you commit it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "client-lib/base/files.h"
#include "exporters/node/collector_set.h"
#include "exporters/node/collectors/list.h"

namespace vigil::node {
namespace {

const std::string kGoldenFixtures = std::string(VIGIL_SOURCE_DIR) + "/tests/fixtures/node";

struct GoldenCase {
  std::string name;  // of the golden file
  std::string collector;
  std::vector<std::string> flags;
};

std::vector<GoldenCase> Cases() {
  return {
      {"cpu",
       "cpu",
       {"--collector.cpu.info", "--collector.cpu.info.flags-include=^avx",
        "--collector.cpu.info.bugs-include=(spectre|mds)"}},
      {"cpu_plain", "cpu", {"--no-collector.cpu.guest"}},
      {"diskstats", "diskstats", {}},
      {"diskstats_include", "diskstats", {"--collector.diskstats.device-include=^sda1$"}},
      {"hwloc", "hwloc", {}},
      {"loadavg", "loadavg", {}},
      {"meminfo", "meminfo", {}},
      {"netdev",
       "netdev",
       {"--no-collector.netdev.netlink", "--collector.netdev.device-exclude=^lo$"}},
      {"netdev_detailed",
       "netdev",
       {"--no-collector.netdev.netlink", "--collector.netdev.enable-detailed-metrics",
        "--collector.netdev.label-ifalias", "--collector.netdev.device-include=eth"}},
      {"stat", "stat", {"--collector.stat.softirq"}},
      {"vmstat", "vmstat", {}},
  };
}

// Runs one collector on the fixtures; without the lines about its duration.
std::string Scrape(const GoldenCase& test) {
  setenv("HWLOC_XMLFILE", (kGoldenFixtures + "/hwloc.xml").c_str(), 1);
  toolkit::FlagSet flags("test", "");
  CollectorSet collectors;
  collectors.AddFlags(&flags);
  std::vector<std::string> args = {"--path.procfs=" + kGoldenFixtures + "/proc",
                                   "--path.sysfs=" + kGoldenFixtures + "/sys",
                                   "--path.udev.data=" + kGoldenFixtures + "/udev",
                                   "--collector.disable-defaults", "--collector." + test.collector};
  args.insert(args.end(), test.flags.begin(), test.flags.end());
  const auto parsed = flags.Parse(args);
  EXPECT_TRUE(parsed) << parsed.error().message;
  const auto opened = collectors.Open(flags);
  EXPECT_TRUE(opened) << opened.error().message;
  toolkit::MetricSink sink;
  collectors.Scrape({}, &sink);
  std::string page;
  std::vector<std::string> problems;
  sink.Render(&page, &problems);
  EXPECT_TRUE(problems.empty()) << problems[0];
  const size_t begin = page.find("# HELP node_scrape_collector_duration");
  const size_t end = page.find("# HELP node_scrape_collector_success");
  page.erase(begin, end - begin);
  return page;
}

class CollectorGolden : public testing::TestWithParam<GoldenCase> {};

TEST_P(CollectorGolden, EqualsFile) {
  const std::string path = kGoldenFixtures + "/" + GetParam().name + ".prom";
  const std::string page = Scrape(GetParam());
  if (std::getenv("VIGIL_REBASELINE") != nullptr) {
    ASSERT_TRUE(WriteFileAtomically(path, page));
  }
  const auto golden = ReadFile(path);
  ASSERT_TRUE(golden) << golden.error().message;
  EXPECT_EQ(*golden, page);
  EXPECT_NE(
      page.find("node_scrape_collector_success{collector=\"" + GetParam().collector + "\"} 1\n"),
      std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Collectors, CollectorGolden, testing::ValuesIn(Cases()),
                         [](const auto& param) { return param.param.name; });

TEST(CollectorGolden, EveryCollectorHasATest) {
  // These speak of the running machine: tests of their own.
  std::set<std::string> tested = {"filesystem", "time", "uname"};
  for (const GoldenCase& test : Cases()) tested.insert(test.collector);
  for (const CollectorRow& row : CollectorRows()) {
    EXPECT_TRUE(tested.contains(std::string(row.name))) << row.name;
  }
}

}  // namespace
}  // namespace vigil::node
