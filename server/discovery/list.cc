// SPDX-License-Identifier: Apache-2.0
#include "server/discovery/list.h"

#include <array>

#include "server/discovery/file.h"
#include "server/discovery/static.h"

namespace vigil::discovery {

std::span<const Mechanism> Mechanisms() {
  static constexpr std::array kMechanisms = {
      Mechanism{"static_configs", "targets named in the configuration", &CreateStatic},
      Mechanism{"file_sd_configs", "targets from JSON and YAML files", &CreateFile},
  };
  return kMechanisms;
}

}  // namespace vigil::discovery
