// SPDX-License-Identifier: Apache-2.0
// Reading of /proc/loadavg.
#include "exporters/node/parse/loadavg.h"

#include <optional>
#include <string>

#include "client-lib/model/float_text.h"
#include "exporters/node/text_scan.h"

namespace vigil::node {

Result<std::array<double, 3>> ParseLoadavg(std::string_view text) {
  std::array<double, 3> loads{};
  FieldScanner fields(TrimLine(text));
  for (double& load : loads) {
    std::string_view field;
    const std::optional<double> value = fields.Next(&field) ? ParseFloat(field) : std::nullopt;
    if (!value)
      return BadData("loadavg: expected three numbers, got \"" + std::string(text) + "\"");
    load = *value;
  }
  return loads;
}

}  // namespace vigil::node
