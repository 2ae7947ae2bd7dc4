// SPDX-License-Identifier: Apache-2.0
// One-value files.
#include "exporters/node/text_scan.h"

#include "client-lib/base/files.h"

namespace vigil::node {

Result<std::string> ReadTrimmed(const std::string& path) {
  const std::string text = TRY(ReadFile(path));
  return std::string(TrimLine(text));
}

Result<uint64_t> ReadUintFile(const std::string& path) {
  const std::string text = TRY(ReadFile(path));
  uint64_t value = 0;
  if (!ToUint(TrimLine(text), &value)) {
    return BadData(path + ": expected a number, got \"" + std::string(TrimLine(text)) + "\"");
  }
  return value;
}

}  // namespace vigil::node
