// SPDX-License-Identifier: Apache-2.0
// Reading of /proc/stat.
#include "exporters/node/parse/proc_stat.h"

#include <string>

#include "exporters/node/text_scan.h"

namespace vigil::node {
namespace {

Error BadLine(std::string_view line) {
  return BadData("stat: cannot read line \"" + std::string(line.substr(0, 80)) + "\"");
}

Result<void> ParseCpuLine(std::string_view key, FieldScanner fields, std::string_view line,
                          ProcStat* out) {
  uint64_t number = 0;
  if (!ToUint(key.substr(3), &number) || number > UINT32_MAX) return BadLine(line);
  CpuTimes times;
  times.cpu = static_cast<uint32_t>(number);
  size_t column = 0;
  std::string_view field;
  while (column < kCpuModes && fields.Next(&field)) {
    if (!ToUint(field, &times.ticks[column])) return BadLine(line);
    ++column;
  }
  if (column == 0) return BadLine(line);
  out->cpus.push_back(times);
  return Ok();
}

struct NumberKey {
  std::string_view key;
  uint64_t ProcStat::*member;
};
constexpr NumberKey kNumberKeys[] = {
    {"intr", &ProcStat::interrupts},       {"ctxt", &ProcStat::context_switches},
    {"btime", &ProcStat::boot_time},       {"processes", &ProcStat::forks},
    {"procs_running", &ProcStat::running}, {"procs_blocked", &ProcStat::blocked},
};

}  // namespace

Result<void> ParseProcStat(std::string_view text, ProcStat* out) {
  out->cpus.clear();
  out->softirqs.clear();
  LineScanner lines(text);
  std::string_view line;
  while (lines.Next(&line)) {
    FieldScanner fields(line);
    std::string_view key;
    if (!fields.Next(&key) || key == "cpu") continue;
    if (key.starts_with("cpu")) {
      TRY(ParseCpuLine(key, fields, line, out));
      continue;
    }
    for (const NumberKey& row : kNumberKeys) {
      // The intr line has a column per interrupt behind the total; only the total is read.
      if (row.key == key && !fields.NextUint(&(out->*row.member))) return BadLine(line);
    }
    if (key == "softirq") {
      std::string_view field;
      while (fields.Next(&field)) {
        if (!ToUint(field, &out->softirqs.emplace_back())) return BadLine(line);
      }
    }
  }
  return Ok();
}

}  // namespace vigil::node
