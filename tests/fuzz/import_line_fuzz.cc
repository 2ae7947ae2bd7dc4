// SPDX-License-Identifier: Apache-2.0
// Feeds lines to the reader of imports.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/cli/openmetrics_line.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  if (size == 0) return 0;
  const auto unit =
      input[0] % 2 == 0 ? vigil::cli::TimeUnit::kSeconds : vigil::cli::TimeUnit::kMilliseconds;
  const std::string_view line(reinterpret_cast<const char*>(input) + 1, size - 1);
  const auto sample = vigil::cli::ReadImportLine(line, unit);
  if (!sample || !*sample) return 0;
  // The series is a piece of the line.
  CHECK((*sample)->series.data() >= line.data());
  CHECK((*sample)->series.data() + (*sample)->series.size() <= line.data() + line.size());
  return 0;
}
