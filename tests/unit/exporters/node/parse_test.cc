// SPDX-License-Identifier: Apache-2.0
// The pure parse functions on good and bad input.
#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <string>
#include <vector>

#include "exporters/node/name_filter.h"
#include "exporters/node/parse/cpu_list.h"
#include "exporters/node/parse/cpuinfo.h"
#include "exporters/node/parse/diskstats.h"
#include "exporters/node/parse/key_values.h"
#include "exporters/node/parse/loadavg.h"
#include "exporters/node/parse/mountinfo.h"
#include "exporters/node/parse/net_dev.h"
#include "exporters/node/parse/proc_stat.h"

namespace vigil::node {
namespace {

TEST(CpuList, ReadsRangesAndSingles) {
  EXPECT_EQ(*ParseCpuList("1,3-5,9\n"), (std::vector<uint32_t>{1, 3, 4, 5, 9}));
  EXPECT_EQ(*ParseCpuList("\n"), std::vector<uint32_t>{});
  EXPECT_EQ(*ParseCpuList("4,0-1,1"), (std::vector<uint32_t>{0, 1, 4}));
}

TEST(CpuList, RefusesNonsense) {
  for (const char* text : {"a", "1-", "-1", "3-1", "1,,2", "0-4000000000", "1 2"}) {
    EXPECT_FALSE(ParseCpuList(text)) << text;
  }
}

TEST(Loadavg, RefusesAShortLine) {
  EXPECT_EQ(ParseLoadavg("0.1 0.2\n").error().message,
            "loadavg: expected three numbers, got \"0.1 0.2\n\"");
}

TEST(ProcStat, OldKernelsHaveFewerColumns) {
  ProcStat stat;
  ASSERT_TRUE(ParseProcStat("cpu0 1 2 3 4\nctxt 7\n", &stat));
  EXPECT_EQ(stat.cpus[0].ticks[kIdle], 4u);
  EXPECT_EQ(stat.cpus[0].ticks[kSteal], 0u);
  EXPECT_EQ(stat.context_switches, 7u);
  EXPECT_TRUE(stat.softirqs.empty());
}

TEST(ProcStat, RefusesBrokenLines) {
  ProcStat stat;
  for (const char* text : {"cpu0\n", "cpux 1\n", "cpu0 1 x\n", "ctxt\n", "softirq 1 y\n"}) {
    EXPECT_FALSE(ParseProcStat(text, &stat)) << text;
  }
}

TEST(CpuInfo, ReadsArm) {
  const auto cpus = ParseCpuInfo("processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n");
  ASSERT_EQ(cpus.size(), 1u);
  EXPECT_EQ(cpus[0].vendor_id, "0x41");
  EXPECT_EQ(cpus[0].flags, (std::vector<std::string>{"fp", "asimd"}));
}

TEST(Meminfo, KilobytesBecomeBytes) {
  std::vector<KeyValue> rows;
  ASSERT_TRUE(ParseMeminfo("MemTotal: 2 kB\nHugePages_Total: 3\n", &rows));
  EXPECT_EQ(rows[0].value, 2048u);
  EXPECT_EQ(rows[1].value, 3u);
  EXPECT_FALSE(ParseMeminfo("MemTotal: 2 MB\n", &rows));
  EXPECT_FALSE(ParseMeminfo("MemTotal 2 kB\n", &rows));
}

TEST(Vmstat, RefusesALineWithoutANumber) {
  std::vector<KeyValue> rows;
  EXPECT_FALSE(ParseVmstat("pgfault\n", &rows));
}

TEST(Diskstats, CountsTheColumnsTheKernelHas) {
  std::vector<DiskStats> disks;
  ASSERT_TRUE(ParseDiskstats(" 8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n", &disks));
  EXPECT_EQ(disks[0].column_count, 11u);
  ASSERT_TRUE(ParseDiskstats("8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19\n", &disks));
  EXPECT_EQ(disks[0].column_count, kDiskColumns);
  EXPECT_FALSE(ParseDiskstats("8 0 sda 1 2 3\n", &disks));
  EXPECT_FALSE(ParseDiskstats("8 x sda 1 2 3 4\n", &disks));
}

TEST(Mountinfo, UndoesEscapes) {
  const auto mounts =
      ParseMountinfo("1 0 8:1 / /a\\040b\\011c\\134d ro shared:1 - ext4 /dev/sda ro\n");
  ASSERT_TRUE(mounts);
  EXPECT_EQ((*mounts)[0].mount_point, "/a b\tc\\d");
  EXPECT_TRUE((*mounts)[0].read_only);
}

TEST(Mountinfo, ReadOnlyBySuperOptions) {
  EXPECT_TRUE((*ParseMountinfo("1 0 8:1 / / rw - ext4 /dev/sda ro,x\n"))[0].read_only);
  EXPECT_FALSE((*ParseMountinfo("1 0 8:1 / / rw,errors=ro - ext4 /dev/sda rw\n"))[0].read_only);
}

TEST(Mountinfo, TheSourceMayBeEmpty) {
  const auto mounts = ParseMountinfo("1 0 0:5 / /x rw - tmpfs  rw\n");
  ASSERT_TRUE(mounts);
  EXPECT_EQ((*mounts)[0].device, "");
}

TEST(Mountinfo, RefusesBrokenLines) {
  for (const char* text : {"1 0 8:1 / /\n", "1 0 8:1 / / rw ext4 /dev/sda rw\n",
                           "1 0 81 / / rw - ext4 /dev/sda rw\n", "1 0 8:1 / / rw - ext4\n"}) {
    EXPECT_FALSE(ParseMountinfo(text)) << text;
  }
}

// One netlink message with its attributes, as the kernel packs them.
class MessageBuilder {
 public:
  MessageBuilder(uint16_t type, size_t body_size) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    Append(&header, sizeof(header));
    bytes_.resize(bytes_.size() + body_size);
  }
  void Attribute(uint16_t type, const void* data, size_t size) {
    rtattr attribute{};
    attribute.rta_type = type;
    attribute.rta_len = static_cast<uint16_t>(sizeof(attribute) + size);
    Append(&attribute, sizeof(attribute));
    Append(data, size);
    bytes_.resize((bytes_.size() + 3) & ~size_t{3});
  }
  std::vector<std::byte> Build() {
    const auto size = static_cast<uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &size, sizeof(size));
    return bytes_;
  }

 private:
  void Append(const void* data, size_t size) {
    const auto* begin = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), begin, begin + size);
  }
  std::vector<std::byte> bytes_;
};

TEST(LinkMessages, ReadsNameAndCounters) {
  MessageBuilder builder(RTM_NEWLINK, sizeof(ifinfomsg));
  builder.Attribute(IFLA_IFNAME, "eth0", 5);
  const std::vector<uint64_t> stats = {1, 2, 3, 4};  // an old kernel's shorter struct
  builder.Attribute(IFLA_STATS64, stats.data(), stats.size() * sizeof(uint64_t));
  std::vector<NetDevice> devices;
  const auto more = ParseLinkMessages(builder.Build(), &devices);
  ASSERT_TRUE(more) << more.error().message;
  EXPECT_TRUE(*more);
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_EQ(devices[0].name, "eth0");
  EXPECT_EQ(devices[0].stats[kReceiveBytes], 3u);
  EXPECT_TRUE(devices[0].present[kTransmitBytes]);
  EXPECT_FALSE(devices[0].present[kReceiveNohandler]);
}

TEST(LinkMessages, EndsAtDone) {
  std::vector<NetDevice> devices;
  const auto more = ParseLinkMessages(MessageBuilder(NLMSG_DONE, 4).Build(), &devices);
  ASSERT_TRUE(more);
  EXPECT_FALSE(*more);
}

TEST(LinkMessages, RefusesWrongLengths) {
  MessageBuilder builder(RTM_NEWLINK, sizeof(ifinfomsg));
  builder.Attribute(IFLA_IFNAME, "eth0", 5);
  std::vector<std::byte> bytes = builder.Build();
  std::vector<NetDevice> devices;
  for (size_t i : {size_t{0}, sizeof(nlmsghdr) + sizeof(ifinfomsg)}) {
    std::vector<std::byte> broken = bytes;
    broken[i] = std::byte{200};
    EXPECT_FALSE(ParseLinkMessages(broken, &devices));
    broken[i] = std::byte{1};
    EXPECT_FALSE(ParseLinkMessages(broken, &devices));
  }
}

TEST(NameFilter, IsUnanchored) {
  auto filter = NameFilter::Create("", "^(lo|veth)|docker", "--x.device");
  ASSERT_TRUE(filter);
  EXPECT_TRUE(filter->Ignores("veth12"));
  EXPECT_TRUE(filter->Ignores("br-docker0"));
  EXPECT_FALSE(filter->Ignores("eth0"));
  EXPECT_FALSE(filter->Ignores("eth0"));
  EXPECT_FALSE(filter->Ignores("xlo"));
}

TEST(NameFilter, IncludeIgnoresTheRest) {
  auto filter = NameFilter::Create("eth", "", "--x.device");
  EXPECT_TRUE(filter->Ignores("lo"));
  EXPECT_FALSE(filter->Ignores("eth1"));
}

TEST(NameFilter, RefusesAParenthesisThatEscapesItsGroup) {
  EXPECT_FALSE(NameFilter::Create("a)|(b", "", "--x.device"));
}

}  // namespace
}  // namespace vigil::node
