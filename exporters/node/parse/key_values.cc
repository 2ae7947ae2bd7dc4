// SPDX-License-Identifier: Apache-2.0
// Reading of one-number-per-line files.
#include "exporters/node/parse/key_values.h"

#include <string>

#include "exporters/node/text_scan.h"

namespace vigil::node {
namespace {

Error BadLine(std::string_view file, std::string_view line) {
  return BadData(std::string(file) + ": cannot read line \"" + std::string(line.substr(0, 80)) +
                 "\"");
}

}  // namespace

Result<void> ParseMeminfo(std::string_view text, std::vector<KeyValue>* out) {
  out->clear();
  LineScanner lines(text);
  std::string_view line;
  while (lines.Next(&line)) {
    FieldScanner fields(line);
    KeyValue row;
    if (!fields.Next(&row.key)) continue;
    if (!row.key.ends_with(':') || !fields.NextUint(&row.value)) return BadLine("meminfo", line);
    row.key.remove_suffix(1);
    std::string_view unit;
    if (fields.Next(&unit)) {
      if (unit != "kB") return BadLine("meminfo", line);
      row.value *= 1024;
    }
    out->push_back(row);
  }
  return Ok();
}

Result<void> ParseVmstat(std::string_view text, std::vector<KeyValue>* out) {
  out->clear();
  LineScanner lines(text);
  std::string_view line;
  while (lines.Next(&line)) {
    FieldScanner fields(line);
    KeyValue row;
    if (!fields.Next(&row.key)) continue;
    if (!fields.NextUint(&row.value)) return BadLine("vmstat", line);
    out->push_back(row);
  }
  return Ok();
}

}  // namespace vigil::node
