// SPDX-License-Identifier: Apache-2.0
#include "exporters/node/collector_set.h"

#include <gtest/gtest.h>
#include <sys/utsname.h>

#include <algorithm>
#include <string>
#include <vector>

namespace vigil::node {
namespace {

const std::string kFixtures = std::string(VIGIL_SOURCE_DIR) + "/tests/fixtures/node";

class CollectorSetTest : public testing::Test {
 protected:
  // The error of parsing or opening, empty when good.
  std::string Open(std::vector<std::string> args) {
    args.push_back("--path.procfs=" + kFixtures + "/proc");
    args.push_back("--path.sysfs=" + sys_);
    collectors_.AddFlags(&flags_);
    const auto parsed = flags_.Parse(args);
    if (!parsed) return parsed.error().message;
    const auto opened = collectors_.Open(flags_);
    return opened ? "" : opened.error().message;
  }

  std::string Scrape(const CollectorSet::Filter& filter = {}) {
    toolkit::MetricSink sink;
    collectors_.Scrape(filter, &sink);
    std::string page;
    sink.Render(&page);
    return page;
  }

  // The filter's names joined, or the error.
  std::string Filter(const std::string& query) {
    const auto params = http::Params::Parse(query);
    const auto filter = collectors_.ParseFilter(*params);
    if (!filter) return filter.error().message;
    std::string names;
    for (const std::string& name : *filter) names += name + " ";
    return names;
  }

  std::string sys_ = kFixtures + "/sys";
  toolkit::FlagSet flags_{"test", ""};
  CollectorSet collectors_;
};

using Names = std::vector<std::string>;

TEST_F(CollectorSetTest, DisableDefaultsLeavesTheNamedOnes) {
  EXPECT_EQ(Open({"--collector.disable-defaults", "--collector.loadavg", "--collector.stat"}), "");
  EXPECT_EQ(collectors_.Enabled(), (Names{"loadavg", "stat"}));
}

TEST_F(CollectorSetTest, SwitchesOneOff) {
  EXPECT_EQ(Open({"--no-collector.hwloc"}), "");
  const Names names = collectors_.Enabled();
  EXPECT_EQ(std::count(names.begin(), names.end(), "hwloc"), 0);
  EXPECT_EQ(std::count(names.begin(), names.end(), "cpu"), 1);
}

TEST_F(CollectorSetTest, RefusesIncludeAndExcludeTogether) {
  EXPECT_EQ(Open({"--collector.netdev.device-include=a", "--collector.netdev.device-exclude=b"}),
            "collector netdev: --collector.netdev.device-exclude and "
            "--collector.netdev.device-include are mutually exclusive");
}

TEST_F(CollectorSetTest, RefusesABadPattern) {
  const std::string error = Open({"--collector.vmstat.fields=("});
  EXPECT_TRUE(error.starts_with("collector vmstat: --collector.vmstat.fields")) << error;
}

TEST_F(CollectorSetTest, FiltersByCollect) {
  EXPECT_EQ(Open({"--no-collector.cpu"}), "");
  EXPECT_EQ(Filter("collect[]=stat&collect[]=loadavg"), "loadavg stat ");
  EXPECT_EQ(Filter("collect[]=nonsense"), "missing collector: nonsense");
  EXPECT_EQ(Filter("collect[]=cpu"), "disabled collector: cpu");
  EXPECT_EQ(Filter("collect[]=stat&exclude[]=loadavg"),
            "combined collect and exclude queries are not allowed");
  EXPECT_EQ(Filter("x=y"), "");
}

TEST_F(CollectorSetTest, FiltersByExclude) {
  EXPECT_EQ(Open({"--collector.disable-defaults", "--collector.loadavg", "--collector.stat"}), "");
  EXPECT_EQ(Filter("exclude[]=stat&exclude[]=nonsense"), "loadavg ");
  // Nothing left is an empty filter, which means all.
  EXPECT_EQ(Filter("exclude[]=stat&exclude[]=loadavg"), "");
}

TEST_F(CollectorSetTest, AFilteredScrapeRunsOnlyThose) {
  EXPECT_EQ(Open({"--collector.disable-defaults", "--collector.loadavg", "--collector.stat"}), "");
  const std::string page = Scrape({"stat"});
  EXPECT_NE(page.find("node_intr_total 777888\n"), std::string::npos);
  EXPECT_EQ(page.find("node_load1"), std::string::npos);
  EXPECT_EQ(page.find("collector=\"loadavg\""), std::string::npos);
}

TEST_F(CollectorSetTest, AFailingCollectorFailsAlone) {
  sys_ = "/does/not/exist";
  EXPECT_EQ(Open({"--collector.disable-defaults", "--collector.loadavg", "--collector.time"}), "");
  const std::string page = Scrape();
  EXPECT_NE(page.find("node_scrape_collector_success{collector=\"loadavg\"} 1\n"),
            std::string::npos);
  EXPECT_NE(page.find("node_scrape_collector_success{collector=\"time\"} 0\n"), std::string::npos);
}

TEST_F(CollectorSetTest, UnameSaysThisHost) {
  EXPECT_EQ(Open({"--collector.disable-defaults", "--collector.uname"}), "");
  utsname names{};
  ASSERT_EQ(uname(&names), 0);
  EXPECT_NE(Scrape().find(std::string("release=\"") + names.release + "\""), std::string::npos);
}

TEST_F(CollectorSetTest, TimeListsClockSources) {
  EXPECT_EQ(Open({"--collector.disable-defaults", "--collector.time"}), "");
  const std::string page = Scrape();
  for (const char* line :
       {"node_time_clocksource_available_info{clocksource=\"acpi_pm\",device=\"0\"} 1\n",
        "node_time_clocksource_available_info{clocksource=\"tsc\",device=\"0\"} 1\n",
        "node_time_clocksource_current_info{clocksource=\"tsc\",device=\"0\"} 1\n",
        "node_time_zone_offset_seconds{time_zone=\"", "node_time_seconds "}) {
    EXPECT_NE(page.find(line), std::string::npos) << line;
  }
}

TEST_F(CollectorSetTest, FilesystemsOfTheHostBelowItsRootfs) {
  EXPECT_EQ(Open({"--collector.disable-defaults", "--collector.filesystem"}), "");
  const std::string page = Scrape();
  EXPECT_NE(page.find("node_filesystem_size_bytes{device=\"/dev/sda1\",device_error=\"\","
                      "fstype=\"ext4\",mountpoint=\"/\"} "),
            std::string::npos)
      << page;
  EXPECT_NE(page.find("node_filesystem_mount_info{device=\"/dev/sda1\",major=\"8\",minor=\"1\","
                      "mountpoint=\"/\"} 1\n"),
            std::string::npos);
  // Mounted on the fixture's host, not on this one.
  EXPECT_NE(page.find("node_filesystem_device_error{device=\"/dev/sda2\",device_error=\"no such "
                      "file or directory\",fstype=\"xfs\",mountpoint=\"/data disk\"} 1\n"),
            std::string::npos);
  EXPECT_NE(page.find("node_filesystem_readonly{device=\"/dev/sda2\",device_error=\"no such file "
                      "or directory\",fstype=\"xfs\",mountpoint=\"/data disk\"} 1\n"),
            std::string::npos);
  EXPECT_EQ(page.find("mountpoint=\"/proc\""), std::string::npos);
}

TEST_F(CollectorSetTest, NetdevAsksTheKernel) {
  EXPECT_EQ(Open({"--collector.disable-defaults", "--collector.netdev",
                  "--collector.netdev.device-include=^lo$", "--collector.netdev.address-info"}),
            "");
  const std::string page = Scrape();
  EXPECT_NE(page.find("node_network_receive_bytes_total{device=\"lo\"} "), std::string::npos);
  EXPECT_NE(page.find("node_network_receive_nohandler_total{device=\"lo\"} "), std::string::npos);
  EXPECT_NE(page.find("address=\"127.0.0.1\",device=\"lo\",netmask=\"8\",scope=\"link-local\""),
            std::string::npos);
}

}  // namespace
}  // namespace vigil::node
