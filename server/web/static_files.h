// SPDX-License-Identifier: Apache-2.0
// The files of server/web/static, built into the binary: the server needs no files beside it.
#pragma once

#include <span>
#include <string_view>

namespace vigil::web {

struct StaticFile {
  std::string_view name;
  std::string_view content_type;
  std::string_view content;
};

// Generated at build time from server/web/static (server/web/embed.cmake).
std::span<const StaticFile> StaticFiles();

// Null when there is none of this name.
const StaticFile* FindStaticFile(std::string_view name);

}  // namespace vigil::web
