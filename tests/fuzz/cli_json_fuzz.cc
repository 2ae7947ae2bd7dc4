// SPDX-License-Identifier: Apache-2.0
// Feeds bytes to the JSON reader and what it prints of results.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "client-lib/base/json_value.h"
#include "server/cli/query.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  const auto value = vigil::ParseJson(std::string_view(reinterpret_cast<const char*>(input), size));
  if (value) static_cast<void>(vigil::cli::PrintResult(*value).has_value());
  return 0;
}
