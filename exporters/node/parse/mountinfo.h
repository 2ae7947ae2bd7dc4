// SPDX-License-Identifier: Apache-2.0
// /proc/PID/mountinfo.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::node {

struct Mount {
  std::string device;
  std::string mount_point;  // octal escapes undone
  std::string fs_type;
  std::string major;
  std::string minor;
  bool read_only = false;  // by the mount's or the filesystem's options
};

// In the file's order. bad_data names the line.
Result<std::vector<Mount>> ParseMountinfo(std::string_view text);

}  // namespace vigil::node
