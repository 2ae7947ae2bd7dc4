// SPDX-License-Identifier: Apache-2.0
// /proc/stat: CPU times, interrupts, context switches, boot time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::node {

// The columns of a cpu line, in the file's order.
enum CpuMode : size_t {
  kUser,
  kNice,
  kSystem,
  kIdle,
  kIowait,
  kIrq,
  kSoftirq,
  kSteal,
  kGuest,
  kGuestNice,
  kCpuModes
};

struct CpuTimes {
  uint32_t cpu = 0;
  std::array<uint64_t, kCpuModes> ticks{};  // of 1/100 s; columns an old kernel lacks are 0
};

struct ProcStat {
  std::vector<CpuTimes> cpus;  // as the file has them, without the total line
  uint64_t interrupts = 0;
  uint64_t context_switches = 0;
  uint64_t boot_time = 0;  // Unix seconds
  uint64_t forks = 0;
  uint64_t running = 0;
  uint64_t blocked = 0;
  // Total first, then hi, timer, net_tx, ...; empty when the kernel has no such line.
  std::vector<uint64_t> softirqs;
};

// Into *out, whose capacity is reused. bad_data names the line. Unknown lines are skipped.
Result<void> ParseProcStat(std::string_view text, ProcStat* out);

}  // namespace vigil::node
