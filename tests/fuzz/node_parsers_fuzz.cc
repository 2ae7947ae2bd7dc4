// SPDX-License-Identifier: Apache-2.0
// The node exporter's parsers of kernel files: the first byte chooses one, the rest is the file.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "exporters/node/parse/cpu_list.h"
#include "exporters/node/parse/cpuinfo.h"
#include "exporters/node/parse/diskstats.h"
#include "exporters/node/parse/key_values.h"
#include "exporters/node/parse/loadavg.h"
#include "exporters/node/parse/mountinfo.h"
#include "exporters/node/parse/net_dev.h"
#include "exporters/node/parse/proc_stat.h"

namespace {

using namespace vigil::node;  // NOLINT(build/namespaces): all of it is under test

void Parse(char which, std::string_view text) {
  std::vector<KeyValue> rows;
  std::vector<DiskStats> disks;
  std::vector<NetDevice> devices;
  ProcStat stat;
  switch (which) {
    case 'c':
      return static_cast<void>(ParseCpuList(text).has_value());
    case 'i':
      return static_cast<void>(ParseCpuInfo(text).size());
    case 'd':
      return static_cast<void>(ParseDiskstats(text, &disks).has_value());
    case 'u':
      return static_cast<void>(UdevProperties::Parse(text).Get("ID_MODEL"));
    case 'm':
      return static_cast<void>(ParseMeminfo(text, &rows).has_value());
    case 'v':
      return static_cast<void>(ParseVmstat(text, &rows).has_value());
    case 'l':
      return static_cast<void>(ParseLoadavg(text).has_value());
    case 'o':
      return static_cast<void>(ParseMountinfo(text).has_value());
    case 'n':
      return static_cast<void>(ParseNetDev(text).has_value());
    case 'k':
      return static_cast<void>(
          ParseLinkMessages(std::as_bytes(std::span(text.data(), text.size())), &devices)
              .has_value());
    default:
      return static_cast<void>(ParseProcStat(text, &stat).has_value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (!input.empty()) Parse(input[0], input.substr(1));
  return 0;
}
