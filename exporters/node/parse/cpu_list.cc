// SPDX-License-Identifier: Apache-2.0
// Reading of CPU lists.
#include "exporters/node/parse/cpu_list.h"

#include <algorithm>
#include <string>

#include "client-lib/base/strings.h"
#include "exporters/node/text_scan.h"

namespace vigil::node {
namespace {

// Far above any kernel's NR_CPUS: a larger number is a broken file, not a machine.
constexpr uint64_t kMaxCpu = 65535;

}  // namespace

Result<std::vector<uint32_t>> ParseCpuList(std::string_view text) {
  std::vector<uint32_t> cpus;
  text = TrimLine(text);
  if (text.empty()) return cpus;
  for (const std::string_view part : Split(text, ',')) {
    const size_t dash = part.find('-');
    uint64_t first = 0;
    uint64_t last = 0;
    const bool good = ToUint(part.substr(0, dash), &first) &&
                      (dash == std::string_view::npos || ToUint(part.substr(dash + 1), &last));
    if (dash == std::string_view::npos) last = first;
    if (!good || first > last || last > kMaxCpu) {
      return BadData("invalid CPU list \"" + std::string(text) + "\"");
    }
    for (uint64_t cpu = first; cpu <= last; ++cpu) cpus.push_back(static_cast<uint32_t>(cpu));
  }
  std::ranges::sort(cpus);
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

}  // namespace vigil::node
