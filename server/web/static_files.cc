// SPDX-License-Identifier: Apache-2.0
// See static_files.h.
#include "server/web/static_files.h"

namespace vigil::web {

const StaticFile* FindStaticFile(std::string_view name) {
  for (const StaticFile& file : StaticFiles()) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

}  // namespace vigil::web
