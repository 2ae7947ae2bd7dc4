// SPDX-License-Identifier: Apache-2.0
// Facts the build system and the compiler know.
#include "exporters/toolkit/version.h"

#ifndef VIGIL_VERSION
#define VIGIL_VERSION "unknown"
#endif
#ifndef VIGIL_REVISION
#define VIGIL_REVISION "unknown"
#endif
#ifndef VIGIL_BRANCH
#define VIGIL_BRANCH "unknown"
#endif

namespace vigil::toolkit {

std::string_view Version() { return VIGIL_VERSION; }
std::string_view Revision() { return VIGIL_REVISION; }
std::string_view Branch() { return VIGIL_BRANCH; }

std::string_view Compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

std::string VersionText(std::string_view program) {
  std::string text(program);
  text.append(", version ").append(Version());
  text.append(" (branch: ").append(Branch()).append(", revision: ").append(Revision());
  text.append(")\n  compiler:         ").append(Compiler());
  text.append("\n  platform:         linux/");
#if defined(__x86_64__)
  text.append("amd64");
#elif defined(__aarch64__)
  text.append("arm64");
#else
  text.append("other");
#endif
  return text + "\n";
}

}  // namespace vigil::toolkit
