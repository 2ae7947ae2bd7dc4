// SPDX-License-Identifier: Apache-2.0
// Reading of /proc/cpuinfo.
#include "exporters/node/parse/cpuinfo.h"

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "exporters/node/text_scan.h"

namespace vigil::node {
namespace {

struct TextKey {
  std::string_view key;
  std::string CpuInfo::*member;
};
constexpr TextKey kTextKeys[] = {
    {"vendor_id", &CpuInfo::vendor_id},
    {"cpu family", &CpuInfo::family},
    {"model", &CpuInfo::model},
    {"model name", &CpuInfo::model_name},
    {"stepping", &CpuInfo::stepping},
    {"microcode", &CpuInfo::microcode},
    {"cache size", &CpuInfo::cache_size},
    {"physical id", &CpuInfo::physical_id},
    {"core id", &CpuInfo::core_id},
    {"vendor", &CpuInfo::vendor_id},
    {"CPU implementer", &CpuInfo::vendor_id},
    {"CPU architecture", &CpuInfo::family},
    {"CPU variant", &CpuInfo::model},
    {"CPU revision", &CpuInfo::stepping},
};

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  FieldScanner fields(text);
  std::string_view field;
  while (fields.Next(&field)) words.emplace_back(field);
  return words;
}

}  // namespace

std::vector<CpuInfo> ParseCpuInfo(std::string_view text) {
  std::vector<CpuInfo> cpus;
  LineScanner lines(text);
  std::string_view line;
  while (lines.Next(&line)) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = TrimLine(line.substr(0, colon));
    const std::string_view value = TrimLine(line.substr(colon + 1));
    if (key == "processor") {
      cpus.emplace_back().processor = value;
      continue;
    }
    if (cpus.empty()) continue;
    CpuInfo& cpu = cpus.back();
    for (const TextKey& row : kTextKeys) {
      if (row.key == key) cpu.*row.member = value;
    }
    if (key == "cpu MHz") cpu.mhz = ParseFloat(value).value_or(0);
    if (cpus.size() > 1) continue;
    if (key == "flags" || key == "Features") cpu.flags = Words(value);
    if (key == "bugs") cpu.bugs = Words(value);
  }
  return cpus;
}

}  // namespace vigil::node
