// SPDX-License-Identifier: Apache-2.0
// Reading of /proc/diskstats and udev files.
#include "exporters/node/parse/diskstats.h"

#include "exporters/node/text_scan.h"

namespace vigil::node {

Result<void> ParseDiskstats(std::string_view text, std::vector<DiskStats>* out) {
  out->clear();
  LineScanner lines(text);
  std::string_view line;
  while (lines.Next(&line)) {
    if (TrimLine(line).empty()) continue;
    FieldScanner fields(line);
    DiskStats disk;
    uint64_t major = 0;
    uint64_t minor = 0;
    bool good = fields.NextUint(&major) && fields.NextUint(&minor) && fields.Next(&disk.device) &&
                major <= UINT32_MAX && minor <= UINT32_MAX;
    std::string_view field;
    // Columns of future kernels are not ours to name.
    while (good && disk.column_count < kDiskColumns && fields.Next(&field)) {
      good = ToUint(field, &disk.columns[disk.column_count]);
      ++disk.column_count;
    }
    if (!good || disk.column_count < 4) {
      return BadData("diskstats: cannot read line \"" + std::string(line.substr(0, 80)) + "\"");
    }
    disk.major = static_cast<uint32_t>(major);
    disk.minor = static_cast<uint32_t>(minor);
    out->push_back(disk);
  }
  return Ok();
}

UdevProperties UdevProperties::Parse(std::string_view text) {
  UdevProperties properties;
  LineScanner lines(text);
  std::string_view line;
  while (lines.Next(&line)) {
    const size_t equals = line.find('=');
    if (!line.starts_with("E:") || equals == std::string_view::npos) continue;
    properties.items_.emplace_back(line.substr(2, equals - 2), line.substr(equals + 1));
  }
  return properties;
}

std::string_view UdevProperties::Get(std::string_view name) const {
  for (const auto& [key, value] : items_) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace vigil::node
