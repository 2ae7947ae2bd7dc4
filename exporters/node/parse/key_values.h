// SPDX-License-Identifier: Apache-2.0
// Kernel files of one named number per line: /proc/meminfo, /proc/vmstat.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::node {

struct KeyValue {
  std::string_view key;  // points into the text
  uint64_t value = 0;
};

// "MemTotal:  3742148 kB" and "HugePages_Total: 0": values in kB become bytes. bad_data names the
// line. *out is replaced.
Result<void> ParseMeminfo(std::string_view text, std::vector<KeyValue>* out);

// "nr_free_pages 977769": key and number, nothing else.
Result<void> ParseVmstat(std::string_view text, std::vector<KeyValue>* out);

}  // namespace vigil::node
