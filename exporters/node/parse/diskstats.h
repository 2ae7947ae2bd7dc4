// SPDX-License-Identifier: Apache-2.0
// /proc/diskstats and the udev database's device files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::node {

inline constexpr size_t kDiskColumns = 17;  // of the newest kernels; older ones have 11 or 15

struct DiskStats {
  uint32_t major = 0;
  uint32_t minor = 0;
  std::string_view device;  // points into the text
  std::array<uint64_t, kDiskColumns> columns{};
  size_t column_count = 0;
};

// *out is replaced. bad_data names the line.
Result<void> ParseDiskstats(std::string_view text, std::vector<DiskStats>* out);

// The device properties of a udev database file: its "E:NAME=value" lines.
class UdevProperties {
 public:
  static UdevProperties Parse(std::string_view text);
  // Empty when missing. Valid as long as this.
  [[nodiscard]] std::string_view Get(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

}  // namespace vigil::node
