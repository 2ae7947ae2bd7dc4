// SPDX-License-Identifier: Apache-2.0
#include "exporters/node/cpu_counters.h"

#include <gtest/gtest.h>

namespace vigil::node {
namespace {

CpuTimes Cpu(uint32_t cpu, uint64_t idle, uint64_t user) {
  CpuTimes times;
  times.cpu = cpu;
  times.ticks[kIdle] = idle;
  times.ticks[kUser] = user;
  return times;
}

TEST(CpuCounters, NeverGoBack) {
  CpuCounters counters;
  counters.Advance({Cpu(0, 1000, 50)});
  counters.Advance({Cpu(0, 990, 60)});
  EXPECT_EQ(counters.cpus()[0].ticks[kIdle], 1000u);
  EXPECT_EQ(counters.cpus()[0].ticks[kUser], 60u);
}

TEST(CpuCounters, StartAnewWhenIdleFallsThreeSeconds) {
  CpuCounters counters;
  counters.Advance({Cpu(0, 1000, 50)});
  counters.Advance({Cpu(0, 700, 5)});
  EXPECT_EQ(counters.cpus()[0].ticks[kIdle], 700u);
  EXPECT_EQ(counters.cpus()[0].ticks[kUser], 5u);
  counters.Advance({Cpu(0, 401, 4)});
  EXPECT_EQ(counters.cpus()[0].ticks[kIdle], 700u);
}

TEST(CpuCounters, ForgetsACpuThatIsGone) {
  CpuCounters counters;
  counters.Advance({Cpu(0, 10, 1), Cpu(1, 20, 2)});
  counters.Advance({Cpu(1, 15, 1)});
  ASSERT_EQ(counters.cpus().size(), 1u);
  EXPECT_EQ(counters.cpus()[0].cpu, 1u);
  EXPECT_EQ(counters.cpus()[0].ticks[kIdle], 20u);
  counters.Advance({Cpu(0, 5, 0), Cpu(1, 25, 1)});
  EXPECT_EQ(counters.cpus()[0].ticks[kIdle], 5u);
  EXPECT_EQ(counters.cpus()[1].ticks[kUser], 2u);
}

}  // namespace
}  // namespace vigil::node
