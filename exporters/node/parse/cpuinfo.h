// SPDX-License-Identifier: Apache-2.0
// /proc/cpuinfo of the architectures whose fields upstream exposes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vigil::node {

struct CpuInfo {
  std::string processor, vendor_id, family, model, model_name, stepping, microcode, cache_size;
  std::string physical_id, core_id;
  double mhz = 0;
  std::vector<std::string> flags, bugs;
};

// One entry per "processor" stanza. Lines that are not `key : value` are skipped: the file has no
// fixed grammar. Flags and bugs are read for the first processor only.
std::vector<CpuInfo> ParseCpuInfo(std::string_view text);

}  // namespace vigil::node
