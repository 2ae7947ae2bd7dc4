// SPDX-License-Identifier: Apache-2.0
// Any text as a web config file: a configuration or one clear error, never a crash.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "exporters/toolkit/web_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = vigil::toolkit::WebConfig::Parse(text, "dir/web.yml");
  if (!config && config.error().message.empty()) __builtin_trap();
  return 0;
}
